import type { Numbers } from './tools.js'

interface Column {
  readonly key: string
  readonly title: string
  readonly digits: number
}

const heldColumns: readonly Column[] = [
  { key: 'size', title: 'locks held', digits: 0 },
  { key: 'bytes', title: 'client bytes each', digits: 0 },
  { key: 'atStore', title: 'Redis bytes each', digits: 0 },
  { key: 'rate', title: 'acquired / s', digits: 0 },
  { key: 'pair', title: 'acquire and release, µs', digits: 1 },
  { key: 'refused', title: 'refused try, µs', digits: 1 },
  { key: 'isLocked', title: 'isLocked, µs', digits: 1 },
  { key: 'inspect', title: 'inspect, µs', digits: 1 },
  { key: 'forced', title: 'acquire and forced release, µs', digits: 1 },
]

const waiterColumns: readonly Column[] = [
  { key: 'size', title: 'waiters', digits: 0 },
  { key: 'bytes', title: 'client bytes each', digits: 0 },
  { key: 'enqueueNs', title: 'to queue up, ns', digits: 0 },
  { key: 'cancelNs', title: 'to be cancelled, ns', digits: 0 },
  { key: 'handOffNs', title: 'hand-off, ns', digits: 0 },
  { key: 'sent', title: 'commands each', digits: 2 },
  { key: 'outOfOrder', title: 'out of order', digits: 0 },
]

/** The page with its figures replaced: each stands between `<!-- name -->` and `<!-- end -->`. */
export function pageOf(results: Readonly<Record<string, readonly Numbers[]>>, machine: string, page: string): string {
  const figures: Record<string, string> = { machine: `${machine}.` }
  for (const [name, rows] of Object.entries(results)) {
    figures[name] = table(rows, name.startsWith('waiters') ? waiterColumns : heldColumns)
  }
  return withFigures(page, figures)
}

export function withFigures(page: string, figures: Readonly<Record<string, string>>): string {
  return page.replace(/<!-- (\w+) -->\n[\s\S]*?<!-- end -->/g, (all, name: string) =>
    figures[name] === undefined ? all : `<!-- ${name} -->\n\n${figures[name]}\n\n<!-- end -->`,
  )
}

function table(rows: readonly Numbers[], columns: readonly Column[]): string {
  const shown = columns.filter(({ key }) => rows.some((row) => !Number.isNaN(row[key] ?? Number.NaN)))
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [
    line(shown.map(({ title }) => title)),
    line(shown.map(() => '---:')),
    ...rows.map((row) => line(shown.map(({ key, digits }) => show(row[key] ?? Number.NaN, digits)))),
  ].join('\n')
}

function show(value: number, digits: number): string {
  if (Number.isNaN(value)) return '–'
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}
