import { Random } from './random.js'

/** Something that will happen. */
export interface Event {
  readonly atMs: number
  readonly order: number
  readonly run: () => void
  cancelled: boolean
}

/** What is kept of a run for people to read; only when asked for. */
export interface Line {
  readonly atMs: number
  readonly text: string
}

/** One simulated universe: its time, what will happen in it, and a fingerprint of what did. */
export class World {
  readonly random: Random
  nowMs = 0
  events = 0
  /** FNV-1a of everything noted: two runs that differ in anything that matters differ in this. */
  hash = 0x811c9dc5
  readonly lines: Line[] | undefined
  readonly #heap: Event[] = []
  #order = 0

  constructor(seed: number, keepLines: boolean) {
    this.random = new Random(seed)
    this.lines = keepLines ? [] : undefined
  }

  after(delayMs: number, run: () => void): Event {
    const event = { atMs: this.nowMs + Math.max(delayMs, 0), order: ++this.#order, run, cancelled: false }
    this.#push(event)
    return event
  }

  /** Takes the next event and moves time to it; undefined: nothing will ever happen again. */
  next(): Event | undefined {
    for (;;) {
      const event = this.#pop()
      if (event === undefined) return undefined
      if (event.cancelled) continue
      this.nowMs = event.atMs
      this.events++
      return event
    }
  }

  /** Notes something that a run with the same seed has to repeat at the same moment. */
  note(text: string): void {
    let hash = this.hash ^ Math.round(this.nowMs * 1000)
    for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
    this.hash = hash | 0
    this.lines?.push({ atMs: this.nowMs, text })
  }

  #push(event: Event): void {
    const heap = this.#heap
    let at = heap.length
    heap.push(event)
    while (at > 0) {
      const above = (at - 1) >> 1
      const other = heap[above]
      if (other === undefined || isBefore(other, event)) break
      heap[at] = other
      at = above
    }
    heap[at] = event
  }

  #pop(): Event | undefined {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    if (first === undefined || last === undefined || heap.length === 0) return first
    let at = 0
    for (;;) {
      let below = 2 * at + 1
      const left = heap[below]
      if (left === undefined) break
      const right = heap[below + 1]
      let least = left
      if (right !== undefined && isBefore(right, left)) {
        least = right
        below++
      }
      if (isBefore(last, least)) break
      heap[at] = least
      at = below
    }
    heap[at] = last
    return first
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.atMs === b.atMs ? a.order < b.order : a.atMs < b.atMs
}
