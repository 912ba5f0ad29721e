import { elapsedMs, type Mark, markOf, type Timer } from './env.js'
import { InvalidOptionError, LockTimeoutError, StoreError } from './errors.js'
import { Hold } from './hold.js'
import { asHoldfastError, invoke, limited } from './limited.js'
import { failureRetryMs, nextDelayMs, openTimeoutMs, parkedMs, queueMs, trustedMs } from './plan.js'
import { Fifo } from './queue.js'
import type { Seat, Space } from './space.js'
import { heldBy, traceContention } from './refusal.js'
import type { AcquireRequest, Answer, HolderInfo, Refused } from './store.js'
import { leaseMs, type Terms, type Waiting } from './terms.js'
import { type Line, Waiter } from './waiter.js'

/** A request that travels with a release. */
export interface Handed {
  readonly request: AcquireRequest
  readonly seat: Seat
  readonly mark: Mark
  answered(answer: Answer): void
}

/** Longer than anybody waits: a timer that only keeps the process alive. */
const foreverMs = 10 * 365.25 * 24 * 3_600_000

/**
 * The local queue of one key. However many wait here, only the first of them goes to the store, as one contender; when it
 * is granted the next one takes its place. While one of ours holds, the contender rests: the release brings it along.
 */
export class Gate implements Line {
  readonly #space: Space
  readonly #storeKey: string
  readonly #waiters = new Fifo<Waiter>()
  readonly #keepAlive: Timer
  /** The contender's identity at the store; passes on to the next waiter when the contender gives up. */
  #seat: Seat | undefined = undefined
  #askedAt: Mark | undefined = undefined
  #asking = false
  #askAgain = false
  #timer: Timer | undefined = undefined
  #refusals = 0
  #failures = 0
  #failingSince: Mark | undefined = undefined
  #refused: Refused | undefined = undefined

  constructor(space: Space, storeKey: string) {
    this.#space = space
    this.#storeKey = storeKey
    this.#keepAlive = space.env.setTimer(() => undefined, foreverMs, true)
    space.gates.set(storeKey, this)
  }

