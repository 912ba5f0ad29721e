import type { Env, Timer } from '../../core/env.js'

/**
 * Finds a connection that a router forgot: it stays open, and nothing comes any more. TCP itself gives up on it after 15
 * minutes. Redis answers in order, so calls are out for so long only when nothing at all is answered.
 */
export class Silence {
  readonly #env: Env
  readonly #found: () => void
  #pending = 0
  /** Since the last look. */
  #answered = false
  #timer: Timer | undefined = undefined

  constructor(env: Env, found: () => void) {
    this.#env = env
    this.#found = found
  }

  sent(): void {
    this.#pending++
    this.#timer ??= this.#lookLater()
  }

  /** Answered or failed. */
  ended(): void {
    if (this.#pending > 0) this.#pending-- // else one of a connection that was replaced
    this.#answered = true
  }

  stop(): void {
    this.#timer?.clear()
  }

  #lookLater(): Timer {
    this.#answered = false
    const look = (): void => {
      this.#timer = undefined
      if (this.#pending === 0) return
      if (this.#answered) {
        this.#timer = this.#lookLater()
        return
      }
      this.#pending = 0
      this.#found()
    }
    return this.#env.setTimer(look, longestMs, false)
  }
}

/** Longer than a busy server is silent, and short against a ttl of 30 s. Found after this, or twice this at most. */
const longestMs = 2_500
