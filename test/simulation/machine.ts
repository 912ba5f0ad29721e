import type { Env, KeepAlive, Timer } from '../../src/core/env.js'
import { perform, type Task } from '../../src/core/timers.js'
import type { Random } from './random.js'
import type { Event, World } from './world.js'

/** The time since boot comes in steps of so much. */
const stepMs = 10
/** Clocks that agree to this extent are not told apart. */
const alikeMs = 4

/** In so many milliseconds nobody needs a timer of one millisecond every other. */
const loopMs = 100

/** How the clocks of a process behave. */
export interface ClockOptions {
  /** Its rate, 1 is exact. */
  readonly rate: number
  /** How late its timers may fire. */
  readonly timerLateMs: number
}

/**
 * A simulated process: an {@link Env} whose clocks drift, jump and stand still, which can be paused (its timers and
 * messages wait while the world goes on) and killed (they never come).
 */
export class Machine implements Env {
  readonly host: string
  readonly pid: number
  alive = true
  paused = false
  readonly #world: World
  readonly #random: Random
  readonly #rate: number
  readonly #timerLateMs: number
  readonly #backlogOfTimers: (() => void)[] = []
  readonly #backlogOfMessages: (() => void)[] = []
  readonly #startMs: number
  readonly bootStepMs = stepMs
  /** It was suspended and its time of day set back by as much. */
  misled = false
  #suspendedMs = 0
  #wallJumpMs = 0
  /** How its clocks stood to each other, after each change. */
  readonly #offsets: { sleptMs: number; wallMs: number }[] = [{ sleptMs: 0, wallMs: 0 }]
  #ids = 0
  /** Timers of the library that are set and neither fired nor cleared. */
  timers = 0
  keepAliveTimers = 0
  /** The library has asked for one timer of a millisecond after another: a tight loop. */
  restless = false
  #shortTimers = 0
  #shortSinceMs = 0

  constructor(world: World, name: string, pid: number, { rate, timerLateMs }: ClockOptions) {
    this.#world = world
    this.#random = world.random.fork()
    this.host = name
    this.pid = pid
    this.#rate = rate
    this.#timerLateMs = timerLateMs
    this.#startMs = this.#random.between(0, 1e6)
  }

  nowMs(): number {
    return this.#startMs + (this.#world.nowMs - this.#suspendedMs) * this.#rate
  }

  wallMs(): number {
    return Math.floor(1.7e12 + this.#world.nowMs * this.#rate + this.#wallJumpMs)
  }

  bootMs(): number {
    return Math.floor((5e6 + this.#world.nowMs * this.#rate) / stepMs) * stepMs
  }

  random(): number {
    return this.#random.next()
  }

  randomId(): string {
    return `${this.host}${this.pid}i${++this.#ids}`
  }

  sleepSync(): void {
    throw new Error('a simulated process does not block')
  }

  setImmediate(run: () => void): void {
    this.#world.after(0, () => this.#deliver(this.#backlogOfTimers, run))
  }

  setTimer(task: Task, delayMs: number, keepAlive: KeepAlive): Timer {
    let pending = true
    const done = (): void => {
      pending = false
      this.timers--
      if (keepAlive) this.keepAliveTimers--
    }
    this.timers++
    if (keepAlive) this.keepAliveTimers++
    const lateMs = this.#timerLateMs === 0 ? 0 : this.#random.next() * this.#timerLateMs
    const wholeMs = Math.max(Math.ceil(delayMs), 1)
    if (wholeMs === 1) this.#countShort()
    const dueMs = this.nowMs() + wholeMs
    let event: Event | undefined
    const set = (inMs: number): void => {
      event = this.#world.after(inMs, () => this.#deliver(this.#backlogOfTimers, look))
    }
    const look = (): void => {
      if (!pending) return
      const leftMs = dueMs - this.nowMs()
      if (leftMs > 0.001) {
        set(leftMs / this.#rate) // its clock stood still meanwhile
        return
      }
      done()
      perform(task)
    }
    set(wholeMs / this.#rate + lateMs)
    return {
      clear: () => {
        if (!pending) return
        done()
        if (event !== undefined) event.cancelled = true
      },
    }
  }

  /** Something of the user's program, `delayMs` from now by the clock of the world. */
  after(delayMs: number, run: () => void): void {
    this.#world.after(delayMs, () => this.#deliver(this.#backlogOfTimers, run))
  }

  /** Something that comes in from outside, now. */
  receive(run: () => void): void {
    this.#deliver(this.#backlogOfMessages, run)
  }

  pause(): void {
    this.paused = true
  }

  /** Goes on, `suspendedMs` of which its monotonic clock has not seen: what waited comes in Node's order, timers first. */
  resume(suspendedMs: number): void {
    if (!this.alive || !this.paused) return
    this.paused = false
    this.#suspendedMs += suspendedMs
    this.#judge()
    for (const run of [...this.#backlogOfTimers.splice(0), ...this.#backlogOfMessages.splice(0)]) {
      this.#world.after(0, () => this.#deliver(this.#backlogOfTimers, run))
    }
  }

  jumpWall(ms: number): void {
    this.#wallJumpMs += ms
    this.#judge()
  }

  #countShort(): void {
    const { nowMs } = this.#world
    if (nowMs - this.#shortSinceMs > loopMs) {
      this.#shortSinceMs = nowMs
      this.#shortTimers = 0
    }
    if (++this.#shortTimers > loopMs / 2) this.restless = true
  }

  #judge(): void {
    const sleptMs = this.#suspendedMs * this.#rate
    const wallMs = sleptMs + this.#wallJumpMs
    this.misled ||= this.#offsets.some((before) => {
      return sleptMs > before.sleptMs && Math.abs(wallMs - before.wallMs) <= alikeMs
    })
    this.#offsets.push({ sleptMs, wallMs })
  }

  kill(): void {
    this.alive = false
    this.#backlogOfTimers.length = 0
    this.#backlogOfMessages.length = 0
  }

  #deliver(backlog: (() => void)[], run: () => void): void {
    if (!this.alive) return
    if (this.paused) backlog.push(run)
    else run()
  }
}
