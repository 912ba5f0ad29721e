/** The short table of the README: floor, best peer, holdfast. */
import type { Results, Row } from '../harness/results.js'
import { find } from './find.js'
import { conditions, format } from './tables.js'

interface Line {
  readonly what: string
  readonly case: string
  readonly key: string
  readonly better: 'low' | 'high'
  readonly digits: number
  readonly floor: string
  readonly ours: string
  /** A second figure that belongs to the first, in brackets. */
  readonly with?: { readonly key: string; readonly name: string; readonly digits: number }
}

const memory = { floor: 'floor-memory', ours: 'holdfast-kept' }
const redis = { floor: 'floor-blpop', ours: 'holdfast' }
const jain = { key: 'jain', name: 'Jain', digits: 2 }

const lines: readonly Line[] = [
  { what: 'in memory, a pair, ns', case: 'M1', key: 'ns', better: 'low', digits: 0, ...memory },
  { what: 'in memory, 1,000 waiters, ns a hand-off', case: 'M3', key: 'ns', better: 'low', digits: 0, ...memory },
  { what: 'Redis, a pair, p50 µs', case: 'R1', key: 'p50', better: 'low', digits: 0, ...redis, floor: 'floor-script' },
  {
    what: 'Redis, 64 callers on 64 keys, pairs/s',
    case: 'R2',
    key: 'rate',
    better: 'high',
    digits: 0,
    ...redis,
    floor: 'floor-script',
  },
  {
    what: '2 × 8 waiters on one key, acquisitions/s',
    case: 'R3-8-0',
    key: 'rate',
    better: 'high',
    digits: 0,
    ...redis,
    with: jain,
  },
  {
    what: 'hand-off across processes, sections of 2 ms, p50 µs',
    case: 'R3T-2-2',
    key: 'acrossP50',
    better: 'low',
    digits: 0,
    ...redis,
    with: { key: 'acrossRate', name: 'crossings/s', digits: 0 },
  },
  {
    what: '2 × 64 waiters, sections of 2 ms, longest wait ms',
    case: 'R3-64-2',
    key: 'longestWait',
    better: 'low',
    digits: 0,
    ...redis,
    with: jain,
  },
  { what: '200 waiters for 3 s, commands', case: 'R4', key: 'sent', better: 'low', digits: 0, ...redis },
  { what: 'and all of them served after, ms', case: 'R4', key: 'drain', better: 'low', digits: 1, ...redis },
]

export function summaryTable(results: Results): string {
  const rows = lines.flatMap((line) => {
    const found = find(results, line.case)
    if (found === undefined) return []
    const peer = found.peer(line.key, line.better)
    const cells = [
      cell(found.row(line.floor), line),
      peer === undefined ? '' : `${cell(peer, line)} ${peer.label.split(',')[0] ?? ''}`,
      `**${cell(found.row(line.ours), line)}**`,
    ]
    return [`| ${line.what} | ${cells.join(' | ')} |`]
  })
  return [
    '| | floor | best peer | holdfast |',
    '| --- | ---: | ---: | ---: |',
    ...rows,
    '',
    conditions(results.scenarios),
  ].join('\n')
}

function cell(row: Row | undefined, { key, digits, with: also }: Line): string {
  if (row === undefined) return ''
  if (row.voided !== undefined) return 'void'
  const beside = also && row.figures[also.key] !== undefined
  return `${format(row.figures[key], digits) || '–'}${beside ? ` (${also.name} ${format(row.figures[also.key], also.digits)})` : ''}`
}
