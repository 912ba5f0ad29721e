import type { Link } from './link.js'
import { nameOf } from './messages.js'

/** What the main thread remembers of a hold, until the core ends it. */
export interface Held {
  readonly key: string
  readonly owner: string
  readonly link: Link
  readonly slot: number
  /** undefined: it was granted out of a queue, and not renewed yet. */
  ttlMs: number | undefined
  /** When the last request for it was sent, of those that were answered. */
  leasedMs: number
}

/** How many owners are remembered whose calls failed. */
const mostDoubtful = 1_000

/** The holds that the worker renews, and the owners whose last call failed: they may hold or not. */
export class Holds {
  readonly #held = new Map<string, Held>()
  /** The latest last. */
  readonly #doubtful = new Set<string>()

  get(key: string, owner: string): Held | undefined {
    return this.#held.get(nameOf(key, owner))
  }

  add(held: Held): void {
    this.#held.set(nameOf(held.key, held.owner), held)
  }

  /** Its slot is free for others from the next message on. */
  remove(held: Held): void {
    if (this.#held.delete(nameOf(held.key, held.owner))) held.link.slots.giveBack(held.slot)
  }

  doubt(key: string, owner: string): void {
    const name = nameOf(key, owner)
    this.#doubtful.delete(name)
    this.#doubtful.add(name)
    const [oldest] = this.#doubtful
    if (this.#doubtful.size > mostDoubtful && oldest !== undefined) this.#doubtful.delete(oldest)
  }

  trust(key: string, owner: string): void {
    if (this.#doubtful.size > 0) this.#doubtful.delete(nameOf(key, owner))
  }

  isDoubtful(key: string, owner: string): boolean {
    return this.#doubtful.size > 0 && this.#doubtful.has(nameOf(key, owner))
  }
}
