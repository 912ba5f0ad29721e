import { elapsedMs, type Mark, markOf, type Timer } from './env.js'
import type { Handed } from './handed.js'
import { asHoldfastError, invoke, limited, open, outcomeOf } from './limited.js'
import { failureRetryMs, heartbeatMs, nextDelayMs, queueMs } from './plan.js'
import type { Seat, Space } from './space.js'
import type { AcquireRequest, Answer, Refused } from './store.js'
import { leaseMs, outlives, type Terms } from './terms.js'

/** Whom a contender asks for, and whom it tells. */
export interface Client {
  /** What the first in line wants; undefined: nobody waits. */
  wanted(): Terms | undefined
  /** `noticed`: by the store of its own accord; `mark` is the last time that we asked. */
  granted(seat: Seat, grant: { token: number; mark: Mark; noticed: boolean }): void
  refused(answer: Refused): void
  /** `lasting`: the store has failed for as long as one call may take, or failed for good. */
  failed(error: Error, lasting: boolean): void
}

/**
 * Asks a store again and again for one local line, under one identity: at once when something changed, else after the
 * pause that the plan gives. One question is under way at a time. A lost reply is asked for again by the same owner.
 */
export class Contender {
  readonly #space: Space
  readonly #client: Client
  /** Our identity at the store; it outlives the waiter for whom it was made. */
  #seat: Seat | undefined = undefined
  /** A moment before any grant that a notice may still tell of: when the first question for our seat was sent, or the last that was refused. */
  #heldNotAt: Mark | undefined = undefined
  /** Before the last refusal there was time enough for a grant to come and go, its notice still under way. */
  #doubtful = false
  #asking = false
  #askAgain = false
  #timer: Timer | undefined = undefined
  #heard = false
  #refusals = 0
  #failures = 0
  #failingSince: Mark | undefined = undefined
  #failure: Error | undefined = undefined

  constructor(space: Space, client: Client) {
    this.#space = space
    this.#client = client
  }

  get owner(): string | undefined {
    return this.#seat?.owner
  }

  /** What the store failed with last; undefined: it has answered since. */
  get failure(): Error | undefined {
    return this.#failure
  }

  /** The first question is under way: nobody knows yet whether the key is held at all. */
  get unanswered(): boolean {
    return this.#asking && !this.#heard
  }

  /** Asks at once; when a question is under way, as soon as it is answered. */
  kick(): void {
    if (this.#asking) this.#askAgain = true
    else this.ask()
  }

  ask(): void {
    const terms = this.#client.wanted()
    if (terms === undefined || this.#asking) return
    const seat = this.#begin()
    const { syncStore } = this.#space
    const opening = open(this.#space, 'acquire')
    if (opening !== undefined) this.#openFirst(seat, opening)
    else if (syncStore === undefined) this.#askAsync(seat, terms)
    else this.#askSync(seat, terms)
  }

  /** Asks again after a pause, if nothing happens before. */
  askIn(delayMs: number): void {
    this.#timer?.clear()
    const ask = (): void => {
      this.ask()
    }
    this.#timer = this.#space.env.setTimer(ask, delayMs, false)
  }

  /** Asks again with all others that do, if nothing happens before. */
  askAtBeat(): void {
    this.#timer?.clear()
    this.#timer = this.#space.pulse.join(() => {
      this.ask()
    })
  }

  /** The store granted our request of its own accord. */
  noticed(owner: string, token: number): void {
    const seat = this.#seat
    // in memory the notice comes within the call that grants
    const mark = this.#space.local ? markOf(this.#space.env) : this.#heldNotAt
    if (seat?.owner !== owner || mark === undefined) return
    if (this.#doubtful && !this.#space.local) this.kick()
    else this.#client.granted(seat, { token, mark, noticed: true })
  }

  /** Our request, to travel with a release; undefined: one is under way by itself. */
  handOver(terms: Terms): Handed | undefined {
    if (this.#asking) return undefined
    const seat = this.#begin()
    const { mark, request } = this.#request(seat, terms)
    return {
      request,
      answered: (answer) => {
        this.#cleanUp(seat, terms, answer)
        this.#answered(seat, mark, answer)
      },
      late: (answer) => {
        this.#cleanUp(seat, terms, answer)
      },
      failed: (error) => {
        this.#doubtOutcome(seat, terms, error)
        this.#failed(seat, error)
      },
    }
  }

  /** Our seat was taken: the next question is a new one. */
  seated(): void {
    this.#dropSeat()
    this.#refusals = 0
  }

  /** Gives up what was asked for. */
  leave(terms: Terms): void {
    const seat = this.#seat
    this.#dropSeat()
    if (seat !== undefined) this.#space.abandon(terms, seat)
  }

  rest(): void {
    this.#timer?.clear()
  }

  #dropSeat(): void {
    this.#seat = undefined
    this.#heldNotAt = undefined
    this.#doubtful = false
  }

  #begin(): Seat {
    this.#seat ??= this.#space.newSeat()
    this.#timer?.clear()
    this.#asking = true
    this.#askAgain = false
    return this.#seat
  }

  #request(seat: Seat, terms: Terms): { mark: Mark; request: AcquireRequest } {
    const { env, store } = this.#space
    const mark = markOf(env)
    this.#heldNotAt ??= mark
    const queue = { queueMs: queueMs(store.capabilities.scope), again: this.#refusals > 0 }
    return { mark, request: this.#space.requestOf(terms, seat.owner, mark.wallMs, queue) }
  }

  #openFirst(seat: Seat, opening: Promise<void>): void {
    opening.then(
      () => {
        this.#asking = false
        this.ask()
      },
      (error: unknown) => {
        this.#failed(seat, error)
      },
    )
  }

  #askSync(seat: Seat, terms: Terms): void {
    const { mark, request } = this.#request(seat, terms)
    let answer: Answer | undefined
    try {
      answer = this.#space.syncStore?.acquire(request)
    } catch (error) {
      this.#failed(seat, error)
      return
    }
    if (answer !== undefined) this.#answered(seat, mark, answer)
  }

