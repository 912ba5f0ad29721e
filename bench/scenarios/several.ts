/** X1: on Redis, several keys at once, which nobody else wants. */
import type { Case, Scenario } from '../harness/scenario.js'
import { measurePairs, pairColumns } from './pairs.js'
import { terms } from './terms.js'

function caseOf(keys: number): Case {
  return {
    id: `X1-${String(keys)}`,
    title: `${String(keys)} keys`,
    fits: ({ fits }) => fits.includes('several'),
    primary: 'p50',
    better: 'low',
    floor: 'floor-several',
    measure: (bench) => measurePairs(bench, { ...terms, keys }),
  }
}

export const x1: Scenario = {
  id: 'X1',
  title: 'On Redis: several keys at once',
  about:
    'One caller takes all of them or none, and gives them back; nobody else wants them. Sent: commands that the client sends, those for all releases in one tick; reads: how often Redis had to read from a socket for a pair; executed: commands that it runs, within scripts too. The floor keeps no tokens.',
  store: 'redis',
  columns: pairColumns(['sentToAcquire', 'sent', 'reads', 'executed']),
  cases: [caseOf(3), caseOf(10)],
}
