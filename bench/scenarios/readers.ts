/** RW: readers share a key, and a writer wants it now and then. */
import { nowNs, sleepUntil } from '../child/clock.js'
import type { ContendArgs, Contended } from '../child/contend.js'
import type { Child } from '../harness/children.js'
import type { Bench, Case, Column, Measured, Scenario } from '../harness/scenario.js'
import { contentionFigures, mostInside, type Turn, turnsOf } from '../harness/turns.js'
import { terms } from './terms.js'

const readMs = 10
const writeMs = 2
const pauseMs = 100

/** The readers sit in two processes, the writer in a third. */
async function measureReaders(bench: Bench, readers: number): Promise<Measured> {
  const windowMs = bench.quick ? 500 : 2000
  const seats = readers === 1 ? [1] : [readers / 2, readers / 2]
  const children = await Promise.all([...seats, 1].map((waiters) => bench.launch(waiters)))
  await Promise.all(children.map((child) => child.call('warm', { pairs: 50, terms })))
  const startNs = nowNs() + 100e6
  const endNs = startNs + windowMs * 1e6
  const orderOf = (process: number): ContendArgs => {
    const isWriter = process === seats.length
    const shared = { key: 'key', startNs, endNs, process, randomSections: false, counterPath: undefined, drainMs: 2500 }
    return isWriter
      ? { ...shared, terms: { ...terms, as: 'writer' }, waiters: 1, sectionMs: writeMs, pauseMs }
      : { ...shared, terms: { ...terms, as: 'reader' }, waiters: seats[process] ?? 1, sectionMs: readMs }
  }
  const contending = async (child: Child, process: number): Promise<Contended> =>
    child.call('contend', orderOf(process), windowMs + 20_000)
  const looping = Promise.all(children.map(contending))
  looping.catch(() => undefined) // awaited below
  await sleepUntil(endNs)
  const results = await looping
  const reads = contentionFigures(turnsOf(results.slice(0, -1)), results.slice(0, -1), {
    startNs,
    endNs,
    waiters: readers / seats.length,
  })
  const writes = contentionFigures(turnsOf(results.slice(-1)), results.slice(-1), { startNs, endNs, waiters: 1 })
  return {
    figures: {
      rate: reads['rate'] ?? Number.NaN,
      mostInside: reads['mostInside'] ?? Number.NaN,
      jain: reads['jain'] ?? Number.NaN,
      longestWait: reads['longestWait'] ?? Number.NaN,
      sent: reads['sent'] ?? Number.NaN,
      writes: writes['rate'] ?? Number.NaN,
      longestWrite: writes['longestWait'] ?? Number.NaN,
      failed: (reads['failed'] ?? 0) + (writes['failed'] ?? 0),
    },
    faults: writersWithOthers(turnsOf(results.slice(-1)), turnsOf(results.slice(0, -1))),
    note: results.map(({ lastError }) => lastError).find((error) => error !== undefined),
  }
}

/** A writer has the key to itself. */
function writersWithOthers(writes: readonly Turn[], reads: readonly Turn[]): string[] {
  const overlaps = writes.filter((write) => {
    const meanwhile = reads.filter((r) => r.acquiredNs < write.releasedNs && write.acquiredNs < r.releasedNs)
    return meanwhile.length > 0
  })
  const together = mostInside(writes)
  return [
    ...(overlaps.length > 0 ? [`${String(overlaps.length)} writes while others read`] : []),
    ...(together > 1 ? [`${String(together)} writers at once`] : []),
  ]
}

const columns: Column[] = [
  { key: 'rate', title: 'reads / s', digits: 0 },
  { key: 'mostInside', title: 'readers at once', digits: 0, total: 'max' },
  { key: 'jain', title: 'Jain', digits: 2 },
  { key: 'longestWait', title: 'a reader waited at most ms', digits: 0, total: 'max' },
  { key: 'writes', title: 'writes / s', digits: 1 },
  { key: 'longestWrite', title: 'the writer at most ms', digits: 0, total: 'max' },
  { key: 'sent', title: 'sent for a read', digits: 2 },
  { key: 'failed', title: 'failed', digits: 0, total: 'sum', rare: true },
]

function caseOf(readers: number): Case {
  return {
    id: `RW-${String(readers)}`,
    title: `${String(readers)} ${readers === 1 ? 'reader' : 'readers'} and a writer`,
    fits: ({ fits }) => fits.includes('rw'),
    primary: 'rate',
    better: 'high',
    floor: 'floor-blpop',
    measure: (bench) => measureReaders(bench, readers),
  }
}

export const rw: Scenario = {
  id: 'RW',
  title: 'On Redis: readers and a writer',
  about: `Readers in two processes loop with sections of ${String(readMs)} ms; a writer in a third one takes the key for ${String(writeMs)} ms and rests for ${String(pauseMs)} ms. The floor knows no readers: one token for all. A write while anybody else was inside makes a run void.`,
  store: 'redis',
  columns,
  cases: [caseOf(1), caseOf(8), caseOf(64)],
}
