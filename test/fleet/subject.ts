/** The one small interface through which every library is put through faults. */

/** The limit of a key that readers share, one place each, and a writer takes all of. */
export const readersLimit = 2 ** 30

/** How a lock is asked for. */
export interface Ask {
  readonly ttlMs: number
  /** 0: it does not wait. */
  readonly waitMs: number
  /** How many may hold the key at once; default 1. */
  readonly limit?: number | undefined
  /** How much of the limit this one takes; default 1. */
  readonly permits?: number | undefined
  /** Cancels the wait, where the library can. */
  readonly signal?: AbortSignal | undefined
}

/** One hold, as the library shows it to its user. */
export interface Held {
  /** The fencing token; undefined: the library has none. */
  readonly token: number | undefined
  /** What the library answers, at this moment, to "is it still mine?". One that cannot be asked: true until it has told. */
  active(): boolean
  /** Milliseconds until it ends unless renewed; undefined: the library does not say. */
  remainingMs(): number | undefined
  /** Called when the library tells by itself that the hold is lost. */
  onLost(listener: () => void): void
  release(): Promise<unknown>
  /** Gives it to another instance of the library; undefined: it was over. Rejects when the store failed. */
  handOver?(): Promise<Held | undefined>
}

/** A value as it is kept: when its computation began (machineMs), and in which process. */
export interface Computed {
  readonly beganMs: number
  readonly pid: number
}

/** A function whose results are kept. */
export interface Cache {
  get(key: string, compute: () => Promise<Computed>): Promise<Computed>
  reset(key: string): Promise<unknown>
}

/** A library, open in this process. */
export interface Subject {
  /** undefined: another holds, and went on to for as long as it was waited. Rejects when the store failed. */
  acquire(key: string, ask: Ask): Promise<Held | undefined>
  /** Runs the body unless it runs already, anywhere; false: it does. */
  once?(key: string, ask: Pick<Ask, 'ttlMs'>, body: (held: Held) => Promise<void>): Promise<boolean>
  /** The same cache each time. */
  cache?(ttlMs: number): Cache
  /** Lets a store of its own fail, or no longer. */
  failStore?(on: boolean): void
  /** Keys that a store of its own still knows of. */
  left?(): Promise<readonly string[]>
  /** Gives back what was opened: after it the process must be able to end by itself. */
  close(): Promise<unknown>
}

/** What a subject is opened with. */
export interface Setting {
  /** URL of the Redis to use, or the folder for lock files; '' in memory. */
  readonly place: string
  /** The library's defaults where they matter (handlers of failures), as a user has them who only read its quick start. */
  readonly bare?: boolean | undefined
  /** Which of the ways to the store, where there are several: any whole number. */
  readonly way?: number | undefined
  /** Time limit of one command, where the client of the store has one; default: the client's. */
  readonly commandTimeoutMs?: number | undefined
}

/**
 * renewal: holds longer than its ttl · token: fencing tokens · limit: several holders of a key ·
 * permits: one may take several of its places, as a writer among readers does · cancel: waits can be cancelled · fair: it promises order ·
 * once: a body runs once at a time · hand-over: a hold can change hands · cache: results are kept, and can be reset
 */
export type Feature =
  'renewal' | 'token' | 'limit' | 'permits' | 'cancel' | 'fair' | 'push' | 'once' | 'hand-over' | 'cache'

export interface Library {
  readonly id: string
  readonly package: string
  /** Where its locks stand: one library may be listed more than once. */
  readonly store: 'redis' | 'memory' | 'file'
  readonly features: readonly Feature[]
  /** The shortest ttl it takes. */
  readonly leastTtlMs: number
  /** Loads the package. */
  open(setting: Setting): Promise<Subject>
}
