import { type Duration, parseDuration } from '../core/duration.js'
import type { Env, Timer } from '../core/env.js'
import type { Space } from '../core/space.js'
import { cutOff } from './cut-off.js'
import { readOptions } from './options.js'

/** Options of `close`. */
export interface CloseOptions {
  /**
   * How long those who hold may go on: `close` grants nothing any more, ends the waits, aborts `lease.closing`, and waits for the
   * bodies to release. Whoever holds after that is told by `lease.signal` (code LOCK_REVOKED), and named in a warning. Default 0: all is
   * released at once.
   */
  readonly drainMs?: Duration
}

/** What is no object of options is what a listener is called with, for `close` may be one. @throws InvalidOptionError */
export function drainMsOf(options: unknown): number {
  if (typeof options !== 'object' || options === null || Object.getPrototypeOf(options) !== Object.prototype) return 0
  const checks = { drainMs: (value: unknown, option: string) => parseDuration(value, option) }
  const { drainMs } = readOptions(options, checks, {})
  return typeof drainMs === 'number' ? drainMs : 0
}

/** Lets those who hold finish, for a while. */
export class Drain {
  readonly #env: Env
  readonly #spaces: readonly Space[]
  readonly #startMs: number
  #untilMs = Number.POSITIVE_INFINITY
  #timer: Timer | undefined = undefined
  #end: () => void = () => undefined

  constructor(env: Env, spaces: readonly Space[]) {
    this.#env = env
    this.#spaces = spaces
    this.#startMs = env.nowMs()
  }

  /** Resolves when nothing is held any more; what is held when its time is over, is told and released. */
  async run(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#end = resolve
      for (const { holds } of this.#spaces) holds.whenEmpty = () => this.#look()
      this.#look()
    })
    this.#timer?.clear()
    for (const { holds } of this.#spaces) holds.whenEmpty = undefined
    const ms = String(Math.round(this.#env.nowMs() - this.#startMs))
    const detail = `its instance was closed, and it was not done ${ms} ms later`
    await cutOff(
      this.#spaces.flatMap(({ holds }) => holds.all()),
      detail,
    )
  }

  /** It takes no longer than that from now on; what was said before may be shorter. */
  endIn(ms: number): void {
    const untilMs = this.#env.nowMs() + ms
    if (untilMs >= this.#untilMs) return
    this.#untilMs = untilMs
    this.#timer?.clear()
    this.#timer = this.#env.setTimer(() => this.#end(), ms, true)
  }

  #look(): void {
    if (this.#spaces.every(({ holds }) => holds.size === 0)) this.#end()
  }
}
