import type { AcquireRequest } from '../../src/core/store.js'

/** Which keys were given another limit, and what that means for requests. */
export class ReferenceLimits {
  readonly resizes = new Map<string, { to: number; before: number[] }>()

  canBeMet({ permits }: AcquireRequest, limit: number): boolean {
    return permits <= limit
  }

  meant(key: string, limit: number): number {
    const found = this.resizes.get(key)
    return found?.before.includes(limit) === true ? found.to : limit
  }

  remember(key: string, from: number, to: number): void {
    const found = this.resizes.get(key)
    const before = found === undefined ? [from] : [from, found.to, ...found.before]
    this.resizes.set(key, { to, before: before.filter((limit) => limit !== to) })
  }
}
