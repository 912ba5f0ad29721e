/** How late timers of this process come: what a machine that is busy with something else does to every process. */
export class Lateness {
  readonly #timer: NodeJS.Timeout
  readonly #late: { readonly atMs: number; readonly ms: number }[] = []
  #dueMs = performance.now() + EVERY_MS

  constructor() {
    this.#timer = setInterval(() => this.#look(), EVERY_MS)
  }

  /** The largest since then. */
  worstSince(sinceMs: number): number {
    return Math.max(0, ...this.#late.filter(({ atMs }) => atMs >= sinceMs).map(({ ms }) => ms))
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #look(): void {
    const atMs = performance.now()
    const ms = atMs - this.#dueMs
    if (ms > WORTH_MS) this.#late.push({ atMs, ms })
    this.#dueMs = atMs + EVERY_MS
  }
}

const EVERY_MS = 20
const WORTH_MS = 20
