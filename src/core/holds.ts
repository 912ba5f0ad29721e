import { Fifo, type Linked } from './queue.js'

interface Owned<T> extends Linked<T> {
  readonly owner: string
}

/** What is held now, for those rare calls that need all of it, or one of them by its owner. */
export class Holds<T extends Owned<T>> extends Fifo<T> {
  /** Made by the first who looks for an owner, kept up until all are gone: few ever look, and none may pay for it twice. */
  #byOwner: Map<string, T> | undefined = undefined

  /** Called when the last of them ends. */
  whenEmpty: (() => void) | undefined = undefined

  override push(item: T): void {
    this.#byOwner?.set(item.owner, item)
    super.push(item)
  }

  override remove(item: T): void {
    super.remove(item)
    if (this.#byOwner?.get(item.owner) === item) this.#byOwner.delete(item.owner)
    if (this.#byOwner?.size === 0) this.#byOwner = undefined
    if (this.size === 0) this.whenEmpty?.()
  }

  find(owner: string): T | undefined {
    this.#byOwner ??= new Map(this.all().map((item) => [item.owner, item]))
    return this.#byOwner.get(owner)
  }
}
