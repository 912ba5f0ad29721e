/** R4: 200 waiters in one process on a key that another process holds. */
import { nowNs, sleepUntil } from '../child/clock.js'
import type { Bench, Measured, Scenario } from '../harness/scenario.js'
import { between } from '../harness/server.js'
import { largest, smallest } from '../harness/stats.js'
import { faultsOf, turnsOf } from '../harness/turns.js'
import { terms } from './terms.js'

const WAITERS = 200
const HOLD_MS = 3000
/** Counts are read a little before the release. */
const MARK_MS = 10
const DRAIN_LIMIT_MS = 8000

async function longHold({ quick, launch, server }: Bench): Promise<Measured> {
  const holdMs = quick ? 1000 : HOLD_MS
  const holder = await launch()
  const waiting = await launch(WAITERS)
  await Promise.all([holder, waiting].map((child) => child.call('warm', { pairs: 50, terms })))
  const token = await holder.call('hold', { key: 'key', terms })
  const startNs = nowNs() + 50e6
  const freeNs = startNs + holdMs * 1e6
  const markNs = freeNs - MARK_MS * 1e6
  const before = await server.counts()
  const queue = { key: 'key', terms, waiters: WAITERS, process: 1, startNs, markNs, counterPath: undefined }
  const queued = waiting.call('queueUp', { ...queue, limitMs: DRAIN_LIMIT_MS }, holdMs + DRAIN_LIMIT_MS + 5000)
  const freed = holder.call('free', { atNs: freeNs }, holdMs + 5000)
  queued.catch(() => undefined) // both are awaited below
  freed.catch(() => undefined)
  await sleepUntil(markNs)
  const { executed, cpuUs } = between(before, await server.counts())
  const freedNs = await freed
  const result = await queued
  const turns = turnsOf([result])
  const early = turns.filter(({ acquiredNs }) => acquiredNs < freedNs).length
  const shrunk = turns.some((turn) => turn.token <= token) ? ['a token below that of the holder before'] : []
  return {
    figures: {
      sent: result.sent,
      executed,
      clientCpu: result.clientCpuMs,
      redisCpu: cpuUs / 1e3,
      first: (smallest(turns.map(({ acquiredNs }) => acquiredNs)) - freedNs) / 1e3,
      drain:
        turns.length === WAITERS ? (largest(turns.map(({ releasedNs }) => releasedNs)) - freedNs) / 1e6 : Number.NaN,
      unserved: WAITERS - turns.length,
    },
    faults: [...faultsOf(turns, 0), ...shrunk, ...(early > 0 ? [`${String(early)} overlaps`] : [])],
  }
}

export const r4: Scenario = {
  id: 'R4',
  title: 'On Redis: 200 waiters in one process, the key is held elsewhere for 3 s',
  about:
    'Commands and CPU while all wait, from queueing up until just before the release; then the time from the call of the release until the first of them holds, and until the last of them has held. Unserved: not served within 8 s after the release.',
  store: 'redis',
  mostReps: 3,
  columns: [
    { key: 'sent', title: 'commands sent', digits: 0 },
    { key: 'executed', title: 'executed', digits: 0 },
    { key: 'clientCpu', title: 'client CPU ms', digits: 0 },
    { key: 'redisCpu', title: 'Redis CPU ms', digits: 0 },
    { key: 'first', title: 'first after µs', digits: 0 },
    { key: 'drain', title: 'all after ms', digits: 1 },
    { key: 'unserved', title: 'unserved', digits: 0, total: 'max' },
  ],
  cases: [
    {
      id: 'R4',
      title: '200 waiters',
      fits: ({ fits }) => fits.includes('wait'),
      primary: 'sent',
      better: 'low',
      floor: 'floor-blpop',
      measure: longHold,
    },
  ],
}
