/** A seeded source of randomness with the draws that the simulator needs. The same seed gives the same draws, on every Node. */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed | 0
    // neighbouring seeds should not begin alike
    for (let round = 0; round < 3; round++) this.next()
  }

  /** From 0 (included) to 1 (excluded): mulberry32. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }

  chance(probability: number): boolean {
    return probability > 0 && this.next() < probability
  }

  between(least: number, most: number): number {
    return least + (most - least) * this.next()
  }

  /** A whole number, both ends included. */
  int(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1))
  }

  pick<T>(items: readonly [T, ...T[]]): T {
    return items[Math.floor(this.next() * items.length)] ?? items[0]
  }

  /** A source of its own, so that draws in one part of a world do not shift those of another. */
  fork(): Random {
    return new Random(Math.floor(this.next() * 4_294_967_296))
  }
}
