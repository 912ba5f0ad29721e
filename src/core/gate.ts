import { type Client, Contender } from './contender.js'
import type { Handed } from './handed.js'
import { StoreError } from './errors.js'
import type { Hold } from './hold.js'
import { LocalLine, type SeatGrant } from './local-line.js'
import { traceContention } from './refusal.js'
import type { Seat, Space } from './space.js'
import type { Refused } from './store.js'
import { asksAlike, type Terms } from './terms.js'
import type { Waiter } from './waiter.js'

/**
 * The local line of a key that one holds at a time. However many wait here, only the first of them goes to the store, as one
 * contender; when it is granted the next one takes its place. While one of ours holds, the contender rests: the release
 * brings it along.
 */
export class Gate extends LocalLine implements Client {
  readonly #contender: Contender
  /** Its time was over before the first answer. */
  #overdue: Waiter | undefined = undefined

  constructor(space: Space, storeKey: string) {
    super(space, storeKey)
    this.#contender = new Contender(space, this)
  }

  timedOut(waiter: Waiter): void {
    // its first answer is worth waiting for: the key may well be free
    if (this.#contender.unanswered && waiter === this.waiters.first) this.#overdue = waiter
    else this.giveUp(waiter, this.#contender.failure)
  }

  /** The next one, if it was the contender, goes on with its place at the store. */
  cancelled(waiter: Waiter, reason: unknown): void {
    const contended = this.waiters.first === waiter
    this.remove(waiter)
    waiter.refuse(reason)
    if (!contended) return
    this.#keepPlaceFor(this.waiters.first, waiter.terms)
    this.#contender.kick()
  }

  kick(): void {
    this.#contender.kick()
  }

  freed(): void {
    this.#contender.kick()
  }

  noticed(owner: string, token: number): void {
    this.#contender.noticed(owner, token)
  }

  passOn(hold: Hold): boolean {
    const head = this.waiters.first
    const passed = head === undefined ? undefined : hold.passTo(head.terms)
    if (head === undefined || passed === undefined) return false
    this.give(head, passed)
    this.#keepPlaceFor(this.waiters.first, head.terms)
    return true
  }

  handOver(released: Terms): Handed | undefined {
    const head = this.waiters.first
    if (head === undefined || head.terms.limit !== released.limit) return undefined
    return this.#contender.handOver(head.terms)
  }

  wanted(): Terms | undefined {
    return this.waiters.first?.terms
  }

  granted(seat: Seat, grant: SeatGrant): void {
    const head = this.waiters.first
    if (head === undefined) return
    const hold = this.holdFor(head, seat, grant)
    if (hold === undefined) {
      this.#contender.kick() // asking again renews it
      return
    }
    this.#contender.seated()
    this.give(head, hold)
    if (this.waiters.first !== undefined) this.#contender.askAtBeat() // the release brings it along, this is the safety net
  }

  refused(answer: Refused): void {
    const head = this.waiters.first
    if (head === undefined) return
    if (this.refusal === undefined) traceContention(head.terms, true)
    this.refusal = answer
    if (head === this.#overdue) this.timedOut(head)
    else this.stay(head)
  }

  failed(error: Error, lasting: boolean): void {
    const head = this.waiters.first
    if (head === undefined) return
    if (!(error instanceof StoreError) || head === this.#overdue) this.cancelled(head, error)
    else if (lasting)
      this.refuseAll(error) // the store is down for all of them
    else this.stay(head)
  }

  protected entered(waiter: Waiter): void {
    if (this.waiters.size > 1) {
      traceContention(waiter.terms, true)
      this.stay(waiter)
    } else if (waiter.terms.limit === 1 && this.space.held.has(this.storeKey)) this.#park(waiter)
    else this.#contender.ask() // nothing is timed before the first answer: most are granted by it
  }

  protected contenders(): readonly string[] {
    const { owner } = this.#contender
    return owner === undefined ? [] : [owner]
  }

  protected leave(terms: Terms): void {
    this.#contender.leave(terms)
  }

  protected rest(): void {
    this.#contender.rest()
  }

  /** What was asked for by one is no grant to the next: its lease may be shorter. */
  #keepPlaceFor(next: Waiter | undefined, asked: Terms): void {
    if (next === undefined || !asksAlike(next.terms, asked)) this.#contender.leave(asked)
  }

  /** One of ours holds: its release will bring us along. */
  #park(waiter: Waiter): void {
    this.stay(waiter)
    this.#contender.askAtBeat()
  }
}
