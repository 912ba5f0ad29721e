import { betweenMs, type Mark, type Timer } from './env.js'
import type { EndCode } from './errors.js'
import type { Hold } from './hold.js'
import { renewAfterMs, trustedMs } from './plan.js'
import { leaseMs } from './terms.js'

/** From when a hold counts. */
export interface Start {
  /** The moment from which the lease is counted: before the request for it was sent. */
  readonly mark: Mark
  /** Length of the lease; default: what the terms ask for. */
  readonly leaseMs?: number | null
  /** The moment from which `expire` and `minHold` are counted; default: `mark`. */
  readonly since?: Mark
  /** The clocks of now, where they were just read. */
  readonly now?: Mark
}

/** When it was seen last what the store renewed by itself: of few stores, so it is kept beside the holds. */
const lookedAt = new WeakMap<Deadline, Mark>()

/** The store has refused to renew them: they end as soon as it is known why, and are good for nobody else. */
const refused = new WeakSet<Deadline>()

/** When a hold ends unless it is renewed, and when that is due: all that is timed about it. A hold without a limit has none. */
export class Deadline {
  /** The moment from which `expire` and `minHold` are counted; without either, one moment is kept instead of two: `leased`. */
  since: Mark
  /** When the last successful request for the lease was sent. */
  leased: Mark
  /** Length of the lease; null: none, only `expire` or `minHold` is timed. */
  leaseMs: number | null = null
  /** When the next renewal is due, on the monotonic clock; undefined: never. Whole: a number with a fraction takes 16 bytes more. */
  renewAtMs: number | undefined = undefined
  renewing = false
  timer: Timer | undefined = undefined
  /** One reference in place of two, to its terms and its store. */
  readonly #hold: Pick<Hold, 'terms' | 'space'>

  constructor(hold: Pick<Hold, 'terms' | 'space'>, start: Start) {
    this.since = start.since ?? start.mark
    this.leased = start.mark
    this.#hold = hold
    this.extend(start.mark, start.leaseMs === undefined ? leaseMs(hold.terms) : start.leaseMs)
  }

  /** A request for a lease of `leaseMs`, sent at `mark`, came through. */
  extend(mark: Mark, leaseMs: number | null): void {
    const { ttlMs, expireMs, minHoldMs } = this.#hold.terms
    this.leased = mark
    if (this.#hold.space.store.selfRenewal !== undefined) lookedAt.delete(this)
    if (expireMs === undefined && minHoldMs === 0) this.since = mark
    this.leaseMs = leaseMs
    const renews = leaseMs !== null && ttlMs !== null && this.leaseEndsAtMs() < this.expiresAtMs()
    this.renewAtMs = renews ? Math.floor(mark.nowMs + renewAfterMs(Math.min(leaseMs, ttlMs))) : undefined
  }

  refuse(): void {
    refused.add(this)
  }

  get isRefused(): boolean {
    return refused.has(this)
  }

  /** How it has ended; undefined: it has not. */
  overdue(now: Mark): EndCode | undefined {
    if (betweenMs(this.since, now) >= this.expireTrustedMs()) return 'LOCK_EXPIRED'
    if (betweenMs(this.leased, now) < this.leaseTrustedMs()) return undefined
    // a lease cut to what is left of `expire` ends with it, but for a rounding error
    return this.expiresAtMs() - this.leaseEndsAtMs() < 1 ? 'LOCK_EXPIRED' : 'LOCK_LOST'
  }

  /** The store renewed it by itself, `ageMs` ago by the monotonic clock. false: that is over too. */
  renewedElsewhere(now: Mark, ageMs: number): boolean {
    const before = lookedAt.get(this) ?? this.leased
    // a suspend since the last look may have come after the renewal
    const asleepMs = betweenMs(before, now) - (now.nowMs - before.nowMs)
    lookedAt.set(this, now)
    const atMostMs = ageMs + asleepMs
    if (now.nowMs - ageMs <= this.leased.nowMs || atMostMs >= this.leaseTrustedMs()) return false
    const bootAheadMs = now.bootAheadMs - asleepMs
    this.leased = { nowMs: now.nowMs - ageMs, wallMs: now.wallMs - atMostMs, bootAheadMs }
    return true
  }

  /** How long it lasts without a renewal, at most. */
  remainingMs(now: Mark): number {
    const leaseLeftMs = this.leaseTrustedMs() - betweenMs(this.leased, now)
    return Math.max(Math.min(leaseLeftMs, this.expireTrustedMs() - betweenMs(this.since, now)), 0)
  }

  /** At least half of the lease is left. */
  isFresh(now: Mark): boolean {
    return betweenMs(this.leased, now) <= this.leaseTrustedMs() / 2
  }

  /** What comes next by the monotonic clock: a renewal, unless one is under way, or the end. */
  nextAtMs(): number {
    const endsAtMs = Math.min(this.leaseEndsAtMs(), this.expiresAtMs())
    return this.renewing || this.renewAtMs === undefined ? endsAtMs : Math.min(this.renewAtMs, endsAtMs)
  }

  // Worked out when asked for: kept, it would be a tenth of all that a held lock keeps. Not `#`: see hold.ts.

  private leaseTrustedMs(): number {
    const { space } = this.#hold
    return this.leaseMs === null ? Number.POSITIVE_INFINITY : trustedMs(this.leaseMs, space.store.capabilities.scope)
  }

  private expireTrustedMs(): number {
    const { terms, space } = this.#hold
    const { expireMs } = terms
    return expireMs === undefined ? Number.POSITIVE_INFINITY : trustedMs(expireMs, space.store.capabilities.scope)
  }

  private leaseEndsAtMs(): number {
    return this.leased.nowMs + this.leaseTrustedMs()
  }

  private expiresAtMs(): number {
    return this.since.nowMs + this.expireTrustedMs()
  }
}
