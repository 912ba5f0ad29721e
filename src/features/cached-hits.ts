import type { KeptValue } from '../core/store.js'
import type { Instance } from './instance.js'

/**
 * Values that were found lately, each by what decides its key: an argument where one does, else the key itself. Only an index:
 * the store's own objects tell whether they are still fresh. So a hit needs no key, whose text takes longer to make than to find.
 */
export class Hits {
  readonly #found = new Map<unknown, KeptValue>()
  #instance: Instance | undefined = undefined
  #most = least

  get isEmpty(): boolean {
    return this.#found.size === 0
  }

  find(instance: Instance, decider: unknown): KeptValue | undefined {
    const kept = this.#found.get(decider)
    return kept !== undefined && kept.staleMs === 0 && instance === this.#instance ? kept : undefined
  }

  add(instance: Instance, decider: unknown, kept: KeptValue): void {
    if (typeof decider !== 'string' && typeof decider !== 'number') return // a default, perhaps
    if (instance !== this.#instance) this.#found.clear()
    this.#instance = instance
    if (this.#found.size >= this.#most) this.#sweep()
    this.#found.set(decider, kept)
  }

  /** Drops what is gone, so that there are at most twice as many here as in the store. */
  #sweep(): void {
    for (const [decider, { staleMs }] of this.#found) if (staleMs > 0) this.#found.delete(decider)
    this.#most = Math.max(this.#found.size * 2, least)
  }
}

const least = 1_000
