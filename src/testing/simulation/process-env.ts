import type { Env, KeepAlive, Timer } from '../../core/env.js'
import { perform, type Task } from '../../core/timers.js'
import type { VirtualEnv } from '../virtual-env.js'

/** The world as one simulated process sees it, which can be stopped: its clocks go on, and nothing runs before it is awake again. */
export class ProcessEnv implements Env {
  readonly host: string
  readonly pid: number
  readonly #time: VirtualEnv
  readonly #self: Env
  #stoppedUntilMs = 0
  /** What fell due meanwhile, in order. */
  readonly #due: (() => void)[] = []

  constructor(time: VirtualEnv, self: Env) {
    this.#time = time
    this.#self = self
    this.host = self.host
    this.pid = self.pid
  }

  nowMs(): number {
    return this.#time.nowMs()
  }

  wallMs(): number {
    return this.#time.wallMs()
  }

  bootMs(): number {
    return this.#time.bootMs()
  }

  random(): number {
    return this.#self.random()
  }

  randomId(): string {
    return this.#self.randomId()
  }

  sleepSync(ms: number): void {
    this.#time.sleepSync(ms)
  }

  setImmediate(run: () => void): void {
    this.#time.setImmediate(() => this.#whenAwake(run))
  }

  setTimer(task: Task, delayMs: number, keepAlive: KeepAlive): Timer {
    let cleared = false
    const timer = this.#time.setTimer(() => this.#whenAwake(() => cleared || perform(task)), delayMs, keepAlive)
    return {
      clear: () => {
        cleared = true
        timer.clear()
      },
    }
  }

  /** Stops the process for `ms`, or for longer if it is stopped already. */
  stop(ms: number): void {
    const untilMs = this.#time.nowMs() + ms
    if (untilMs <= this.#stoppedUntilMs) return
    this.#stoppedUntilMs = untilMs
    this.#time.setTimer(() => this.#wake(), ms, true)
  }

  /** Resolves at once, or when the process is awake again. */
  awake(): Promise<void> {
    return new Promise((resolve) => this.#whenAwake(resolve))
  }

  /** What comes in from outside: it is read when the process is awake. */
  async received<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer
    } finally {
      await this.awake()
    }
  }

  #whenAwake(run: () => void): void {
    if (this.stopped || this.#due.length > 0) this.#due.push(run)
    else run()
  }

  /** Is it stopped now? */
  get stopped(): boolean {
    return this.#time.nowMs() < this.#stoppedUntilMs
  }

  /** One after the other, each with its promise jobs, as an event loop does. */
  #wake(): void {
    if (this.stopped) return
    const run = this.#due[0]
    if (run === undefined) return
    run()
    this.#time.setImmediate(() => {
      this.#due.shift()
      this.#wake()
    })
  }
}
