/** Counts what happened: a simulator in which nothing happens would pass everything. */
export class Marks {
  readonly counts = new Map<string, number>()

  hit(mark: string, times = 1): void {
    this.counts.set(mark, (this.counts.get(mark) ?? 0) + times)
  }

  add(other: Iterable<readonly [string, number]>): void {
    for (const [mark, count] of other) this.hit(mark, count)
  }
}
