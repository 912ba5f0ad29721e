/** 8 kB each. */
const chunkSize = 1024
/** A million holds at once; the renewals of further ones are not told to the main thread. */
const mostChunks = 1024
/** Instead of a slot. */
export const noSlot = -1

/**
 * When each hold was renewed last, in memory that both threads see: the main thread can read it while it is busy.
 * Microseconds in 64-bit integers, because `Atomics` knows no floats, and a plain 8-byte access may tear.
 */
export class Slots {
  readonly #chunks: BigInt64Array[] = []

  get size(): number {
    return this.#chunks.length * chunkSize
  }

  add(words: BigInt64Array): void {
    this.#chunks.push(words)
  }

  /** undefined: the hold was never renewed. */
  read(slot: number): number | undefined {
    const words = this.#chunkOf(slot)
    const renewedUs = words === undefined ? 0n : Atomics.load(words, slot % chunkSize)
    return renewedUs === 0n ? undefined : Number(renewedUs) / 1000
  }

  /** Rounded down: a lease may end early, never late. */
  write(slot: number, renewedMs: number): void {
    const words = this.#chunkOf(slot)
    if (words !== undefined) Atomics.store(words, slot % chunkSize, BigInt(Math.floor(renewedMs * 1000)))
  }

  clear(slot: number): void {
    const words = this.#chunkOf(slot)
    if (words !== undefined) Atomics.store(words, slot % chunkSize, 0n)
  }

  #chunkOf(slot: number): BigInt64Array | undefined {
    return this.#chunks[Math.floor(slot / chunkSize)]
  }
}

/** The main thread's side: gives slots to holds, and takes them back. */
export class SlotPool {
  readonly #slots = new Slots()
  readonly #free: number[] = []
  readonly #grown: (words: BigInt64Array) => void
  #used = 0

  /** `grown`: hands new memory to the worker. */
  constructor(grown: (words: BigInt64Array) => void) {
    this.#grown = grown
  }

  take(): number {
    const free = this.#free.pop()
    if (free !== undefined) return free
    if (this.#used === this.#slots.size) {
      if (this.#used === chunkSize * mostChunks) return noSlot
      const words = new BigInt64Array(new SharedArrayBuffer(8 * chunkSize))
      this.#slots.add(words)
      this.#grown(words)
    }
    return this.#used++
  }

  /**
   * The worker may still write to it, until it gets the message that ends the hold; the next hold of the slot is asked
   * for by a later message, at which the worker clears it.
   */
  giveBack(slot: number): void {
    if (slot !== noSlot) this.#free.push(slot)
  }

  read(slot: number): number | undefined {
    return this.#slots.read(slot)
  }
}
