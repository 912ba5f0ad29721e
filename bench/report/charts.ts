/** Which figures are drawn. */
import type { CaseResult, Results, Row } from '../harness/results.js'
import { barChart, type ChartBar } from './chart.js'
import { find } from './find.js'
import { format } from './tables.js'

interface Drawn {
  readonly file: string
  readonly title: string
  readonly subtitle: string
  readonly cases: readonly string[]
  readonly key: string
  readonly better: 'low' | 'high'
  readonly digits: number
  /** A second figure beside the first. */
  readonly also?: { readonly key: string; readonly name: string; readonly digits: number }
}

const jain = { key: 'jain', name: 'Jain', digits: 2 }

const drawn: readonly Drawn[] = [
  {
    file: 'memory-pair',
    title: 'In memory: acquire and release',
    subtitle: 'ns, less is better',
    cases: ['M1'],
    key: 'ns',
    better: 'low',
    digits: 0,
  },
  {
    file: 'memory-waiters',
    title: 'In memory: 1,000 waiters on one key',
    subtitle: 'ns a hand-off, less is better',
    cases: ['M3'],
    key: 'ns',
    better: 'low',
    digits: 0,
  },
  {
    file: 'redis-pair',
    title: 'Redis: acquire and release',
    subtitle: 'µs, p50, less is better',
    cases: ['R1'],
    key: 'p50',
    better: 'low',
    digits: 0,
  },
  {
    file: 'redis-keys',
    title: 'Redis: 64 callers on 64 keys in one process',
    subtitle: 'pairs a second, more is better',
    cases: ['R2'],
    key: 'rate',
    better: 'high',
    digits: 0,
  },
  {
    file: 'redis-contended',
    title: 'Redis: 2 processes × 8 waiters on one key, sections of 0 ms',
    subtitle: 'acquisitions a second, more is better; Jain 1 is fair',
    cases: ['R3-8-0'],
    key: 'rate',
    better: 'high',
    digits: 0,
    also: jain,
  },
  {
    file: 'redis-longest-wait',
    title: 'Redis: sections of 2 ms, the longest wait',
    subtitle: 'ms, less is better; Jain 1 is fair',
    cases: ['R3-8-2', 'R3-64-2'],
    key: 'longestWait',
    better: 'low',
    digits: 0,
    also: jain,
  },
  {
    file: 'redis-hand-off',
    title: 'Redis: hand-off from process to process after a section',
    subtitle: 'µs, p50, less is better',
    cases: ['R3T-2-0', 'R3T-2-2', 'R3T-2-10'],
    key: 'acrossP50',
    better: 'low',
    digits: 0,
    // who polls crosses seldom, and fast only by luck
    also: { key: 'acrossRate', name: 'crossings/s', digits: 0 },
  },
  {
    file: 'redis-waiting',
    title: 'Redis: 200 waiters wait for 3 s',
    subtitle: 'commands sent meanwhile, less is better',
    cases: ['R4'],
    key: 'sent',
    better: 'low',
    digits: 0,
  },
  {
    file: 'redis-drain',
    title: 'Redis: 200 waiters, all served after the release',
    subtitle: 'ms, less is better',
    cases: ['R4'],
    key: 'drain',
    better: 'low',
    digits: 1,
  },
  {
    file: 'redis-growth',
    title: 'Redis: more and more waiters on one key',
    subtitle: 'client CPU of an acquisition, µs, less is better',
    cases: ['R6W-1', 'R6W-10', 'R6W-100', 'R6W-1000'],
    key: 'clientCpu',
    better: 'low',
    digits: 1,
  },
]

export interface DrawnChart {
  readonly file: string
  readonly title: string
  readonly svg: string
  /** The scenario it belongs to. */
  readonly scenario: string
}

export function drawCharts(results: Results): DrawnChart[] {
  return drawn.flatMap((one) => {
    const found = one.cases.flatMap((id) => find(results, id)?.result ?? [])
    const groups = found
      .map((result) => ({ title: one.cases.length > 1 ? result.title : '', bars: barsOf(result, one) }))
      .filter(({ bars }) => bars.length > 0)
    const [first] = found
    if (first === undefined || groups.length === 0) return []
    const values = groups.flatMap(({ bars }) => bars.map(({ value }) => value)).filter((value) => value > 0)
    const log = Math.max(...values) > 100 * Math.min(...values)
    const { file, title, subtitle } = one
    const scenario = results.scenarios.find(({ cases }) => cases.includes(first))?.id ?? ''
    return [{ file: `${file}.svg`, title, scenario, svg: barChart({ title, subtitle, groups, log }) }]
  })
}

/** Those that kept the lock, best first. */
function barsOf({ rows }: CaseResult, { key, better, digits, also }: Drawn): ChartBar[] {
  const value = ({ figures }: Row): number => figures[key] ?? Number.NaN
  return rows
    .filter((row) => row.voided === undefined && Number.isFinite(value(row)))
    .sort((a, b) => (value(a) - value(b)) * (better === 'low' ? 1 : -1))
    .map((row) => {
      const beside = also === undefined ? '' : `, ${also.name} ${format(row.figures[also.key], also.digits)}`
      return { label: row.label, value: value(row), text: `${format(value(row), digits)}${beside}`, role: row.role }
    })
}
