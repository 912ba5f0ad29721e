import { StoreError } from '../../core/errors.js'
import { textOf } from './failure.js'
import { Link, type LinkOptions } from './link.js'

/** A worker that cannot start is not tried more often. */
const restartPauseMs = 1_000

/** The worker that serves: started at the first call, and again after it died, once a second at most. */
export class Thread {
  readonly #options: LinkOptions
  #link: Link | undefined = undefined
  #failure: string | undefined = undefined
  #startedAtMs: number = Number.NEGATIVE_INFINITY
  #closed = false

  constructor(options: LinkOptions) {
    this.#options = options
  }

  /** undefined: there is none now. */
  get current(): Link | undefined {
    return this.#link?.ended === false ? this.#link : undefined
  }

  /** The worker that serves now; `started` is told of a new one. @throws StoreError */
  link(operation: string, started: (link: Link) => void): Link {
    if (this.#link?.ended === false) return this.#link
    if (this.#closed) throw notApplied(operation, 'the store is closed')
    this.#failure = this.#link?.failure ?? this.#failure
    this.#link = undefined
    const nowMs = this.#options.env.nowMs()
    if (nowMs - this.#startedAtMs < restartPauseMs) {
      throw notApplied(operation, `its worker thread is gone, and starts again in a moment: ${this.#failure ?? ''}`)
    }
    this.#startedAtMs = nowMs
    const link = this.#start(operation)
    this.#link = link
    started(link)
    return link
  }

  close(): void {
    this.#closed = true
    this.#link?.end()
  }

  #start(operation: string): Link {
    let link: Link | undefined
    try {
      link = new Link(this.#options)
      link.open()
      return link
    } catch (error) {
      link?.end()
      this.#failure = link?.failure ?? textOf(error)
      throw notApplied(operation, `its worker thread did not start: ${this.#failure}`)
    }
  }
}

function notApplied(operation: string, text: string): StoreError {
  return new StoreError(operation, text, { outcome: 'not-applied' })
}
