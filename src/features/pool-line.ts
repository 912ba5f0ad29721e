import { type Client, Contender } from '../core/contender.js'
import { StoreError } from '../core/errors.js'
import type { Hold } from '../core/hold.js'
import type { Handed } from '../core/handed.js'
import { LocalLine, type SeatGrant } from '../core/local-line.js'
import { traceContention } from '../core/refusal.js'
import type { Seat, Space } from '../core/space.js'
import type { Refused } from '../core/store.js'
import { asksAlike, type Terms } from '../core/terms.js'
import type { Waiter } from '../core/waiter.js'

/** So many requests of one process stand at the store for a key at most: each of them is renewed there. */
const mostLanes = 64

/** What a lane tells its line. */
interface LaneOwner {
  wants(lane: Lane): boolean
  laneGranted(lane: Lane, seat: Seat, grant: SeatGrant): void
  laneRefused(lane: Lane, answer: Refused): void
  laneFailed(lane: Lane, error: Error, lasting: boolean): void
}

/** One request at the store. It belongs to no waiter: what it is granted goes to the first in line who asks for the same. */
class Lane implements Client {
  readonly terms: Terms
  readonly contender: Contender
  /** It stands in the store's queue: whoever frees a permit grants it. */
  queued = false
  readonly #owner: LaneOwner

  constructor(space: Space, terms: Terms, owner: LaneOwner) {
    this.terms = terms
    this.#owner = owner
    this.contender = new Contender(space, this)
  }

  wanted(): Terms | undefined {
    return this.#owner.wants(this) ? this.terms : undefined
  }

  granted(seat: Seat, grant: SeatGrant): void {
    this.#owner.laneGranted(this, seat, grant)
  }

  refused(answer: Refused): void {
    this.queued = answer.position !== undefined
    this.#owner.laneRefused(this, answer)
  }

  failed(error: Error, lasting: boolean): void {
    this.#owner.laneFailed(this, error, lasting)
  }
}

/**
 * The local line of a key with several permits. As many requests stand at the store as could be granted at once, for the
 * first in line; those behind them wait here only.
 */
export class PoolLine extends LocalLine implements LaneOwner {
  /** In order of arrival at the store. */
  readonly #lanes = new Set<Lane>()
  /** Their time was over before the first answer. */
  readonly #overdue = new Set<Waiter>()
  #adjusting = false
  #changed = false

