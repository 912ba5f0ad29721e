/** R1, R2: on Redis, nobody waits. */
import type { Scenario } from '../harness/scenario.js'
import { measurePairs, pairColumns } from './pairs.js'
import { between } from '../harness/server.js'
import { terms } from './terms.js'

export const r1: Scenario = {
  id: 'R1',
  title: 'On Redis: acquire and release, nobody else wants the key',
  about:
    'One caller, one key. Sent: commands that the client sends for a pair; executed: those that Redis runs for it, within scripts too.',
  store: 'redis',
  columns: pairColumns(['sent', 'executed']),
  cases: [
    {
      id: 'R1',
      title: 'One caller',
      fits: ({ fits }) => fits.includes('pair'),
      primary: 'p50',
      better: 'low',
      floor: 'floor-script',
      measure: (bench) => measurePairs(bench, terms),
    },
  ],
}

export const r2: Scenario = {
  id: 'R2',
  title: 'On Redis: 64 callers on 64 keys in one process',
  about: 'Each caller has a key of its own. Reads: how often Redis had to read from a socket for a pair.',
  store: 'redis',
  columns: [
    { key: 'rate', title: 'pairs / s', digits: 0 },
    { key: 'p50', title: 'p50 µs', digits: 0 },
    { key: 'p99', title: 'p99 µs', digits: 0 },
    { key: 'sent', title: 'sent', digits: 2 },
    { key: 'reads', title: 'reads', digits: 2 },
    { key: 'clientCpu', title: 'client CPU µs', digits: 1 },
    { key: 'redisCpu', title: 'Redis CPU µs', digits: 1 },
  ],
  cases: [
    {
      id: 'R2',
      title: '64 callers',
      fits: ({ fits }) => fits.includes('pair'),
      primary: 'rate',
      better: 'high',
      floor: 'floor-script',
      async measure({ quick, launch, server }) {
        const child = await launch()
        const args = { count: 64, keys: 64, kind: 'order', once: false, terms }
        // the first call warms up
        await child.call('callers', { ...args, budgetMs: quick ? 100 : 400 })
        const before = await server.counts()
        const figures = await child.call('callers', { ...args, budgetMs: quick ? 300 : 1500 })
        const { cpuUs, reads } = between(before, await server.counts())
        const pairs = figures['pairs'] ?? Number.NaN
        return { figures: { ...figures, reads: reads / pairs, redisCpu: cpuUs / pairs } }
      },
    },
  ],
}
