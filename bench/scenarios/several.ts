/** X1: on Redis, several keys at once, which nobody else wants. */
import type { Case, Scenario } from '../harness/scenario.js'
import { between } from '../harness/server.js'
import { terms } from './terms.js'

function caseOf(keys: number): Case {
  return {
    id: `X1-${String(keys)}`,
    title: `${String(keys)} keys`,
    fits: ({ fits }) => fits.includes('several'),
    primary: 'p50',
    better: 'low',
    floor: 'floor-several',
    async measure({ quick, launch, server }) {
      const child = await launch()
      const asked = { ...terms, keys }
      await child.call('warm', { pairs: quick ? 300 : 2000, terms: asked })
      const before = await server.counts()
      const figures = await child.call('pairs', { budgetMs: quick ? 300 : 1500, most: 100_000, terms: asked })
      const { executed, cpuUs, reads } = between(before, await server.counts())
      const pairs = figures['pairs'] ?? Number.NaN
      return { figures: { ...figures, reads: reads / pairs, executed: executed / pairs, redisCpu: cpuUs / pairs } }
    },
  }
}

export const x1: Scenario = {
  id: 'X1',
  title: 'On Redis: several keys at once',
  about:
    'One caller takes all of them or none, and gives them back; nobody else wants them. Sent: commands that the client sends, those for all releases in one tick; reads: how often Redis had to read from a socket for a pair; executed: commands that it runs, within scripts too. The floor keeps no tokens.',
  store: 'redis',
  columns: [
    { key: 'p50', title: 'p50 µs', digits: 1 },
    { key: 'p99', title: 'p99 µs', digits: 0 },
    { key: 'acquireP50', title: 'acquire p50 µs', digits: 1 },
    { key: 'rate', title: 'pairs / s', digits: 0 },
    { key: 'sentToAcquire', title: 'sent to acquire', digits: 2 },
    { key: 'sent', title: 'sent', digits: 2 },
    { key: 'reads', title: 'reads', digits: 2 },
    { key: 'executed', title: 'executed', digits: 2 },
    { key: 'clientCpu', title: 'client CPU µs', digits: 0 },
    { key: 'redisCpu', title: 'Redis CPU µs', digits: 1 },
  ],
  cases: [caseOf(3), caseOf(10)],
}