  timedOut(waiter: Waiter): void {
    // a first answer is worth waiting for: a permit may well be free
    if (this.#isUnanswered() && this.#front().includes(waiter)) this.#overdue.add(waiter)
    else this.giveUp(waiter, this.#failure())
  }

  cancelled(waiter: Waiter, reason: unknown): void {
    this.#overdue.delete(waiter)
    this.remove(waiter)
    waiter.refuse(reason)
    this.#adjust()
  }

  kick(): void {
    for (const { contender } of [...this.#lanes]) contender.kick()
  }

  /** Those in the store's queue are granted there. */
  freed(): void {
    for (const { queued, contender } of this.#lanes) {
      if (queued) continue
      contender.kick()
      return
    }
  }

  noticed(owner: string, token: number): void {
    for (const { contender } of this.#lanes) {
      if (contender.owner !== owner) continue
      contender.noticed(owner, token)
      return
    }
  }

  passOn(hold: Hold): boolean {
    const head = this.waiters.first
    const passed = head === undefined ? undefined : hold.passTo(head.terms)
    if (head === undefined || passed === undefined) return false
    this.#serve(head, passed)
    return true
  }

  /** A release that travels alone grants to those in the store's queue just as well. */
  handOver(released: Terms): Handed | undefined {
    for (const { queued, contender, terms } of this.#lanes) {
      if (!queued && terms.limit === released.limit) return contender.handOver(terms)
    }
    return undefined
  }

  wants(lane: Lane): boolean {
    return this.#lanes.has(lane) && this.waiters.size > 0
  }

  laneGranted(lane: Lane, seat: Seat, grant: SeatGrant): void {
    const waiter = this.#firstLike(lane.terms)
    const hold = waiter === undefined ? undefined : this.holdFor(waiter, seat, this.#withTurns(grant, lane.terms))
    if (waiter === undefined) this.#close(lane)
    else if (hold === undefined)
      lane.contender.kick() // asking again renews it
    else {
      this.#lanes.delete(lane)
      lane.contender.seated()
      lane.contender.rest()
      this.#serve(waiter, hold)
    }
  }

  laneRefused(lane: Lane, answer: Refused): void {
    if (this.refusal === undefined) traceContention(lane.terms, true)
    this.refusal = answer
    if (this.#isUnanswered()) return
    for (const waiter of [...this.#overdue]) this.timedOut(waiter)
  }

  laneFailed(lane: Lane, error: Error, lasting: boolean): void {
    const waiter = this.#firstLike(lane.terms)
    if (waiter === undefined) this.#close(lane)
    else if (!(error instanceof StoreError) || this.#overdue.has(waiter)) this.cancelled(waiter, error)
    else if (lasting) this.refuseAll(error) // the store is down for all of them
  }

  protected entered(waiter: Waiter): void {
    this.stay(waiter)
    this.#adjust()
  }

  protected contenders(): readonly string[] {
    return [...this.#lanes].flatMap(({ contender }) => contender.owner ?? [])
  }

  protected leave(): void {
    for (const lane of [...this.#lanes]) this.#close(lane)
  }

  protected rest(): void {
    for (const { contender } of this.#lanes) contender.rest()
  }

  /**
   * Fewer than a lock has, and not as many for each: permits that were granted together must not end together, or others would
   * wait for all of them, and the store have all of their releases at once (10 take 1.3 ms).
   */
  #withTurns(grant: SeatGrant, terms: Terms): SeatGrant {
    return { ...grant, turns: Math.min(this.space.turnsOf(terms), 10 - (grant.token % 5)) }
  }

  #serve(waiter: Waiter, hold: Hold): void {
    this.#overdue.delete(waiter)
    this.give(waiter, hold)
    this.#adjust()
  }

  /** Opens and closes lanes until each of those in front has one. In memory a lane may be granted while it opens. */
  #adjust(): void {
    this.#changed = true
    if (this.#adjusting) return
    this.#adjusting = true
    try {
      while (this.#changed) {
        this.#changed = false
        this.#match()
      }
    } finally {
      this.#adjusting = false
    }
  }

  #match(): void {
    const spare = new Set(this.#lanes)
    const missing: Terms[] = []
    for (const { terms } of this.#front()) {
      const lane = laneLike(spare, terms)
      if (lane === undefined) missing.push(terms)
      else spare.delete(lane)
    }
    for (const lane of spare) this.#close(lane)
    for (const terms of missing) {
      const lane = new Lane(this.space, terms, this)
      this.#lanes.add(lane)
      lane.contender.ask()
    }
  }

  #close(lane: Lane): void {
    this.#lanes.delete(lane)
    lane.contender.leave(lane.terms)
    lane.contender.rest()
  }

  /** The first in line, as many as could hold together. */
  #front(): Waiter[] {
    const front: Waiter[] = []
    let permits = 0
    for (let waiter = this.waiters.first; waiter !== undefined && front.length < mostLanes; waiter = waiter.after) {
      permits += waiter.terms.permits
      if (front.length > 0 && permits > waiter.terms.limit) break
      front.push(waiter)
    }
    return front
  }

  #firstLike(terms: Terms): Waiter | undefined {
    return this.#front().find((waiter) => asksAlike(waiter.terms, terms))
  }

  #isUnanswered(): boolean {
    for (const { contender } of this.#lanes) if (contender.unanswered) return true
    return false
  }

  /** What the store failed with last; undefined: it has answered since. */
  #failure(): Error | undefined {
    for (const { contender } of this.#lanes) if (contender.failure !== undefined) return contender.failure
    return undefined
  }
}

function laneLike(lanes: Iterable<Lane>, terms: Terms): Lane | undefined {
  for (const lane of lanes) if (asksAlike(lane.terms, terms)) return lane
  return undefined
}

/** The kind of line that terms of several permits name. */
export function poolLine(space: Space, storeKey: string): PoolLine {
  return new PoolLine(space, storeKey)
}
