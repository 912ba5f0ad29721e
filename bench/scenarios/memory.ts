/** M1, M2, M3: in one process. */
import type { Column, Scenario } from '../harness/scenario.js'

const handOff: Column[] = [
  { key: 'ns', title: 'ns / hand-off', digits: 0 },
  { key: 'queueNs', title: 'ns to queue up', digits: 0 },
  { key: 'outOfOrder', title: 'out of order', digits: 0, total: 'sum' },
]

export const m1: Scenario = {
  id: 'M1',
  title: 'In memory: acquire and release, nobody else wants the key',
  about: 'One caller, one key. Time of a pair, as the median of batches of 500.',
  store: 'memory',
  columns: [
    { key: 'ns', title: 'ns / pair', digits: 0 },
    { key: 'rate', title: 'pairs / s', digits: 0 },
  ],
  cases: [
    {
      id: 'M1',
      title: 'One key',
      fits: ({ fits }) => fits.includes('pair'),
      primary: 'ns',
      better: 'low',
      floor: 'floor-memory',
      async measure({ library, quick, launch }) {
        const child = await launch()
        const sync = library.fits.includes('sync')
        const { ns } = await child.call('memoryPairs', { budgetMs: quick ? 200 : 1000, sync })
        return { figures: { ns, rate: 1e9 / ns } }
      },
    },
  ],
}

export const m2: Scenario = {
  id: 'M2',
  title: 'In memory: many keys',
  about:
    '100,000 keys are held at once and released, then acquired and released one after another; 100,000 others went the same way before. Bytes by heap and external memory after a garbage collection: for each held key, left by each once all are released, and left after the pairs as well.',
  store: 'memory',
  columns: [
    { key: 'keys', title: 'keys', digits: 0 },
    { key: 'rate', title: 'pairs / s', digits: 0 },
    { key: 'heldBytes', title: 'bytes / held key', digits: 0 },
    { key: 'leftBytes', title: 'bytes left / key', digits: 1 },
    { key: 'endBytes', title: 'at the end', digits: 1 },
  ],
  cases: [
    {
      id: 'M2',
      title: '100,000 keys',
      fits: ({ fits }) => fits.includes('keyed'),
      primary: 'rate',
      better: 'high',
      floor: 'floor-memory',
      async measure({ library, quick, launch }) {
        const child = await launch()
        const sync = library.fits.includes('sync')
        return { figures: await child.call('manyKeys', { keys: 100_000, budgetMs: quick ? 200 : 800, sync }) }
      },
    },
  ],
}

export const m3: Scenario = {
  id: 'M3',
  title: 'In memory: 1,000 waiters on one key',
  about:
    'All queue up while the key is held; then it is released, and each waiter releases as soon as it holds. Before that, a round that is not timed looks for two holders at once and for tokens that do not grow.',
  store: 'memory',
  columns: handOff,
  cases: [
    {
      id: 'M3',
      title: '1,000 waiters',
      fits: ({ fits }) => fits.includes('wait'),
      primary: 'ns',
      better: 'low',
      floor: 'floor-memory',
      async measure({ quick, launch }) {
        const child = await launch()
        const budgetMs = quick ? 200 : 1000
        const terms = { ttlMs: 600_000, waitMs: 600_000 }
        const { overlaps, shrunk, ...figures } = await child.call('drain', { waiters: 1000, budgetMs, terms })
        const faults = [
          ...(overlaps > 0 ? [`${String(overlaps)} overlaps`] : []),
          ...(shrunk > 0 ? [`${String(shrunk)} tokens that did not grow`] : []),
        ]
        return { figures, faults }
      },
    },
  ],
}
