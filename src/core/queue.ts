/** A first-in-first-out list whose members leave from any place in O(1): they carry their own links. */
export interface Linked<T> {
  before: T | undefined
  after: T | undefined
}

export class Fifo<T extends Linked<T>> {
  #first: T | undefined = undefined
  #last: T | undefined = undefined
  #size = 0

  get size(): number {
    return this.#size
  }

  get first(): T | undefined {
    return this.#first
  }

  push(item: T): void {
    item.before = this.#last
    item.after = undefined
    if (this.#last === undefined) this.#first = item
    else this.#last.after = item
    this.#last = item
    this.#size++
  }

  all(): T[] {
    const items: T[] = []
    for (let item = this.#first; item !== undefined; item = item.after) items.push(item)
    return items
  }

  /** Takes `item` out. It must be in this list. */
  remove(item: T): void {
    if (item.before === undefined) this.#first = item.after
    else item.before.after = item.after
    if (item.after === undefined) this.#last = item.before
    else item.after.before = item.before
    item.before = undefined
    item.after = undefined
    this.#size--
  }
}
