import { expect, test } from 'vitest'
import { runWorlds, seeds } from '../simulation/batch.js'

/** For mutants that the other tests do not find: as many worlds as a second has room for. */
test('the simulator finds nothing in 150 worlds', { timeout: 60_000 }, async () => {
  Error.stackTraceLimit = 0 // thousands of errors are made in each world, and nobody reads their stacks
  const failed: unknown[] = []
  await runWorlds(seeds(1, 150), (outcome) => {
    if (outcome.violation !== undefined) failed.push({ seed: outcome.seed, ...outcome.violation })
  })
  expect(failed).toEqual([])
})
