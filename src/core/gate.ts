import { type Client, Contender, type Handed } from './contender.js'
import { betweenMs, type Mark, markOf, type Timer } from './env.js'
import { LockTimeoutError, StoreError, TooManyWaitersError } from './errors.js'
import { Hold } from './hold.js'
import { queueMs, trustedMs } from './plan.js'
import { Fifo } from './queue.js'
import { heldBy, traceContention } from './refusal.js'
import { closedError, type Seat, type Space } from './space.js'
import type { HolderInfo, Refused } from './store.js'
import { asksAlike, leaseMs, type Terms, type Waiting } from './terms.js'
import { trace, traced } from './trace.js'
import { type Line, Waiter } from './waiter.js'

/** Longer than anybody waits: a timer that only keeps the process alive. */
const foreverMs = 10 * 365.25 * 24 * 3_600_000

/** A chain of promise jobs starves the event loop: 32 hand-overs take some 20 µs. */
const handoversInARow = 32

/**
 * The local queue of one key. However many wait here, only the first of them goes to the store, as one contender; when it
 * is granted the next one takes its place. While one of ours holds, the contender rests: the release brings it along.
 */
export class Gate implements Line, Client {
  readonly #space: Space
  readonly #storeKey: string
  readonly #waiters = new Fifo<Waiter>()
  readonly #contender: Contender
  #keepAlive: Timer | undefined = undefined
  #refusal: Refused | undefined = undefined
  /** Its time was over before the first answer. */
  #overdue: Waiter | undefined = undefined
  #handovers = 0

  constructor(space: Space, storeKey: string) {
    this.#space = space
    this.#storeKey = storeKey
    this.#contender = new Contender(space, this)
    space.gates.set(storeKey, this)
  }

