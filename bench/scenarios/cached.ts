/** C1 to C4: functions whose results are kept. */
import type { Bench, Column, Measured, Scenario } from '../harness/scenario.js'

const hitColumns: Column[] = [
  { key: 'ns', title: 'ns / hit', digits: 0 },
  { key: 'rate', title: 'hits / s', digits: 0 },
]

async function measureHits({ quick, launch }: Bench, sync: boolean, batch: number): Promise<Measured> {
  const child = await launch()
  return { figures: await child.call('hits', { budgetMs: quick ? 200 : 1000, sync, batch }) }
}

export const c1: Scenario = {
  id: 'C1',
  title: 'Cached in memory: a hit, without promises',
  about:
    '1,000 keys in turn, each made of a number, with a ttl where there is one. The floor has no ttl, no bound and no order of use.',
  store: 'memory',
  columns: hitColumns,
  cases: [
    {
      id: 'C1',
      title: 'Sync',
      fits: ({ fits }) => fits.includes('syncHit'),
      primary: 'ns',
      better: 'low',
      floor: 'floor-map-sync',
      measure: (bench) => measureHits(bench, true, 1000),
    },
  ],
}

export const c2: Scenario = {
  id: 'C2',
  title: 'Cached in memory: a hit, awaited',
  about: '1,000 keys in turn, each made of a number; each hit is awaited before the next.',
  store: 'memory',
  columns: hitColumns,
  cases: [
    {
      id: 'C2',
      title: 'Async',
      fits: ({ fits }) => fits.includes('hit'),
      primary: 'rate',
      better: 'high',
      floor: 'floor-map',
      measure: (bench) => measureHits(bench, false, 500),
    },
  ],
}

export const c3: Scenario = {
  id: 'C3',
  title: 'Cached on Redis: a hit',
  about: '1,000 keys in turn, one caller. Sent: commands that the client sends for a hit.',
  store: 'redis',
  columns: [...hitColumns, { key: 'sent', title: 'sent', digits: 2 }],
  cases: [
    {
      id: 'C3',
      title: 'One caller',
      fits: ({ fits }) => fits.includes('hit'),
      primary: 'rate',
      better: 'high',
      floor: 'floor-get',
      measure: (bench) => measureHits(bench, false, 50),
    },
  ],
}

export const c4: Scenario = {
  id: 'C4',
  title: 'Cached on Redis: 100 misses at once in each of two processes',
  about:
    'All ask for one key that nobody has; to compute it takes 50 ms. Computed: how often that was done, in both together.',
  store: 'redis',
  columns: [
    { key: 'calls', title: 'computed', digits: 0, total: 'max' },
    { key: 'tookMs', title: 'ms until all had it', digits: 0 },
  ],
  cases: [
    {
      id: 'C4',
      title: 'Two processes',
      fits: ({ fits }) => fits.includes('hit'),
      primary: 'calls',
      better: 'low',
      floor: 'floor-get',
      async measure({ launch }) {
        const children = [await launch(), await launch()]
        const asked = { callers: 100, atMs: Date.now() + 200, name: `fresh-${Date.now()}` }
        const results = await Promise.all(children.map((child) => child.call('misses', asked)))
        const calls = results.reduce((sum, one) => sum + one.calls, 0)
        return { figures: { calls, tookMs: Math.max(...results.map(({ tookMs }) => tookMs)) } }
      },
    },
  ],
}
