import { Deadline, type Start } from './deadline.js'
import { elapsedMs, type Mark, markOf } from './env.js'
import { type EndCode, LockLostError } from './errors.js'
import type { Linked } from './queue.js'
import { renew } from './renewal.js'
import type { Space } from './space.js'
import { asksAlike, isPassable, type Terms } from './terms.js'
import type { Due } from './timers.js'
import { trace, traced } from './trace.js'

/** What was granted. */
export interface Grant {
  readonly token: number
  /** undefined: nothing here is timed. */
  readonly start: Start | undefined
  /** How many hand-overs within the process it may serve; default 0. */
  readonly turns?: number
}

/**
 * One hold, from grant to end. It knows its deadline and ends itself there, whatever the store says; once ended it never
 * comes back. Leases are the faces that users see of it. Many may be held at once: private methods are not `#` here, which
 * would mark each object, 8 bytes.
 */
export class Hold implements Linked<Hold>, Due {
  readonly space: Space
  readonly terms: Terms
  readonly owner: string
  readonly token: number
  /** How it ended; undefined while held. */
  ended: EndCode | undefined = undefined
  /** undefined: nothing here is timed. */
  readonly deadline: Deadline | undefined
  before: Hold | undefined = undefined
  after: Hold | undefined = undefined
  readonly #turns: number
  #controller: AbortController | undefined = undefined
  #lost: LockLostError | undefined = undefined

  constructor(space: Space, terms: Terms, owner: string, grant: Grant) {
    const { start } = grant
    this.space = space
    this.terms = terms
    this.owner = owner
    this.token = grant.token
    this.#turns = grant.turns ?? 0
    this.deadline = start === undefined ? undefined : new Deadline(this, start)
    space.holds.push(this)
    if (!space.local) space.held.set(terms.storeKey, this)
    if (start !== undefined) this.arm(start.now?.nowMs)
  }

  /** Looks at the clocks, then says whether it is still ours. `strict` asks the slow clock as well. */
  isActive(strict = false): boolean {
    if (this.deadline === undefined) return this.ended === undefined
    return this.ended === undefined && this.isActiveAt(this.deadline, markOf(this.space.env, strict))
  }

  private isActiveAt(deadline: Deadline, now: Mark): boolean {
    const cause = deadline.overdue(now)
    if (cause === undefined || (cause === 'LOCK_LOST' && this.renewedElsewhere(deadline))) return true
    this.end(cause, cause === 'LOCK_LOST' ? 'its lease could not be renewed in time' : undefined)
    return false
  }

  /** How long it stays ours without a renewal, at most; 0 when ended, Infinity when nothing limits it. */
  remainingMs(): number {
    if (!this.isActive()) return 0
    return this.deadline?.remainingMs(markOf(this.space.env)) ?? Number.POSITIVE_INFINITY
  }

  /** How much of `expire` or `minHold` has passed; without either it means nothing. */
  heldMs(): number {
    return this.deadline === undefined ? 0 : elapsedMs(this.space.env, this.deadline.since)
  }

  signal(): AbortSignal {
    this.isActive()
    this.#controller ??= new AbortController()
    if (this.endedEarly()) this.#controller.abort(this.lostError())
    return this.#controller.signal
  }

  /** The error that tells how it ended. */
  lostError(): LockLostError {
    this.#lost ??= new LockLostError(this.ended ?? 'LOCK_LOST', this.terms.key)
    return this.#lost
  }

  /** A request for a lease of `grantedMs`, sent at `mark`, came through. */
  extend(mark: Mark, grantedMs: number | null): void {
    const { deadline } = this
    if (deadline === undefined || this.ended !== undefined) return
    if (mark.nowMs >= deadline.leased.nowMs) deadline.extend(mark, grantedMs)
    this.arm()
  }

  /** Sets the timer for what comes next: a renewal, or the end. */
  arm(nowMs: number = this.space.env.nowMs()): void {
    const { deadline } = this
    if (deadline === undefined) return
    deadline.timer?.clear()
    deadline.timer = undefined
    const nextAtMs = deadline.nextAtMs()
    if (this.ended !== undefined || nextAtMs === Number.POSITIVE_INFINITY) return
    deadline.timer = this.space.env.setTimer(this, Math.max(nextAtMs - nowMs, 0), false)
  }

