const changesAt = 0
const takenAt = 1
const endedAt = 2

/** By which the worker wakes the main thread, and tells it how far it is, in shared memory. */
export class Signal {
  /** To be handed to the worker. */
  readonly words: Int32Array

  constructor(words: Int32Array = new Int32Array(new SharedArrayBuffer(12))) {
    this.words = words
  }

  /** How often it was woken. Read it before looking for messages: then `sleep` misses none. */
  count(): number {
    return Atomics.load(this.words, changesAt)
  }

  /** Blocks until the next `wake` after `count` was read, for `ms` at most. */
  sleep(count: number, ms: number): void {
    Atomics.wait(this.words, changesAt, count, ms)
  }

  wake(): void {
    Atomics.add(this.words, changesAt, 1)
    Atomics.notify(this.words, changesAt)
  }

  /** The worker has got the call. */
  take(id: number): void {
    Atomics.store(this.words, takenAt, id)
  }

  /** Is this the last call that it has got? A word has 32 bits, numbers of calls may have more. */
  hasTaken(id: number): boolean {
    return Atomics.load(this.words, takenAt) === (id | 0)
  }

  /** The worker will answer no more. */
  end(): void {
    Atomics.store(this.words, endedAt, 1)
    this.wake()
  }

  hasEnded(): boolean {
    return Atomics.load(this.words, endedAt) === 1
  }
}
