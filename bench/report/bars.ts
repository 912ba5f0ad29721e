/** What holdfast set out to show, and what this run shows: the goals were written down before the code was. */
import type { Results } from '../harness/results.js'
import { atLeast, atMost, type Bar, overPeer, us } from './bar.js'
import { featureBars } from './feature-bars.js'
import { find } from './find.js'
import { format } from './tables.js'

const sharing = (id: string, waiters: number): Bar[] => {
  const longestMs = 2 * waiters * 2
  return [
    { what: 'in use, %', case: id, bar: '≥ 95', digits: 1, measured: (of) => of.value(us, 'inUse'), met: atLeast(95) },
    { what: 'Jain', case: id, bar: '≥ 0.98', digits: 2, measured: (of) => of.value(us, 'jain'), met: atLeast(0.98) },
    {
      what: 'longest wait, ms',
      case: id,
      bar: `≤ ${String(longestMs)} (2 × waiters × section)`,
      digits: 0,
      measured: (of) => of.value(us, 'longestWait'),
      met: atMost(longestMs),
    },
  ]
}

const dead = (id: string): Bar[] => [
  {
    what: 'the others are served after, ms',
    case: id,
    bar: '≤ 3,000',
    digits: 0,
    measured: (of) => of.value(us, 'all'),
    met: atMost(3000),
  },
  { what: 'not served', case: id, bar: '0', digits: 0, measured: (of) => of.value(us, 'unserved'), met: atMost(0) },
]

const crossing = (id: string): Bar => ({
  what: 'hand-off across processes, p50, × floor',
  case: id,
  bar: '≤ 1.5',
  digits: 2,
  measured: (of) => of.times(us, 'floor-blpop', 'acrossP50'),
  met: atMost(1.5),
})

const memoryRate = (library: string, base: string, least: number): Bar => ({
  what: `${library}: rate, × ${base}`,
  case: 'M1',
  bar: `≥ ${String(least)}`,
  digits: 2,
  measured: (of) => 1 / of.times(library, base, 'ns'),
  met: atLeast(least),
})

const bars: readonly Bar[] = [
  memoryRate('holdfast-kept', 'async-lock', 0.5),
  memoryRate('holdfast-each', 'async-lock', 0.5),
  memoryRate('holdfast-kept', 'async-mutex', 4),
  memoryRate('holdfast-sync', 'async-lock', 1),
  {
    what: 'bytes left by an idle key',
    case: 'M2',
    bar: '0 (± 4: the heap as a whole is not steadier)',
    digits: 1,
    measured: (of) => of.value('holdfast-each', 'leftBytes'),
    met: atMost(4),
  },
  {
    what: 'ns a hand-off, × async-lock',
    case: 'M3',
    bar: '≤ 2',
    digits: 2,
    measured: (of) => of.times('holdfast-kept', 'async-lock', 'ns'),
    met: atMost(2),
  },
  {
    what: 'out of order',
    case: 'M3',
    bar: '0',
    digits: 0,
    measured: (of) => of.value('holdfast-kept', 'outOfOrder'),
    met: atMost(0),
  },
  {
    what: 'p50, × floor',
    case: 'R1',
    bar: '≤ 1.1',
    digits: 2,
    measured: (of) => of.times(us, 'floor-script', 'p50'),
    met: atMost(1.1),
  },
  {
    what: 'p50, × fastest peer',
    case: 'R1',
    bar: 'below 1',
    digits: 2,
    measured: (of) => overPeer(of, 'p50', 'low'),
    met: (value) => value < 1,
  },
  { what: 'commands sent', case: 'R1', bar: '2', digits: 2, measured: (of) => of.value(us, 'sent'), met: atMost(2.01) },
  {
    what: 'pairs/s, × best peer',
    case: 'R2',
    bar: '≥ 1.25',
    digits: 2,
    measured: (of) => overPeer(of, 'rate', 'high'),
    met: atLeast(1.25),
  },
  {
    what: 'acquisitions/s, × the better of best peer and floor',
    case: 'R3-8-0',
    bar: '≥ 5',
    digits: 2,
    measured: (of) => Math.min(overPeer(of, 'rate', 'high'), of.times(us, 'floor-blpop', 'rate')),
    met: atLeast(5),
  },
  {
    what: 'Jain',
    case: 'R3-8-0',
    bar: '≥ 0.98',
    digits: 2,
    measured: (of) => of.value(us, 'jain'),
    met: atLeast(0.98),
  },
  {
    what: 'commands sent for an acquisition',
    case: 'R3-8-0',
    bar: '≤ 0.6',
    digits: 2,
    measured: (of) => of.value(us, 'sent'),
    met: atMost(0.6),
  },
  {
    what: 'hand-overs/s, × floor',
    case: 'R3T-4-0',
    bar: '≥ 0.6',
    digits: 2,
    measured: (of) => of.times(us, 'floor-blpop', 'acrossRate'),
    met: atLeast(0.6),
  },
  crossing('R3T-2-0'),
  crossing('R3T-2-2'),
  crossing('R3T-2-10'),
  ...sharing('R3-8-2', 16),
  ...sharing('R3-64-2', 128),
  {
    what: 'commands while 200 wait',
    case: 'R4',
    bar: '≤ 20',
    digits: 0,
    measured: (of) => of.value(us, 'sent'),
    met: atMost(20),
  },
  {
    what: 'all 200 after, ms',
    case: 'R4',
    bar: '≤ 10',
    digits: 1,
    measured: (of) => of.value(us, 'drain'),
    met: atMost(10),
  },
  ...dead('R7-killed'),
  ...dead('R7-stopped'),
  ...featureBars,
]

/** A row for each bar that was measured. */
export function barsTable(results: Results): string {
  const lines = bars.flatMap((bar) => {
    const found = find(results, bar.case)
    if (found === undefined) return []
    const value = bar.measured(found, results)
    const faulty = found.result.rows.some(({ role, voided }) => role === 'ours' && voided !== undefined)
    const verdict = faulty ? 'void' : Number.isNaN(value) ? '**no figure**' : bar.met(value) ? 'yes' : '**no**'
    return [`| ${bar.case} | ${bar.what} | ${bar.bar} | ${format(value, bar.digits)} | ${verdict} |`]
  })
  return ['| table | figure of holdfast | bar | measured | met |', '| --- | --- | --- | ---: | --- |', ...lines].join(
    '\n',
  )
}

/** The cases of bars that were measured and not met. */
export function unmetCases(results: Results): Set<string> {
  const unmet = bars.filter((bar) => {
    const found = find(results, bar.case)
    return found !== undefined && !bar.met(bar.measured(found, results))
  })
  return new Set(unmet.map((bar) => bar.case))
}
