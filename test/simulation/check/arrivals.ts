/** First come, first served among the living, seen from one server: who stood in line when somebody was granted. */
export class Arrivals {
  /** Keys were evicted that tell of a queue: no order is promised any more. */
  isVoid = false
  readonly #unsure = new Set<string>()
  readonly #lines = new Map<string, Map<string, number>>()

  /** `owner` asked, was refused and given a place until `endsMs` of the server's clock. */
  stood(key: string, owner: string, { nowMs, endsMs }: { nowMs: number; endsMs: number }): void {
    let line = this.#lines.get(key)
    if (line === undefined) this.#lines.set(key, (line = new Map<string, number>()))
    if ((line.get(owner) ?? endsMs) < nowMs) {
      // it comes too late for its place, and has it all the same if nobody has looked
      line.delete(owner)
      this.#unsure.add(owner)
    }
    line.set(owner, endsMs)
  }

  /** It is taken out of the line, or is granted its turn by the same call before. */
  leaves(key: string, owner: string): void {
    if (this.#lines.get(key)?.delete(owner) === true) this.#unsure.add(owner)
  }

  /** Drops those of the line for whom `isGone`. */
  prune(key: string, isGone: (owner: string) => boolean): void {
    const line = this.#lines.get(key)
    for (const owner of line?.keys() ?? []) if (isGone(owner)) line?.delete(owner)
  }

  /** Records were lost: who stood in line may have kept a place, or not. */
  forget(): void {
    for (const line of this.#lines.values()) for (const owner of line.keys()) this.#unsure.add(owner)
    this.#lines.clear()
  }

  /** They stand in line already, in an order that was not seen. */
  inherit(owners: readonly string[]): void {
    for (const owner of owners) this.#unsure.add(owner)
  }

  /** The place of `owner` is over, and should be passed by. */
  isOver(key: string, owner: string, nowMs: number): boolean {
    return !this.#unsure.has(owner) && (this.#lines.get(key)?.get(owner) ?? nowMs) < nowMs
  }

  /** `owner` is granted: whom it overtook, of those for whom `isThere` says that they live. */
  overtaken(key: string, owner: string, nowMs: number, isThere: (owner: string) => boolean): string | undefined {
    const line = this.#lines.get(key)
    if (line === undefined || this.isVoid) return undefined
    if (this.#unsure.has(owner)) {
      line.delete(owner)
      return undefined
    }
    for (const [other, endsMs] of line) {
      if (other === owner) break
      if (endsMs >= nowMs && isThere(other)) return other
      line.delete(other) // passed over
    }
    line.delete(owner)
    return undefined
  }
}
