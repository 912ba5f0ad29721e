/** What was set out to be shown of all that is more than a mutex. */
import { atLeast, atMost, type Bar, us } from './bar.js'
import { find } from './find.js'

const growing = (id: string, times: number): Bar => ({
  what: 'reads/s, × those of one reader',
  case: id,
  bar: `≥ ${String(times)}`,
  digits: 1,
  measured: (of, results) => of.value(us, 'rate') / (find(results, 'RW-1')?.value(us, 'rate') ?? Number.NaN),
  met: atLeast(times),
})

const hitsOver = (peer: string): Bar => ({
  what: `hits/s in memory, awaited, × ${peer}`,
  case: 'C2',
  bar: '≥ 20',
  digits: 1,
  measured: (of) => of.times('cached-async', peer, 'rate'),
  met: atLeast(20),
})

const oneRoundTrip = (id: string): Bar => ({
  what: 'commands sent to acquire all',
  case: id,
  bar: '1',
  digits: 2,
  measured: (of) => of.value(us, 'sentToAcquire'),
  met: atMost(1.01),
})

export const featureBars: readonly Bar[] = [
  {
    what: 'permits in use, %',
    case: 'P1',
    bar: '≥ 95',
    digits: 1,
    measured: (of) => of.value(us, 'inUse'),
    met: atLeast(95),
  },
  {
    what: 'commands sent for an acquisition',
    case: 'P1',
    bar: '≤ 2',
    digits: 2,
    measured: (of) => of.value(us, 'sent'),
    met: atMost(2),
  },
  { what: 'Jain', case: 'P1', bar: '≥ 0.98', digits: 2, measured: (of) => of.value(us, 'jain'), met: atLeast(0.98) },
  {
    what: 'longest wait, × floor',
    case: 'P1',
    bar: '≤ 2',
    digits: 2,
    measured: (of) => of.times(us, 'floor-blpop', 'longestWait'),
    met: atMost(2),
  },
  {
    what: 'at once, at most',
    case: 'P1',
    bar: '10',
    digits: 0,
    measured: (of) => of.value(us, 'mostInside'),
    met: atMost(10),
  },
  growing('RW-8', 4),
  growing('RW-64', 32),
  oneRoundTrip('X1-3'),
  oneRoundTrip('X1-10'),
  {
    what: 'a sync hit in memory, × a look-up in a Map',
    case: 'C1',
    bar: '≤ 2',
    digits: 2,
    measured: (of) => of.times('cached-sync', 'floor-map-sync', 'ns'),
    met: atMost(2),
  },
  hitsOver('bentocache-memory'),
  hitsOver('cache-manager'),
  {
    what: 'commands sent for a hit',
    case: 'C3',
    bar: '1',
    digits: 2,
    measured: (of) => of.value('cached-redis', 'sent'),
    met: atMost(1.01),
  },
  {
    what: 'computed for 200 who miss',
    case: 'C4',
    bar: '1',
    digits: 0,
    measured: (of) => of.value('cached-redis', 'calls'),
    met: atMost(1),
  },
]
