import { type Client, Contender, type Handed } from './contender.js'
import { elapsedMs, type Mark, type Timer } from './env.js'
import { LockTimeoutError, StoreError } from './errors.js'
import { Hold } from './hold.js'
import { parkedMs, trustedMs } from './plan.js'
import { Fifo } from './queue.js'
import { heldBy, traceContention } from './refusal.js'
import { closedError, type Seat, type Space } from './space.js'
import type { HolderInfo, Refused } from './store.js'
import { leaseMs, type Terms, type Waiting } from './terms.js'
import { type Line, Waiter } from './waiter.js'

/** Longer than anybody waits: a timer that only keeps the process alive. */
const foreverMs = 10 * 365.25 * 24 * 3_600_000

/**
 * The local queue of one key. However many wait here, only the first of them goes to the store, as one contender; when it
 * is granted the next one takes its place. While one of ours holds, the contender rests: the release brings it along.
 */
export class Gate implements Line, Client {
  readonly #space: Space
  readonly #storeKey: string
  readonly #waiters = new Fifo<Waiter>()
  readonly #contender: Contender
  readonly #keepAlive: Timer
  #refusal: Refused | undefined = undefined
  /** Its time was over before the first answer. */
  #overdue: Waiter | undefined = undefined

  constructor(space: Space, storeKey: string) {
    this.#space = space
    this.#storeKey = storeKey
    this.#contender = new Contender(space, this)
    this.#keepAlive = space.env.setTimer(() => undefined, foreverMs, true)
    space.gates.set(storeKey, this)
  }

  /** Waits in line for a hold. @throws LockTimeoutError, StoreError, or the signal's reason */
  enter(terms: Terms, waiting: Waiting): Promise<Hold> {
    return new Promise((resolve, reject) => {
      const waiter = new Waiter(this.#space.env, terms, { resolve, reject })
      this.#waiters.push(waiter)
      waiter.watch(this.#space.env, waiting, this)
      if (this.#waiters.size === 1) this.#contender.ask()
      else traceContention(terms, true)
    })
  }

  timedOut(waiter: Waiter): void {
    if (this.#contender.unanswered && waiter === this.#waiters.first) {
      this.#overdue = waiter // its first answer is worth waiting for: the key may well be free
      return
    }
    const { failure } = this.#contender
    const waitedMs = elapsedMs(this.#space.env, waiter.since)
    // a store that fails says nothing about who holds
    this.cancelled(waiter, failure ?? new LockTimeoutError(waiter.terms.key, heldBy(this.#refusal?.holder), waitedMs))
  }

  /** Takes a waiter out of the line; the next one, if it was the contender, goes on with its place at the store. */
  cancelled(waiter: Waiter, reason: unknown): void {
    const contended = this.#waiters.first === waiter
    this.#remove(waiter)
    waiter.refuse(reason)
    const next = this.#waiters.first
    if (next === undefined) this.#contender.leave(waiter.terms)
    else if (contended) {
      if (next.terms.permits !== waiter.terms.permits) this.#contender.leave(waiter.terms)
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
      waiters.push({ host: env.host, pid: env.pid, label: waiter.terms.label, since: waiter.since.wallMs })
    }
    return { contender: this.#contender.owner, waiters }
  }

  close(): void {
    this.#refuseAll(closedError())
  }

  wanted(): Terms | undefined {
    return this.#waiters.first?.terms
  }

  granted(seat: Seat, token: number, mark: Mark): void {
    const head = this.#waiters.first
    if (head === undefined) return
    const { env, store } = this.#space
    const ttlMs = leaseMs(head.terms)
    if (ttlMs !== null && trustedMs(ttlMs, store.capabilities.scope) - elapsedMs(env, mark) < ttlMs / 2) {
      this.#contender.ask() // too old to be of use; asking again renews it
      return
    }
    this.#contender.seated()
    const hold = new Hold(this.#space, head.terms, seat, { token, mark: head.terms.timed ? mark : undefined })
    this.#remove(head)
    head.grant(hold)
    const next = this.#waiters.first
    if (next === undefined) return
    if (next.terms.limit > 1) this.#contender.ask()
    else this.#contender.askIn(parkedMs(store.capabilities))
  }

  refused(answer: Refused): void {
    const head = this.#waiters.first
    if (head === undefined) return
    if (this.#refusal === undefined) traceContention(head.terms, true)
    this.#refusal = answer
    if (head === this.#overdue) this.timedOut(head)
  }

  failed(error: Error, lasting: boolean): void {
    const head = this.#waiters.first
    if (head === undefined) return
    if (!(error instanceof StoreError) || head === this.#overdue) this.cancelled(head, error)
    else if (lasting) this.#refuseAll(error) // the store is down for all of them
  }

  #refuseAll(reason: Error): void {
    for (let head = this.#waiters.first; head !== undefined; head = this.#waiters.first) this.cancelled(head, reason)
  }

  #remove(waiter: Waiter): void {
    this.#waiters.remove(waiter)
    if (this.#waiters.size > 0) return
    this.#keepAlive.clear()
    this.#contender.rest()
    this.#space.gates.delete(this.#storeKey)
  }
}