  /** Waits in line for a hold. @throws LockTimeoutError, TooManyWaitersError, StoreError, or the signal's reason */
  enter<T>(terms: Terms, waiting: Waiting, take: (hold: Hold) => T): Promise<T> {
    if (this.#waiters.size >= terms.maxWaiters) return Promise.reject(this.#crowded(terms, waiting))
    return new Promise((resolve, reject) => {
      const waiter = new Waiter(this.#space.env, terms, waiting, { take, resolve, reject })
      this.#waiters.push(waiter)
      waiter.heed(waiting.signal, this)
      if (this.#waiters.size > 1) {
        traceContention(terms, true)
        this.#stay(waiter)
      } else if (terms.limit === 1 && this.#space.held.has(this.#storeKey)) this.#park(waiter)
      else this.#contender.ask() // nothing is timed before the first answer: most are granted by it
    })
  }

  timedOut(waiter: Waiter): void {
    if (this.#contender.unanswered && waiter === this.#waiters.first) {
      this.#overdue = waiter // its first answer is worth waiting for: the key may well be free
      return
    }
    const { failure } = this.#contender
    const waitedMs = this.#space.env.nowMs() - waiter.sinceMs
    const error = new LockTimeoutError(waiter.terms.key, heldBy(this.#refusal?.holder), waitedMs)
    if (failure === undefined && !waiter.quiet) this.#space.warn(error.message)
    this.cancelled(waiter, failure ?? error) // a store that fails says nothing about who holds
  }

  /** Takes a waiter out of the line; the next one, if it was the contender, goes on with its place at the store. */
  cancelled(waiter: Waiter, reason: unknown): void {
    const contended = this.#waiters.first === waiter
    this.#remove(waiter)
    waiter.refuse(reason)
    const next = this.#waiters.first
    if (next === undefined) this.#contender.leave(waiter.terms)
    else if (contended) {
      if (!asksAlike(next.terms, waiter.terms)) this.#contender.leave(waiter.terms)
      this.#contender.kick()
    }
  }

  /** Something changed: ask the store at once instead of at the next heartbeat. */
  kick(): void {
    this.#contender.kick()
  }

  /** The store granted the contender's request of its own accord. */
  noticed(owner: string, token: number): void {
    this.#contender.noticed(owner, token)
  }

  /** Gives a hold that is being released to the first in line, without a call of the store. false: not allowed, or nobody waits. */
  passOn(hold: Hold): boolean {
    const head = this.#waiters.first
    const passed = head === undefined ? undefined : hold.passTo(head.terms)
    if (head === undefined || passed === undefined) return false
    this.#give(head, passed)
    if (this.#waiters.first === undefined) this.#contender.leave(head.terms)
    return true
  }

  /** The contender's request, to travel with the release of a hold of the same terms; undefined: nobody to bring along. */
  handOver(released: Terms): Handed | undefined {
    const head = this.#waiters.first
    if (head === undefined || head.terms.limit !== released.limit) return undefined
    return this.#contender.handOver(head.terms)
  }

  /** Who waits here, in order; the first of them is also known to the store, by `contender`. */
  waiting(): { contender: string | undefined; waiters: HolderInfo[] } {
    const { env } = this.#space
    const waiters: HolderInfo[] = []
    for (let waiter = this.#waiters.first; waiter !== undefined; waiter = waiter.after) {
      const since = Math.ceil(env.wallMs() - (env.nowMs() - waiter.sinceMs)) // the wall clock counts whole milliseconds
      waiters.push({ host: env.host, pid: env.pid, label: waiter.terms.label, since })
    }
    return { contender: this.#contender.owner, waiters }
  }

  close(): void {
    this.#refuseAll(closedError())
  }

  wanted(): Terms | undefined {
    return this.#waiters.first?.terms
  }

  granted(seat: Seat, { token, mark, noticed }: { token: number; mark: Mark; noticed: boolean }): void {
    const head = this.#waiters.first
    if (head === undefined) return
    const { env, store } = this.#space
    const { scope } = store.capabilities
    const wantedMs = leaseMs(head.terms)
    const grantedMs = noticed && wantedMs !== null ? Math.min(wantedMs, queueMs(scope)) : wantedMs
    const now = markOf(env, false)
    if (grantedMs !== null && trustedMs(grantedMs, scope) - betweenMs(mark, now) < grantedMs / 2) {
      this.#contender.ask() // too old to be of use; asking again renews it
      return
    }
    this.#contender.seated()
    const turns = this.#space.turnsOf(head.terms)
    const start = head.terms.timed ? { mark, leaseMs: grantedMs, since: noticed ? now : mark, now } : undefined
    this.#give(head, new Hold(this.#space, head.terms, seat.owner, { token, start, turns }))
    const next = this.#waiters.first
    if (next === undefined) return
    if (next.terms.limit > 1) this.#contender.ask()
    else this.#contender.askAtBeat() // the release brings it along, this is the safety net
  }

  refused(answer: Refused): void {
    const head = this.#waiters.first
    if (head === undefined) return
    if (this.#refusal === undefined) traceContention(head.terms, true)
    this.#refusal = answer
    if (head === this.#overdue) this.timedOut(head)
    else this.#stay(head)
  }

  failed(error: Error, lasting: boolean): void {
    const head = this.#waiters.first
    if (head === undefined) return
    if (!(error instanceof StoreError) || head === this.#overdue) this.cancelled(head, error)
    else if (lasting)
      this.#refuseAll(error) // the store is down for all of them
    else this.#stay(head)
  }

  #crowded({ key }: Terms, { quiet }: Waiting): TooManyWaitersError {
    const error = new TooManyWaitersError(key, heldBy(this.#refusal?.holder), this.#waiters.size)
    if (quiet !== true) this.#space.warn(error.message)
    return error
  }

  /** One of ours holds: its release will bring us along. */
  #park(waiter: Waiter): void {
    this.#stay(waiter)
    this.#contender.askAtBeat()
  }

  /** A wait that begins in earnest: it has an end, and keeps the process alive. */
  #stay(waiter: Waiter): void {
    this.#keepAlive ??= this.#space.env.setTimer(() => undefined, foreverMs, true)
    waiter.startClock(this.#space.env, this)
  }

  /** Hand-overs are promise jobs: now and then one waits until I/O and timers had their turn. */
  #give(waiter: Waiter, hold: Hold): void {
    this.#remove(waiter)
    if (traced('holdfast:acquired')) {
      const waitedMs = this.#space.env.nowMs() - waiter.sinceMs
      trace('holdfast:acquired', { key: waiter.terms.key, token: hold.token, waitedMs })
    }
    if (++this.#handovers % handoversInARow > 0) {
      waiter.grant(hold)
      return
    }
    waiter.stop()
    this.#space.env.setImmediate(() => {
      waiter.grant(hold)
    })
  }

  #refuseAll(reason: Error): void {
    const all: Waiter[] = []
    for (let waiter = this.#waiters.first; waiter !== undefined; waiter = this.#waiters.first) {
      this.#remove(waiter)
      all.push(waiter)
    }
    const [first] = all
    if (first !== undefined) this.#contender.leave(first.terms)
    for (const waiter of all) waiter.refuse(reason)
  }

  #remove(waiter: Waiter): void {
    this.#waiters.remove(waiter)
    if (this.#waiters.size > 0) return
    this.#keepAlive?.clear()
    this.#contender.rest()
    this.#space.gates.delete(this.#storeKey)
  }
}