  /** Renews at once, for news that may have been missed. */
  renewNow(): void {
    const { deadline } = this
    if (deadline === undefined || this.ended !== undefined) return
    if (deadline.renewAtMs === undefined || deadline.renewing) return
    deadline.renewAtMs = Math.floor(this.space.env.nowMs())
    this.arm()
  }

  end(code: EndCode, detail?: string): void {
    if (this.ended !== undefined) return
    this.ended = code
    const { space, terms, owner, token } = this
    this.deadline?.timer?.clear()
    space.holds.remove(this)
    if (!space.local && space.held.get(terms.storeKey) === this) space.held.delete(terms.storeKey)
    space.store.selfRenewal?.stop(terms.storeKey, owner)
    if (code !== 'LOCK_RELEASED') {
      this.tell(code, detail)
      if (code === 'LOCK_LOST') space.cleanUp(terms, owner)
      return
    }
    if (detail !== undefined) this.#lost = new LockLostError(code, terms.key, detail)
    if (traced('holdfast:released')) trace('holdfast:released', { key: terms.key, token })
  }

  /** Its release found that the store did not know it any more. */
  foundGone(code: EndCode): void {
    this.ended = code
    this.tell(code, code === 'LOCK_LOST' ? 'the store did not know the hold any more when it was released' : undefined)
  }

  /**
   * Ends this hold in favour of another of the same process, without a call of the store: same owner, same lease, the next
   * of the reserved tokens. undefined: not allowed to these terms, or not with what is left of the lease.
   */
  passTo(terms: Terms): Hold | undefined {
    const { space, owner, deadline } = this
    if (this.ended !== undefined || this.#turns === 0) return undefined
    if (!asksAlike(terms, this.terms) || !isPassable(terms)) return undefined
    const grant = { token: this.token + 1, start: this.startOfNext(), turns: this.#turns - 1 }
    if (deadline !== undefined && grant.start === undefined) return undefined
    this.end('LOCK_RELEASED')
    return new Hold(space, terms, owner, grant)
  }

  /** Ends this hold in favour of one of other terms: same owner, same lease, same token. undefined: it is over. */
  turnInto(terms: Terms): Hold | undefined {
    if (!this.isActive(true)) return undefined
    const { space, owner, deadline, token } = this
    this.end('LOCK_RELEASED')
    const start = deadline && { mark: deadline.leased, leaseMs: deadline.leaseMs, since: deadline.since }
    return new Hold(space, terms, owner, { token, start })
  }

  /** The lease, to be gone on with by the next hold; undefined: there is none, or too little of it is left. */
  private startOfNext(): Start | undefined {
    const { deadline } = this
    if (deadline === undefined) return undefined
    const now = markOf(this.space.env)
    if (!this.isActiveAt(deadline, now) || deadline.isRefused || !deadline.isFresh(now)) return undefined
    return { mark: deadline.leased, leaseMs: deadline.leaseMs, now }
  }

  /** A store that renews by itself (a worker, while this thread was busy) may know better. */
  private renewedElsewhere(deadline: Deadline): boolean {
    const { env, store } = this.space
    const atMs = store.selfRenewal?.renewedAtMs(this.terms.storeKey, this.owner)
    const now = markOf(env)
    if (atMs === undefined || !deadline.renewedElsewhere(now, now.nowMs - atMs)) return false
    this.arm(now.nowMs)
    return true
  }

  /** How long the key stays held after a release; 0 or less: not at all. */
  minHoldLeftMs(): number {
    const { minHoldMs } = this.terms
    return minHoldMs > 0 ? minHoldMs - this.heldMs() : 0
  }

  /** An end that its body did not ask for. */
  private tell(code: EndCode, detail: string | undefined): void {
    const { space, terms, token } = this
    this.#lost = new LockLostError(code, terms.key, detail)
    space.warn(this.#lost.message)
    trace('holdfast:ended', { key: terms.key, token, code })
    this.#controller?.abort(this.#lost)
    space.gates.get(terms.storeKey)?.freed()
  }

  private endedEarly(): boolean {
    return this.ended !== undefined && this.ended !== 'LOCK_RELEASED'
  }

  /** @internal What {@link arm} set a timer for. */
  due(): void {
    const { deadline } = this
    if (deadline === undefined || !this.isActive(true)) return
    const { renewAtMs, renewing } = deadline
    if (renewAtMs !== undefined && this.space.env.nowMs() >= renewAtMs && !renewing) renew(this, deadline)
    this.arm()
  }
}
