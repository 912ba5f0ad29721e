import { betweenMs, elapsedMs, type Mark, markOf, type Timer } from './env.js'
import { type EndCode, LockLostError } from './errors.js'
import { renewAfterMs, trustedMs } from './plan.js'
import { renew } from './renewal.js'
import type { Seat, Space } from './space.js'
import { isPassable, leaseMs, type Terms } from './terms.js'
import { trace, traced } from './trace.js'

/** What was granted. */
export interface Grant {
  readonly token: number
  /** The moment from which the lease is counted: before the request for it was sent. undefined: nothing here is timed. */
  readonly mark: Mark | undefined
  /** Length of the lease; default: what the terms ask for. */
  readonly leaseMs?: number | null
  /** The moment from which `expire` and `minHold` are counted; default: `mark`. */
  readonly since?: Mark
  /** How many hand-overs within the process it may serve; default 0. */
  readonly turns?: number
}

/**
 * One hold, from grant to end. It knows its deadline and ends itself there, whatever the store says; once ended it never
 * comes back. Leases are the faces that users see of it.
 */
export class Hold {
  readonly space: Space
  readonly terms: Terms
  readonly owner: string
  readonly token: number
  /** How it ended; undefined while held. */
  ended: EndCode | undefined = undefined
  /** When the next renewal is due, on the monotonic clock. */
  renewAtMs: number = Number.POSITIVE_INFINITY
  renewing = false
  readonly #place: number
  readonly #turns: number
  /** When the request for the hold was sent. undefined: nothing here is timed. */
  readonly #since: Mark | undefined
  /** When the last successful request for the lease was sent. */
  #leased: Mark | undefined
  #leaseMs: number | null = null
  #leaseTrustedMs: number = Number.POSITIVE_INFINITY
  readonly #expireTrustedMs: number
  #timer: Timer | undefined = undefined
  #controller: AbortController | undefined = undefined
  #lost: LockLostError | undefined = undefined

  constructor(space: Space, terms: Terms, seat: Seat, { token, mark, leaseMs: grantedMs, since, turns }: Grant) {
    this.space = space
    this.terms = terms
    this.owner = seat.owner
    this.token = token
    this.#since = since ?? mark
    this.#turns = turns ?? 0
    const { expireMs } = terms
    const { scope } = space.store.capabilities
    this.#expireTrustedMs = expireMs === undefined ? Number.POSITIVE_INFINITY : trustedMs(expireMs, scope)
    seat.state = 'granted'
    this.#place = space.holds.add(this)
    if (!space.local) space.held.set(terms.storeKey, this)
    if (mark !== undefined) this.extend(mark, grantedMs === undefined ? leaseMs(terms) : grantedMs)
  }

