// Prints what happens, and at the end who held when. Plain text, no colours.
import { performance } from 'node:perf_hooks'

const columns = 76

interface Row {
  readonly name: string
  readonly askedMs: number
  grantedMs: number | undefined
  endedMs: number | undefined
  /** `]` released, `!` ended early, `x` rejected. */
  mark: string
}

/** What became of one request. */
export interface Request {
  granted(): void
  /** Only the first end counts. */
  ends(mark: ']' | '!' | 'x'): void
}

export class Timeline {
  readonly #startMs = performance.now()
  readonly #chapters: { title: string; rows: Row[] }[] = []

  /** One line: when, who, what. */
  readonly say = (who: string, what: string): void => {
    console.log(`${this.#nowMs().toFixed(0).padStart(5)} ms  ${who.padEnd(9)} ${what}`)
  }

  readonly chapter = (title: string): void => {
    this.#chapters.push({ title, rows: [] })
    console.log(`\n${title}\n`)
  }

  /** Somebody asks, now. */
  asks(name: string): Request {
    const row: Row = { name, askedMs: this.#nowMs(), grantedMs: undefined, endedMs: undefined, mark: '' }
    this.#chapters.at(-1)?.rows.push(row)
    return {
      granted: () => (row.grantedMs = this.#nowMs()),
      ends: (mark) => {
        if (row.endedMs !== undefined) return
        row.endedMs = this.#nowMs()
        row.mark = mark
      },
    }
  }

  /** Who held it when. */
  draw(): void {
    console.log('\nWho held it when, as far as they knew')
    console.log('   . waits   # holds   ] released   ! ended early   x rejected')
    for (const { title, rows } of this.#chapters) {
      const startMs = Math.min(...rows.map(({ askedMs }) => askedMs))
      const endMs = Math.max(...rows.map(({ endedMs }) => endedMs ?? startMs))
      const scale = (columns - 1) / Math.max(endMs - startMs, 1)
      const at = (ms: number): number => Math.round((ms - startMs) * scale)
      console.log(`\n${title} (${(endMs - startMs).toFixed(0)} ms)`)
      for (const row of rows) console.log(`  ${row.name.padEnd(5)}|${bar(row, at)}`)
    }
    const requests = this.#chapters.flatMap(({ rows }) => rows)
    const count = (...marks: string[]): number => requests.filter(({ mark }) => marks.includes(mark)).length
    console.log(
      `\n${requests.length} requests: ${count(']', '!')} granted, of which ${count('!')} ended early; ${count('x')} rejected.`,
    )
  }

  #nowMs(): number {
    return performance.now() - this.#startMs
  }
}

function bar({ askedMs, grantedMs, endedMs, mark }: Row, at: (ms: number) => number): string {
  const end = at(endedMs ?? askedMs)
  const start = grantedMs === undefined ? end : at(grantedMs)
  const asked = at(askedMs)
  return `${' '.repeat(asked)}${'.'.repeat(start - asked)}${'#'.repeat(end - start)}${mark}`
}
