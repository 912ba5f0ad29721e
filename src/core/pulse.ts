import type { Env, Timer } from './env.js'

/** So many of them in a turn of the event loop, which 500 requests hold up for some ms. */
const mostAtOnce = 500

/** One beat for all that would ask again after the same pause: what is due together can travel together. */
export class Pulse {
  readonly #env: Env
  readonly #everyMs: number
  #waiting = new Set<Member>()
  #due = new Set<Member>()
  #timer: Timer | undefined = undefined

  constructor(env: Env, everyMs: number) {
    this.#env = env
    this.#everyMs = everyMs
  }

  /** Calls `beat` with the others, once, in `everyMs` at the latest. Does not keep the process alive. */
  join(beat: () => void): Timer {
    const member = { beat }
    this.#waiting.add(member)
    const fire = (): void => {
      this.#fire()
    }
    this.#timer ??= this.#env.setTimer(fire, this.#everyMs, false)
    return {
      clear: () => {
        this.#leave(member)
      },
    }
  }

  #leave(member: Member): void {
    this.#due.delete(member)
    if (!this.#waiting.delete(member) || this.#waiting.size > 0) return
    this.#timer?.clear()
    this.#timer = undefined
  }

  #fire(): void {
    this.#timer = undefined
    const before = this.#due
    this.#due = this.#waiting
    this.#waiting = new Set()
    for (const member of before) this.#due.add(member) // a beat that takes longer than the pause
    if (before.size === 0) this.#run()
  }

  #run(): void {
    let run = 0
    for (const member of this.#due) {
      if (++run > mostAtOnce) break
      this.#due.delete(member)
      member.beat()
    }
    if (this.#due.size === 0) return
    this.#env.setImmediate(() => {
      this.#run()
    })
  }
}

interface Member {
  readonly beat: () => void
}
