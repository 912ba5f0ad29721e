import { realEnv } from '../core/env.js'
import type { Env, KeepAlive, Timer } from '../core/env.js'
import { perform, type Task } from '../core/timers.js'
import { seededRandom } from './seeded-random.js'

/** How a {@link virtualEnv} begins. */
export interface VirtualEnvOptions {
  /** Decides `random()` and `randomId()`; default 1. Environments that share a store need different seeds. */
  readonly seed?: number
  /** Wall clock at the start, milliseconds since 1970; default 2026-01-01. */
  readonly wallMs?: number
  /** Default 'virtual'. */
  readonly host?: string
  /** Default 1. */
  readonly pid?: number
}

/** An {@link Env} whose time passes only when told. */
export interface VirtualEnv extends Env {
  /** Lets `ms` milliseconds pass: fires the timers that fall due, in order, and lets promise jobs run in between. */
  advance(ms: number): Promise<void>
  /**
   * Lets time pass from timer to timer until `done()`, which is asked between them. false: `limitMs` passed, or no timer
   * was left to wait for, and it was not done.
   */
  advanceUntil(done: () => boolean, limitMs: number): Promise<boolean>
  /** The wall clock jumps by `ms`, backwards when negative; the other clocks do not notice. */
  advanceWall(ms: number): void
  /** A stalled event loop: `ms` pass on every clock and no timer fires; those due fire at the next `advance`. */
  stall(ms: number): void
  /** The machine sleeps: `ms` pass on the wall clock and since boot, the monotonic clock stands still. */
  suspend(ms: number): void
  /** Timers that are set and neither fired nor cleared. After `close()` of what is under test: 0. */
  readonly pendingTimers: number
  /** Those of them that would keep the process alive. */
  readonly keepAliveTimers: number
}

/**
 * Clocks, timers and randomness driven by hand, for tests that wait for nothing and always end the same.
 *
 * @example
 * const time = virtualEnv()
 * const fired: string[] = []
 * time.setTimer(() => fired.push('renew'), 10_000, false)
 * await time.advance(10_000)   // fired: ['renew'], no time has passed outside
 */
export function virtualEnv(options: VirtualEnvOptions = {}): VirtualEnv {
  return new HandDrivenEnv(options)
}

/** Rounds of promise jobs and immediates after which `advance` says that the code under test never comes to rest. */
const restlessRounds = 100_000
/** As `setTimeout`, which fires after 1 ms when asked for less. */
const shortestTimerMs = 1

interface PendingTimer {
  readonly atMs: number
  readonly order: number
  readonly keepAlive: KeepAlive
  readonly fire: () => void
}

class HandDrivenEnv implements VirtualEnv {
  readonly host: string
  readonly pid: number
  readonly random: () => number
  readonly #randomOfIds: () => number
  /** By due time, then by the order in which they were set. */
  readonly #timers: PendingTimer[] = []
  #immediates = 0
  #timersSet = 0
  // None of the clocks begins at 0, and no two agree: code that mixes them up is found out.
  #nowMs = 1_000
  #bootMs = 500_000
  #wallMs: number

  constructor(options: VirtualEnvOptions) {
    const seed = options.seed ?? 1
    this.host = options.host ?? 'virtual'
    this.pid = options.pid ?? 1
    this.#wallMs = options.wallMs ?? Date.UTC(2026, 0, 1)
    this.random = seededRandom(seed)
    this.#randomOfIds = seededRandom(seed ^ 0x5bd1e995)
  }

  get pendingTimers(): number {
    return this.#timers.length
  }

  get keepAliveTimers(): number {
    return this.#timers.filter((timer) => timer.keepAlive).length
  }

  nowMs(): number {
    return this.#nowMs
  }

  wallMs(): number {
    return this.#wallMs
  }

  bootMs(): number {
    return this.#bootMs
  }

  setTimer(task: Task, delayMs: number, keepAlive: KeepAlive): Timer {
    // The comparison is false for NaN too.
    const dueInMs = delayMs > shortestTimerMs ? delayMs : shortestTimerMs
    this.#timersSet += 1
    const timer: PendingTimer = {
      atMs: this.#nowMs + dueInMs,
      order: this.#timersSet,
      keepAlive,
      fire: () => perform(task),
    }
    this.#timers.splice(this.#placeOf(timer), 0, timer)
    return { clear: () => this.#remove(timer) }
  }

  /** No time passes until it runs: the real one serves. */
  setImmediate(run: () => void): void {
    this.#immediates += 1
    realEnv.setImmediate(() => {
      this.#immediates -= 1
      run()
    })
  }

  sleepSync(ms: number): void {
    this.stall(ms)
  }

  randomId(): string {
    const bytes = Uint8Array.from({ length: 16 }, () => Math.floor(this.#randomOfIds() * 256))
    return Buffer.from(bytes).toString('base64url')
  }

  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + passing(ms)
    await this.#settle()
    for (let timer = this.#takeDue(untilMs); timer !== undefined; timer = this.#takeDue(untilMs)) {
      await this.#fire(timer)
    }
    this.#pass(untilMs - this.#nowMs)
  }

  async advanceUntil(done: () => boolean, limitMs: number): Promise<boolean> {
    const untilMs = this.#nowMs + passing(limitMs)
    await this.#settle()
    while (!done()) {
      const timer = this.#takeDue(untilMs)
      if (timer === undefined) return false
      await this.#fire(timer)
    }
    return true
  }

  advanceWall(ms: number): void {
    this.#wallMs += ms
  }

  stall(ms: number): void {
    this.#pass(passing(ms))
  }

  suspend(ms: number): void {
    this.#wallMs += passing(ms)
    this.#bootMs += ms
  }

  async #fire(timer: PendingTimer): Promise<void> {
    this.#pass(timer.atMs - this.#nowMs)
    this.#nowMs = Math.max(this.#nowMs, timer.atMs) // a sum of fractions may end a hair before
    timer.fire()
    await this.#settle()
  }

  /** Below 0 when a stall carried the clocks past the moment already: time does not go back. */
  #pass(ms: number): void {
    if (ms <= 0) return
    this.#nowMs += ms
    this.#wallMs += ms
    this.#bootMs += ms
  }

  /** Lets promise jobs and immediates run until none is left. */
  async #settle(): Promise<void> {
    for (let round = 0; round < restlessRounds; round += 1) {
      await new Promise<void>((resolve) => realEnv.setImmediate(resolve))
      if (this.#immediates === 0) return
    }
    throw new Error(`The code under test set ${restlessRounds} immediates in a row without a timer: it never rests.`)
  }

  #takeDue(untilMs: number): PendingTimer | undefined {
    const first = this.#timers[0]
    if (first === undefined || first.atMs > untilMs) return undefined
    return this.#timers.shift()
  }

  #remove(timer: PendingTimer): void {
    const place = this.#placeOf(timer)
    if (this.#timers[place] === timer) this.#timers.splice(place, 1)
  }

  /** Where the timer stands, or would stand: found by halving, as tests set 30,000 of them. */
  #placeOf(timer: PendingTimer): number {
    let low = 0
    let high = this.#timers.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const other = this.#timers[middle]
      if (other !== undefined && isBefore(other, timer)) low = middle + 1
      else high = middle
    }
    return low
  }
}

function isBefore(a: PendingTimer, b: PendingTimer): boolean {
  return a.atMs === b.atMs ? a.order < b.order : a.atMs < b.atMs
}

function passing(ms: number): number {
  if (!(ms >= 0 && Number.isFinite(ms))) throw new RangeError(`Time passes by 0 or more milliseconds, not by ${ms}.`)
  return ms
}
