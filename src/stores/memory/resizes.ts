import type { Env } from '../../core/env.js'
import type { AcquireRequest } from '../../core/store.js'

interface Resize {
  readonly to: number
  /** What the key had before. */
  readonly before: ReadonlySet<number>
  untilMs: number
}

/** How long it is remembered that a key was resized, after the last request that asked for what it had before. */
const staysMs = 24 * 3_600_000
/** So many limits of one key. */
const mostLimits = 32
/** So many keys; the one that was resized first is forgotten. */
const mostKeys = 1_000

/** Which keys were given another limit while they were in use. */
export class Resizes {
  readonly #env: Env
  readonly #byKey = new Map<string, Resize>()

  constructor(env: Env) {
    this.#env = env
  }

  /** What a request of `limit` asks for by now. */
  meant(key: string, limit: number): number {
    const found = this.#byKey.get(key)
    if (found === undefined || found.to === limit || !found.before.has(limit)) return limit
    const nowMs = this.#env.nowMs()
    if (found.untilMs <= nowMs) {
      this.#byKey.delete(key)
      return limit
    }
    found.untilMs = nowMs + staysMs
    return found.to
  }

  request(request: AcquireRequest): AcquireRequest {
    const limit = this.meant(request.key, request.limit)
    return limit === request.limit ? request : { ...request, limit }
  }

  /** `inUse`: who holds agrees with `from`, so that what it had before goes on. */
  remember(key: string, { from, to, inUse }: { from: number; to: number; inUse: boolean }): void {
    const found = this.#byKey.get(key)
    const goesOn = found !== undefined && (inUse || found.to === from || found.before.has(from))
    const before = goesOn ? [from, found.to, ...found.before] : [from]
    this.#byKey.delete(key)
    const limits = [...new Set(before)].filter((limit) => limit !== to).slice(0, mostLimits)
    this.#byKey.set(key, { to, before: new Set(limits), untilMs: this.#env.nowMs() + staysMs })
    const [first] = this.#byKey.keys()
    if (this.#byKey.size > mostKeys && first !== undefined) this.#byKey.delete(first)
  }
}
