/** R7: a process among the waiters dies, or stands still. */
import { setTimeout as sleep } from 'node:timers/promises'
import { nowNs } from '../child/clock.js'
import { Counter } from '../child/counter.js'
import type { Bench, Case, Measured, Scenario } from '../harness/scenario.js'
import { largest, smallest } from '../harness/stats.js'
import { faultsOf, turnsOf } from '../harness/turns.js'
import { terms } from './terms.js'

const WAITERS = 8
/** Longer than any lease here. */
const LIMIT_MS = 12_000

async function deadWaiter({ launch, scratch }: Bench, end: 'killed' | 'stopped'): Promise<Measured> {
  const [holder, victim, survivor] = await Promise.all([launch(), launch(WAITERS), launch(WAITERS)])
  await Promise.all([holder, victim, survivor].map((child) => child.call('warm', { pairs: 50, terms })))
  const counter = new Counter(scratch, 'new')
  const token = await holder.call('hold', { key: 'key', terms })
  const queue = { key: 'key', terms, waiters: WAITERS, startNs: 0, markNs: 0, limitMs: LIMIT_MS, counterPath: scratch }
  // the victim comes first in the queue
  victim.call('queueUp', { ...queue, process: 1 }).catch(() => undefined)
  await sleep(150)
  const queued = survivor.call('queueUp', { ...queue, process: 2 }, LIMIT_MS + 5000)
  queued.catch(() => undefined) // awaited below
  await sleep(150)
  if (end === 'killed') await victim.kill()
  else victim.stop()
  await sleep(100)
  const freedNs = await holder.call('free', { atNs: nowNs() })
  const result = await queued
  const turns = turnsOf([result])
  const lost = turns.length - counter.read()
  counter.close()
  const shrunk = turns.some((turn) => turn.token <= token) ? ['a token below that of the holder before'] : []
  const served = turns.length > 0
  return {
    figures: {
      first: served ? (smallest(turns.map(({ acquiredNs }) => acquiredNs)) - freedNs) / 1e6 : Number.NaN,
      all: turns.length === WAITERS ? (largest(turns.map(({ releasedNs }) => releasedNs)) - freedNs) / 1e6 : Number.NaN,
      unserved: WAITERS - turns.length,
      again: served ? await holder.call('probe', { key: 'key', terms: { ...terms, waitMs: 5000 } }) : Number.NaN,
    },
    faults: [...faultsOf(turns, lost), ...shrunk],
  }
}

function caseOf(id: string, title: string, end: 'killed' | 'stopped'): Case {
  return {
    id,
    title,
    fits: ({ fits }) => fits.includes('wait'),
    primary: 'all',
    better: 'low',
    floor: 'floor-blpop',
    measure: (bench) => deadWaiter(bench, end),
  }
}

export const r7: Scenario = {
  id: 'R7',
  title: 'On Redis: a process among the waiters dies',
  about:
    'A process with 8 waiters stands first in line, one with 8 more behind it; the first is ended, and 100 ms later the holder releases. Time from that release until the first and until all 8 of the other process have held (1 ms each), and for one more acquisition after them. Unserved: within 12 s. The unprotected counter must show exactly those that were served.',
  store: 'redis',
  mostReps: 3,
  columns: [
    { key: 'first', title: 'first after ms', digits: 1 },
    { key: 'all', title: 'all after ms', digits: 1 },
    { key: 'again', title: 'then once more ms', digits: 1 },
    { key: 'unserved', title: 'unserved', digits: 0, total: 'sum' },
  ],
  cases: [
    caseOf('R7-killed', 'Killed (SIGKILL)', 'killed'),
    caseOf('R7-stopped', 'Frozen (SIGSTOP), and never heard of again', 'stopped'),
  ],
}
