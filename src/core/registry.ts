/**
 * What is held now, for those rare calls that need all of it. In and out take 5 ns: a Map that is filled and emptied
 * again and again rehashes itself every few turns, which costs 60 to 200 ns.
 */
export class Registry<T extends { readonly owner: string }> {
  readonly #items: (T | undefined)[] = []
  readonly #free: number[] = []
  /** Made by the first who looks for an owner, kept up until all are gone: few ever look, and none may pay for it twice. */
  #byOwner: Map<string, T> | undefined = undefined

  /** Returns the place, to be given to `remove`. */
  add(item: T): number {
    this.#byOwner?.set(item.owner, item)
    const place = this.#free.pop()
    if (place === undefined) return this.#items.push(item) - 1
    this.#items[place] = item
    return place
  }

  remove(place: number): void {
    if (this.#byOwner !== undefined) this.#forget(this.#items[place]?.owner)
    this.#items[place] = undefined
    this.#free.push(place)
  }

  find(owner: string): T | undefined {
    this.#byOwner ??= new Map(this.all().map((item) => [item.owner, item]))
    return this.#byOwner.get(owner)
  }

  all(): T[] {
    return this.#items.filter((item) => item !== undefined)
  }

  #forget(owner: string | undefined): void {
    if (owner !== undefined) this.#byOwner?.delete(owner)
    if (this.#byOwner?.size === 0) this.#byOwner = undefined
  }
}
