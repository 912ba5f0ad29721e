/** First come, first served among the living, seen from one server: who stood in line when somebody was granted. */
export class Arrivals {
  readonly #lines = new Map<string, Map<string, number>>()

  /** `owner` asked, was refused and given a place until `endsMs` of the server's clock. */
  stood(key: string, owner: string, endsMs: number): void {
    let line = this.#lines.get(key)
    if (line === undefined) this.#lines.set(key, (line = new Map<string, number>()))
    line.set(owner, endsMs)
  }

  left(key: string, owner: string): void {
    this.#lines.get(key)?.delete(owner)
  }

  /** Records were lost: nobody's place is promised. */
  forget(): void {
    this.#lines.clear()
  }

  /** `owner` is granted: whom it overtook, of those for whom `isThere` says that they live. */
  overtaken(key: string, owner: string, nowMs: number, isThere: (owner: string) => boolean): string | undefined {
    const line = this.#lines.get(key)
    if (line === undefined) return undefined
    for (const [other, endsMs] of line) {
      if (other === owner) break
      if (endsMs < nowMs) line.delete(other)
      else if (isThere(other)) return other
    }
    line.delete(owner)
    return undefined
  }
}
