/** R3: several processes want one key. */
import { Counter } from '../child/counter.js'
import { nowNs, sleepUntil } from '../child/clock.js'
import type { Library } from '../library.js'
import type { Bench, Case, Column, Measured, Scenario } from '../harness/scenario.js'
import { between } from '../harness/server.js'
import { contentionFigures, crowdFaultsOf, faultsOf, turnsOf } from '../harness/turns.js'
import { terms } from './terms.js'

export interface Contest {
  readonly processes: number
  /** In each process. */
  readonly waiters: number
  readonly sectionMs: number
  readonly windowMs: number
  readonly randomSections?: boolean
  /** Permits of the key. Default: that of a lock. */
  readonly max?: number
}

/** Waiters of all processes loop over the same window of time; their turns are judged together. */
export async function contest(bench: Bench, one: Contest): Promise<Measured> {
  const { processes, waiters, sectionMs, randomSections = false, max } = one
  const asked = max === undefined ? terms : { ...terms, max }
  const windowMs = bench.quick ? Math.min(400, one.windowMs) : one.windowMs
  const children = await Promise.all(Array.from({ length: processes }, () => bench.launch(waiters)))
  await Promise.all(children.map((child) => child.call('warm', { pairs: 50, terms: asked })))
  const isCounted = max === undefined && (sectionMs > 0 || randomSections)
  const counter = new Counter(bench.scratch, 'new')
  const startNs = nowNs() + 100e6
  const endNs = startNs + windowMs * 1e6
  const shared = { key: 'key', terms: asked, waiters, sectionMs, randomSections, startNs, endNs, drainMs: 2500 }
  const counterPath = isCounted ? bench.scratch : undefined
  const looping = Promise.all(
    children.map((child, process) => child.call('contend', { ...shared, counterPath, process }, windowMs + 20_000)),
  )
  looping.catch(() => undefined) // awaited below
  await sleepUntil(startNs)
  const before = await bench.server.counts()
  await sleepUntil(endNs)
  const { executed, cpuUs } = between(before, await bench.server.counts())
  const results = await looping
  const increments = results.reduce((sum, result) => sum + result.increments, 0)
  const lost = isCounted ? increments - counter.read() : 0
  counter.close()
  const turns = turnsOf(results)
  const figures = contentionFigures(turns, results, { startNs, endNs, waiters, max })
  const acquisitions = figures['acquisitions'] ?? Number.NaN
  return {
    figures: { ...figures, executed: executed / acquisitions, redisCpu: cpuUs / acquisitions },
    faults: max === undefined ? faultsOf(turns, lost) : crowdFaultsOf(turns, max),
    note: results.map(({ lastError }) => lastError).find((error) => error !== undefined),
  }
}

const columns: Column[] = [
  { key: 'rate', title: 'acquisitions / s', digits: 0 },
  { key: 'acrossRate', title: 'across processes / s', digits: 0 },
  { key: 'withinP50', title: 'hand-off within p50 µs', digits: 1 },
  { key: 'withinP99', title: 'p99', digits: 0 },
  { key: 'acrossP50', title: 'hand-off across p50 µs', digits: 0 },
  { key: 'acrossP99', title: 'p99', digits: 0 },
  { key: 'inUse', title: 'in use %', digits: 1 },
  { key: 'jain', title: 'Jain', digits: 2 },
  { key: 'longestWait', title: 'longest wait ms', digits: 0, total: 'max' },
  { key: 'sent', title: 'sent', digits: 2 },
  { key: 'executed', title: 'executed', digits: 1 },
  { key: 'clientCpu', title: 'client CPU µs', digits: 0 },
  { key: 'redisCpu', title: 'Redis CPU µs', digits: 0 },
  { key: 'failed', title: 'failed', digits: 0, total: 'sum', rare: true },
  { key: 'stuck', title: 'stuck', digits: 0, total: 'sum', rare: true },
]

const about =
  'Each waiter loops acquire, section, release. A hand-off is the time from the call of a release to the acquisition by another waiter, in the same process or across. Commands and CPU are for each acquisition. Jain: 1 when every waiter had the same share. Stuck: waiters that did not end within 2.5 s after the window. Two holders at once, a token that did not grow, or an increment that the unprotected counter inside the section lost make a run void.'

const waits = ({ fits }: Library): boolean => fits.includes('wait')

function caseOf(id: string, contestants: Contest, rest: Partial<Case> = {}): Case {
  const { processes, waiters, sectionMs, randomSections = false } = contestants
  const section = randomSections ? 'random sections, unprotected counter' : `sections of ${String(sectionMs)} ms`
  return {
    id,
    title: `${String(processes)} processes × ${String(waiters)} ${waiters === 1 ? 'waiter' : 'waiters'}, ${section}`,
    fits: waits,
    primary: sectionMs === 0 ? 'rate' : 'inUse',
    better: 'high',
    floor: 'floor-blpop',
    measure: (bench) => contest(bench, contestants),
    ...rest,
  }
}

const windowMs = 2000

export const r3: Scenario = {
  id: 'R3',
  title: 'On Redis: one key, two processes',
  about,
  store: 'redis',
  columns,
  cases: [
    caseOf('R3-safety', { processes: 2, waiters: 8, sectionMs: 0, windowMs, randomSections: true }),
    caseOf('R3-8-0', { processes: 2, waiters: 8, sectionMs: 0, windowMs }),
    caseOf('R3-8-2', { processes: 2, waiters: 8, sectionMs: 2, windowMs }),
    caseOf('R3-64-0', { processes: 2, waiters: 64, sectionMs: 0, windowMs }, { slow: true }),
    caseOf('R3-64-2', { processes: 2, waiters: 64, sectionMs: 2, windowMs: 3000 }),
  ],
}

/** A process that has one waiter cannot pass the key on within itself: every hand-off crosses. */
function turnOf(id: string, processes: number, sectionMs: number, slow = false): Case {
  return caseOf(
    id,
    { processes, waiters: 1, sectionMs, windowMs: 1200 },
    {
      fits: ({ fits }) => fits.includes('first'),
      primary: sectionMs === 0 ? 'acrossRate' : 'acrossP50',
      better: sectionMs === 0 ? 'high' : 'low',
      slow,
    },
  )
}

export const r3turns: Scenario = {
  id: 'R3T',
  title: 'On Redis: strict turns, one waiter in each process',
  about:
    'As before, but every hand-off crosses from one process to another. With sections of 2 and 10 ms everybody is idle for that long before a hand-off, the floor as well: waking up from silence is slower, whatever the protocol.',
  store: 'redis',
  columns,
  cases: [
    turnOf('R3T-4-0', 4, 0),
    turnOf('R3T-2-0', 2, 0, true),
    turnOf('R3T-2-2', 2, 2),
    turnOf('R3T-2-10', 2, 10, true),
  ],
}