  #askAsync(seat: Seat, terms: Terms): void {
    const { env, store } = this.#space
    const { mark, request } = this.#request(seat, terms)
    const late = (answer: Answer): void => {
      this.#cleanUp(seat, terms, answer)
    }
    this.#space.begin() // what comes after the end is given back before the store is closed
    limited(
      env,
      invoke(() => store.acquire(request)),
      terms.storeTimeoutMs,
      'acquire',
      true,
      late,
    ).then(
      (answer) => {
        this.#cleanUp(seat, terms, answer)
        this.#answered(seat, mark, answer)
        this.#space.done()
      },
      (error: unknown) => {
        this.#doubtOutcome(seat, terms, error)
        this.#failed(seat, error)
        this.#space.done()
      },
    )
  }

  /** Releases what was granted to nobody any more, or its place. */
  #cleanUp(seat: Seat, terms: Terms, answer: Answer): void {
    const entered = answer.granted || answer.position !== undefined
    if (entered && this.#isNobodys(seat, terms)) this.#space.cleanUp(terms, seat.owner)
  }

  /** Given up meanwhile, it may all the same have been granted, and after the release of its owner. */
  #doubtOutcome(seat: Seat, terms: Terms, error: unknown): void {
    if (outcomeOf(error) === 'unknown' && this.#isNobodys(seat, terms)) this.#space.cleanUp(terms, seat.owner)
  }

  /** What it was granted, or its place, came too late: its waiter left, or had it by a notice, and a release has overtaken this question. */
  #isNobodys(seat: Seat, terms: Terms): boolean {
    if (seat === this.#seat) return false
    if (seat.abandoned) return true
    return !outlives(terms) && this.#space.holds.find(seat.owner) === undefined
  }

  #answered(seat: Seat, mark: Mark, answer: Answer): void {
    this.#asking = false
    if (seat !== this.#seat) {
      this.ask()
      return
    }
    this.#heard = true
    this.#failures = 0
    this.#failingSince = undefined
    this.#failure = undefined
    if (answer.granted) this.#client.granted(seat, { token: answer.token, mark, noticed: false })
    else this.#refused(answer, mark)
  }

  #refused(answer: Refused, mark: Mark): void {
    this.#doubt(mark)
    this.#client.refused(answer)
    if (!this.#idle()) return
    if (this.#askAgain) {
      this.ask()
      return
    }
    const { env, store } = this.#space
    const { freeInMs, position } = answer
    const refusals = this.#refusals++
    const refusal = { freeInMs, queued: position !== undefined, refusals, random: env.random() }
    const { scope } = store.capabilities
    const delayMs = nextDelayMs(scope, refusal)
    if (delayMs === heartbeatMs(scope)) this.askAtBeat()
    else this.askIn(delayMs)
  }

  /** Between two refusals, a lease and more apart, the seat may have been granted and lost again. */
  #doubt(mark: Mark): void {
    const { env, store } = this.#space
    const terms = this.#client.wanted()
    const before = this.#heldNotAt
    if (terms === undefined || before === undefined) return
    const shortestMs = Math.min(leaseMs(terms) ?? Number.POSITIVE_INFINITY, queueMs(store.capabilities.scope))
    if (elapsedMs(env, before) >= shortestMs) this.#doubtful = true
    this.#heldNotAt = mark
  }

  /** Somebody waits still, and what was told to the client made it ask nothing yet. */
  #idle(): boolean {
    return this.#client.wanted() !== undefined && !this.#asking
  }

  #failed(seat: Seat, error: unknown): void {
    this.#asking = false
    const terms = this.#client.wanted()
    if (terms === undefined || seat !== this.#seat) {
      this.ask()
      return
    }
    const { env } = this.#space
    const failure = asHoldfastError(error, 'acquire', terms.key)
    this.#failure = failure
    this.#failingSince ??= markOf(env)
    this.#client.failed(failure, elapsedMs(env, this.#failingSince) >= terms.storeTimeoutMs)
    if (!this.#idle()) return
    this.askIn(failureRetryMs(this.#failures++, env.random()))
  }
}
