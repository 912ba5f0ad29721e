// redlock 5 ships types that its `exports` hide: what is used of them.
declare module 'redlock' {
  import type { Redis } from 'ioredis'

  export interface Lock {
    release(): Promise<unknown>
  }
  export interface Settings {
    driftFactor: number
    retryCount: number
    retryDelay: number
    retryJitter: number
  }
  export class ExecutionError extends Error {}
  export default class Redlock {
    constructor(clients: readonly Redis[], settings: Partial<Settings>)
    acquire(resources: string[], duration: number, settings: Partial<Settings>): Promise<Lock>
    using<T>(
      resources: string[],
      duration: number,
      settings: Partial<Settings>,
      routine: (signal: AbortSignal) => Promise<T>,
    ): Promise<T>
  }
}
