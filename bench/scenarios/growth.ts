/** R6: what becomes of the cost as waiters and keys grow. */
import type { Case, Scenario } from '../harness/scenario.js'
import { between } from '../harness/server.js'
import { contest } from './contended.js'
import { terms } from './terms.js'

function waitersCase(waiters: number, slow = false): Case {
  return {
    id: `R6W-${String(waiters)}`,
    title: `2 processes × ${waiters.toLocaleString('en')} ${waiters === 1 ? 'waiter' : 'waiters'}`,
    fits: ({ fits }) => fits.includes('bulk'),
    primary: 'rate',
    better: 'high',
    floor: 'floor-blpop',
    slow,
    measure: (bench) => contest(bench, { processes: 2, waiters, sectionMs: 0, windowMs: 1500 }),
  }
}

export const r6waiters: Scenario = {
  id: 'R6W',
  title: 'On Redis: cost as waiters grow',
  about:
    'One key, sections of 0 ms, as in R3, with more and more waiters. Commands and CPU are for each acquisition. No floor: BLPOP would need a connection for each waiter.',
  store: 'redis',
  mostReps: 3,
  columns: [
    { key: 'rate', title: 'acquisitions / s', digits: 0 },
    { key: 'sent', title: 'sent', digits: 2 },
    { key: 'clientCpu', title: 'client CPU µs', digits: 1 },
    { key: 'redisCpu', title: 'Redis CPU µs', digits: 1 },
    { key: 'jain', title: 'Jain', digits: 2 },
    { key: 'longestWait', title: 'longest wait ms', digits: 0, total: 'max' },
    { key: 'stuck', title: 'stuck', digits: 0, total: 'sum', rare: true },
  ],
  cases: [waitersCase(1), waitersCase(10, true), waitersCase(100, true), waitersCase(1000)],
}

const LEAST_FOR_BYTES = 10_000

function keysCase(keys: number, slow = false): Case {
  return {
    id: `R6K-${String(keys)}`,
    title: `${keys.toLocaleString('en')} keys`,
    fits: ({ fits }) => fits.includes('keyed'),
    primary: 'rate',
    better: 'high',
    floor: 'floor-script',
    slow,
    async measure({ launch, server }) {
      const child = await launch()
      const args = { count: 64, keys, budgetMs: 5000, once: true, terms }
      // as many other keys first: compiled code, and room for so many, are not left by a key
      await child.call('callers', { ...args, kind: 'warm' })
      await server.reset()
      const before = await server.counts()
      const { leftBytes = Number.NaN, ...figures } = await child.call('callers', { ...args, kind: 'order' })
      const { memoryBytes } = between(before, await server.counts())
      const { pairs = Number.NaN } = figures
      const storeBytes = Math.max(0, memoryBytes) / pairs
      // the heap as a whole is not steadier than some 10 kB
      return { figures: { ...figures, storeBytes, ...(pairs >= LEAST_FOR_BYTES && { leftBytes }) } }
    },
  }
}

export const r6keys: Scenario = {
  id: 'R6K',
  title: 'On Redis: cost as keys grow',
  about:
    '64 callers in one process acquire and release each key once, within 5 s, after as many other keys. Bytes left for each key, right after its release: in the heap of the process after a garbage collection, and in Redis (holdfast keeps the last token of a key for an hour, so that it grows through expiry).',
  store: 'redis',
  mostReps: 3,
  columns: [
    { key: 'rate', title: 'pairs / s', digits: 0 },
    { key: 'p50', title: 'p50 µs', digits: 0 },
    { key: 'p99', title: 'p99 µs', digits: 0 },
    { key: 'sent', title: 'sent', digits: 2 },
    { key: 'leftBytes', title: 'bytes left in the heap', digits: 1 },
    { key: 'storeBytes', title: 'in Redis', digits: 0 },
    { key: 'pairs', title: 'keys done', digits: 0 },
  ],
  cases: [keysCase(1000), keysCase(10_000, true), keysCase(100_000, true)],
}
