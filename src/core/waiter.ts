import type { Env, Timer } from './env.js'
import type { Hold } from './hold.js'
import type { Linked } from './queue.js'
import type { Terms, Waiting } from './terms.js'

/** Who is told when a waiter leaves the line by itself. */
export interface Line {
  timedOut(waiter: Waiter): void
  cancelled(waiter: Waiter, reason: unknown): void
}

/** The two ends of a waiter's promise, and what makes its value of a hold. */
export interface Settle {
  readonly take: (hold: Hold) => unknown
  readonly resolve: (value: never) => void
  readonly reject: (reason: unknown) => void
}

/** One request in a local line: what it wants, how long it waits, whom to tell. */
export class Waiter implements Linked<Waiter> {
  readonly terms: Terms
  /** When it came, on the monotonic clock. */
  readonly sinceMs: number
  readonly waitMs: number
  readonly quiet: boolean
  before: Waiter | undefined = undefined
  after: Waiter | undefined = undefined
  /** How often it was asked to look around; undefined: it cannot. */
  looks: number | undefined
  #settle: Settle
  #timer: Timer | undefined = undefined
  #signal: AbortSignal | undefined = undefined
  #abort: (() => void) | undefined = undefined

  constructor(env: Env, terms: Terms, { waitMs, quiet, looks }: Waiting, settle: Settle) {
    this.terms = terms
    this.waitMs = waitMs
    this.quiet = quiet === true
    this.sinceMs = env.nowMs()
    this.looks = looks === true ? 0 : undefined
    this.#settle = settle
  }

  /** Lets its time limit take it out of the line; may be called again. */
  startClock(env: Env, line: Line): void {
    if (this.#timer !== undefined || this.waitMs === Number.POSITIVE_INFINITY) return
    const timeOut = (): void => {
      line.timedOut(this)
    }
    this.#timer = env.setTimer(timeOut, Math.max(this.sinceMs + this.waitMs - env.nowMs(), 0), false)
  }

  /** Lets its signal take it out of the line. */
  heed(signal: AbortSignal | undefined, line: Line): void {
    if (signal === undefined) return
    this.#signal = signal
    this.#abort = () => {
      line.cancelled(this, signal.reason)
    }
    signal.addEventListener('abort', this.#abort)
  }

  grant(hold: Hold): void {
    this.stop()
    const { take, resolve } = this.#settle
    resolve(take(hold) as never) // the promise and `take` were made for each other
  }

  refuse(reason: unknown): void {
    this.stop()
    this.#settle.reject(reason)
  }

  /** Lets the one who waits look around: it gets a call that names what to wait for next. Harmless when its wait is over. */
  look(call: (next: Promise<unknown>) => unknown): void {
    this.looks = (this.looks ?? 0) + 1
    const { take, resolve } = this.#settle
    const next = new Promise((resolve, reject) => {
      this.#settle = { take, resolve, reject }
    })
    resolve(call(next) as never) // as in grant
  }

  /** It waits no more, though it is not yet told. */
  stop(): void {
    this.#timer?.clear()
    if (this.#abort !== undefined) this.#signal?.removeEventListener('abort', this.#abort)
  }
}
