import type { Notice, NoticeListener } from '../../core/store.js'

/** Keeps the notices that come in the middle of a call until the code that made the call has come to its end. */
export class Notices {
  readonly #before: NoticeListener
  readonly #listeners = new Set<NoticeListener>()
  readonly #heard: Notice[] = []
  #scheduled = false

  /** `before`: told of each notice before the listeners. */
  constructor(before: NoticeListener) {
    this.#before = before
  }

  get listening(): boolean {
    return this.#listeners.size > 0
  }

  listen(listener: NoticeListener): () => void {
    const own: NoticeListener = (notice) => listener(notice)
    this.#listeners.add(own)
    return () => void this.#listeners.delete(own)
  }

  heard(notice: Notice): void {
    this.#heard.push(notice)
    if (this.#scheduled) return
    this.#scheduled = true
    queueMicrotask(() => {
      this.#scheduled = false
      this.deliver()
    })
  }

  deliver(): void {
    for (let notice = this.#heard.shift(); notice !== undefined; notice = this.#heard.shift()) {
      this.#before(notice)
      for (const listener of this.#listeners) listener(notice)
    }
  }
}