  /** Looks at the clocks, then says whether it is still ours. `strict` asks the slow clock as well. */
  isActive(strict = false): boolean {
    if (this.ended !== undefined) return false
    if (this.#since === undefined) return true
    const cause = this.#overdue(strict)
    if (cause === undefined) return true
    this.end(cause, cause === 'LOCK_LOST' ? 'its lease could not be renewed in time' : undefined)
    return false
  }

  /** How long it stays ours without a renewal, at most; 0 when ended, Infinity when nothing limits it. */
  remainingMs(): number {
    if (!this.isActive()) return 0
    if (this.#since === undefined || this.#leased === undefined) return Number.POSITIVE_INFINITY
    const now = markOf(this.space.env, false)
    const expireLeftMs = this.#expireTrustedMs - betweenMs(this.#since, now)
    return Math.max(Math.min(this.#leaseTrustedMs - betweenMs(this.#leased, now), expireLeftMs), 0)
  }

  /** Time since the request for the hold was sent. */
  heldMs(): number {
    return this.#since === undefined ? 0 : elapsedMs(this.space.env, this.#since)
  }

  signal(): AbortSignal {
    this.isActive()
    this.#controller ??= new AbortController()
    if (this.#endedEarly()) this.#controller.abort(this.lostError())
    return this.#controller.signal
  }

  /** The error that tells how it ended. */
  lostError(): LockLostError {
    this.#lost ??= new LockLostError(this.ended ?? 'LOCK_LOST', this.terms.key)
    return this.#lost
  }

  /** A request for the lease, sent at `mark`, came through. */
  extend(mark: Mark, ttlMs: number | null): void {
    if (this.ended !== undefined) return
    const { scope } = this.space.store.capabilities
    if (this.#leased === undefined || mark.nowMs >= this.#leased.nowMs) {
      this.#leased = mark
      this.#leaseMs = ttlMs
      this.#leaseTrustedMs = ttlMs === null ? Number.POSITIVE_INFINITY : trustedMs(ttlMs, scope)
      this.renewAtMs =
        ttlMs !== null &&
        this.terms.ttlMs !== null &&
        mark.nowMs + this.#leaseTrustedMs < (this.#since?.nowMs ?? 0) + this.#expireTrustedMs
          ? mark.nowMs + renewAfterMs(Math.min(ttlMs, this.terms.ttlMs))
          : Number.POSITIVE_INFINITY
    }
    this.arm()
  }

  /** Sets the timer for what comes next: a renewal, or the end. */
  arm(): void {
    this.#timer?.clear()
    this.#timer = undefined
    if (this.ended !== undefined) return
    const nextMs = this.renewing ? this.#endsAtMs() : Math.min(this.renewAtMs, this.#endsAtMs())
    if (nextMs === Number.POSITIVE_INFINITY) return
    const { env } = this.space
    const look = (): void => {
      this.#look()
    }
    this.#timer = env.setTimer(look, Math.max(nextMs - env.nowMs(), 0), false)
  }

  /** Renews at once, for news that may have been missed. */
  renewNow(): void {
    if (this.renewAtMs === Number.POSITIVE_INFINITY || this.renewing || this.ended !== undefined) return
    this.renewAtMs = this.space.env.nowMs()
    this.arm()
  }

  end(code: EndCode, detail?: string): void {
    if (this.ended !== undefined) return
    this.ended = code
    const { space, terms, owner, token } = this
    this.#timer?.clear()
    space.holds.remove(this.#place)
    if (!space.local && space.held.get(terms.storeKey) === this) space.held.delete(terms.storeKey)
    space.store.selfRenewal?.stop(terms.storeKey, owner)
    if (code !== 'LOCK_RELEASED') {
      this.#tell(code, detail)
      if (code === 'LOCK_LOST') space.cleanUp(terms, owner)
    } else if (traced('holdfast:released')) trace('holdfast:released', { key: terms.key, token })
  }

  /** Its release found that the store did not know it any more. */
  foundGone(code: EndCode): void {
    this.ended = code
    this.#tell(code, code === 'LOCK_LOST' ? 'the store did not know the hold any more when it was released' : undefined)
  }

  /**
   * Ends this hold in favour of another of the same process, without a call of the store: same owner, same lease, the next
   * of the reserved tokens. undefined: not allowed to these terms, or not with what is left of the lease.
   */
  passTo(terms: Terms): Hold | undefined {
    const { space, owner } = this
    if (this.#turns === 0 || terms.ttlMs !== this.terms.ttlMs || !isPassable(terms) || !this.isActive())
      return undefined
    if (this.#leased !== undefined && elapsedMs(space.env, this.#leased) > this.#leaseTrustedMs / 2) return undefined
    this.end('LOCK_RELEASED')
    const grant = { token: this.token + 1, mark: this.#leased, leaseMs: this.#leaseMs, turns: this.#turns - 1 }
    return new Hold(space, terms, { owner, state: 'open' }, grant)
  }

  /** When it ends by the monotonic clock alone. */
  #endsAtMs(): number {
    const leaseEndsMs = (this.#leased?.nowMs ?? 0) + this.#leaseTrustedMs
    return Math.min(leaseEndsMs, (this.#since?.nowMs ?? 0) + this.#expireTrustedMs)
  }

  #overdue(strict: boolean): EndCode | undefined {
    if (this.#since === undefined || this.#leased === undefined) return undefined
    const now = markOf(this.space.env, strict)
    if (betweenMs(this.#since, now) >= this.#expireTrustedMs) return 'LOCK_EXPIRED'
    if (betweenMs(this.#leased, now) < this.#leaseTrustedMs) return undefined
    return this.#renewedElsewhere() ? undefined : 'LOCK_LOST'
  }

  /** A store that renews by itself (a worker, while this thread was busy) may know better. */
  #renewedElsewhere(): boolean {
    const { store, env } = this.space
    const atMs = store.selfRenewal?.renewedAtMs(this.terms.storeKey, this.owner)
    const mark = this.#leased
    if (atMs === undefined || mark === undefined || atMs <= mark.nowMs) return false
    const ageMs = env.nowMs() - atMs
    if (ageMs >= this.#leaseTrustedMs) return false
    this.#leased = { ...markOf(env, false), nowMs: atMs, wallMs: env.wallMs() - ageMs }
    this.arm()
    return true
  }

  /** How long the key stays held after a release; 0 or less: not at all. */
  minHoldLeftMs(): number {
    const { minHoldMs } = this.terms
    return minHoldMs > 0 ? minHoldMs - this.heldMs() : 0
  }

  /** An end that its body did not ask for. */
  #tell(code: EndCode, detail: string | undefined): void {
    const { space, terms, token } = this
    this.#lost = new LockLostError(code, terms.key, detail)
    space.warn(this.#lost.message)
    trace('holdfast:ended', { key: terms.key, token, code })
    this.#controller?.abort(this.#lost)
    space.gates.get(terms.storeKey)?.kick()
  }

  #endedEarly(): boolean {
    return this.ended !== undefined && this.ended !== 'LOCK_RELEASED'
  }

  #look(): void {
    if (!this.isActive(true)) return
    if (this.space.env.nowMs() >= this.renewAtMs && !this.renewing) renew(this)
    this.arm()
  }
}