  /** Waits in line for a hold. @throws LockTimeoutError, StoreError, or the signal's reason */
  enter(terms: Terms, waiting: Waiting): Promise<Hold> {
    return new Promise((resolve, reject) => {
      const waiter = new Waiter(this.#space.env, terms, { resolve, reject })
      this.#waiters.push(waiter)
      waiter.watch(this.#space.env, waiting, this)
      if (this.#waiters.size === 1) this.#ask()
      else traceContention(terms, true)
    })
  }

  timedOut(waiter: Waiter): void {
    const waitedMs = elapsedMs(this.#space.env, waiter.since)
    this.cancelled(waiter, new LockTimeoutError(waiter.terms.key, heldBy(this.#refused?.holder), waitedMs))
  }

  /** Takes a waiter out of the line; the next one, if it was the contender, goes on with its place at the store. */
  cancelled(waiter: Waiter, reason: unknown): void {
    const contended = this.#waiters.first === waiter
    this.#remove(waiter)
    waiter.refuse(reason)
    const next = this.#waiters.first
    if (next === undefined) this.#leaveSeat(waiter.terms)
    else if (contended) {
      if (next.terms.permits !== waiter.terms.permits) this.#leaveSeat(waiter.terms)
      this.kick()
    }
  }

  /** Something changed: ask the store at once instead of at the next heartbeat. */
  kick(): void {
    if (this.#asking) this.#askAgain = true
    else this.#ask()
  }

  /** The store granted the contender's request of its own accord. */
  granted(owner: string, token: number): void {
    const seat = this.#seat
    if (seat?.owner === owner && this.#askedAt !== undefined) this.#grant(seat, token, this.#askedAt)
  }

  /** The contender's request, to travel with the release of a hold of the same terms; undefined: nobody to bring along. */
  handOver(released: Terms): Handed | undefined {
    const head = this.#waiters.first
    if (head === undefined || this.#asking || head.terms.limit !== released.limit) return undefined
    const seat = this.#takeSeat()
    const mark = markOf(this.#space.env, false)
    const { scope } = this.#space.store.capabilities
    this.#asking = true
    this.#timer?.clear()
    this.#askedAt = mark
    const request = this.#space.requestOf(head.terms, seat.owner, queueMs(scope))
    return {
      request,
      seat,
      mark,
      answered: (answer) => {
        if (answer.granted && seat.state === 'abandoned') this.#space.cleanUp(head.terms, seat.owner)
        this.#answered(seat, mark, answer)
      },
    }
  }

  /** The release that brought the contender's request along failed. */
  failed(handed: Handed, error: unknown): void {
    this.#failed(handed.seat, error)
  }

  /** Who waits here, in order; the first of them is also known to the store, by `contender`. */
  waiting(): { contender: string | undefined; waiters: HolderInfo[] } {
    const { env } = this.#space
    const waiters: HolderInfo[] = []
    for (let waiter = this.#waiters.first; waiter !== undefined; waiter = waiter.after) {
      waiters.push({ host: env.host, pid: env.pid, label: waiter.terms.label, since: waiter.since.wallMs })
    }
    return { contender: this.#seat?.owner, waiters }
  }

  close(): void {
    const closed = new InvalidOptionError('The holdfast instance was closed while this request waited.')
    for (let head = this.#waiters.first; head !== undefined; head = this.#waiters.first) this.cancelled(head, closed)
  }

  #remove(waiter: Waiter): void {
    this.#waiters.remove(waiter)
    if (this.#waiters.size > 0) return
    this.#keepAlive.clear()
    this.#timer?.clear()
    this.#space.gates.delete(this.#storeKey)
  }

  #takeSeat(): Seat {
    this.#seat ??= this.#space.newSeat()
    return this.#seat
  }

  #leaveSeat(terms: Terms): void {
    const seat = this.#seat
    this.#seat = undefined
    if (seat !== undefined) this.#space.abandon(terms, seat)
  }

  #ask(): void {
    const head = this.#waiters.first
    if (head === undefined || this.#asking) return
    const { env, store, syncStore } = this.#space
    const seat = this.#takeSeat()
    this.#timer?.clear()
    this.#asking = true
    const opening = store.ready?.()
    if (opening !== undefined) {
      this.#openFirst(seat, opening)
      return
    }
    const mark = markOf(env, false)
    this.#askAgain = false
    this.#askedAt = mark
    const request = this.#space.requestOf(head.terms, seat.owner, queueMs(store.capabilities.scope))
    if (syncStore === undefined) {
      this.#askAsync(
        seat,
        mark,
        invoke(() => store.acquire(request)),
      )
      return
    }
    let answer: Answer
    try {
      answer = syncStore.acquire(request)
    } catch (error) {
      this.#failed(seat, error)
      return
    }
    this.#answered(seat, mark, answer)
  }

  #openFirst(seat: Seat, opening: Promise<void>): void {
    limited(this.#space.env, opening, openTimeoutMs, 'open', true).then(
      () => {
        this.#asking = false
        this.#ask()
      },
      (error: unknown) => {
        this.#failed(seat, error)
      },
    )
  }

  #askAsync(seat: Seat, mark: Mark, call: Promise<Answer>): void {
    const { env } = this.#space
    const terms = this.#waiters.first?.terms
    if (terms === undefined) return
    call.then(
      (answer) => {
        // granted to nobody any more: too late for its time limit, or its waiter left
        if (answer.granted && seat.state === 'abandoned') this.#space.cleanUp(terms, seat.owner)
      },
      () => undefined, // told by the limited one
    )
    limited(env, call, terms.storeTimeoutMs, 'acquire', true).then(
      (answer) => {
        this.#answered(seat, mark, answer)
      },
      (error: unknown) => {
        this.#failed(seat, error)
      },
    )
  }

  #answered(seat: Seat, mark: Mark, answer: Answer): void {
    this.#asking = false
    if (seat !== this.#seat) {
      this.#ask()
      return
    }
    this.#failures = 0
    this.#failingSince = undefined
    if (answer.granted) {
      this.#grant(seat, answer.token, mark)
      return
    }
    this.#refused = answer
    const head = this.#waiters.first
    if (head !== undefined && this.#refusals === 0) traceContention(head.terms, true)
    const { env, store } = this.#space
    const delayMs = nextDelayMs(store.capabilities, {
      freeInMs: answer.freeInMs,
      refusals: this.#refusals++,
      random: env.random(),
    })
    if (this.#askAgain) this.#ask()
    else this.#askIn(delayMs)
  }

  #grant(seat: Seat, token: number, mark: Mark): void {
    const head = this.#waiters.first
    if (head === undefined) return
    const { env, store } = this.#space
    const ttlMs = leaseMs(head.terms)
    if (ttlMs !== null && trustedMs(ttlMs, store.capabilities.scope) - elapsedMs(env, mark) < ttlMs / 2) {
      this.#ask() // too old to be of use; asking again renews it
      return
    }
    this.#seat = undefined
    this.#refusals = 0
    const hold = new Hold(this.#space, head.terms, seat, { token, mark: head.terms.timed ? mark : undefined })
    this.#remove(head)
    head.grant(hold)
    const next = this.#waiters.first
    if (next === undefined) return
    if (next.terms.limit > 1) this.#ask()
    else this.#askIn(parkedMs(store.capabilities))
  }

  #failed(seat: Seat, error: unknown): void {
    this.#asking = false
    const head = this.#waiters.first
    if (head === undefined || seat !== this.#seat) {
      this.#ask()
      return
    }
    const failure = asHoldfastError(error, 'acquire', head.terms.key)
    const { env } = this.#space
    if (!(failure instanceof StoreError)) {
      this.cancelled(head, failure)
      return
    }
    this.#failingSince ??= markOf(env, false)
    if (elapsedMs(env, this.#failingSince) < head.terms.storeTimeoutMs) {
      this.#askIn(failureRetryMs(this.#failures++, env.random()))
      return
    }
    // the store is down for all of them
    for (let waiter = this.#waiters.first; waiter !== undefined; waiter = this.#waiters.first)
      this.cancelled(waiter, failure)
  }

  #askIn(delayMs: number): void {
    this.#timer?.clear()
    this.#timer = this.#space.env.setTimer(
      () => {
        this.#ask()
      },
      delayMs,
      false,
    )
  }
}
