/** Real servers, processes and faults, a minute in all. The long form: `npm run soak -- --chaos`. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { shapes } from './plan.js'
import { problemsOf, reportOf } from './report.js'
import { runChaos } from './run.js'
import { timelineOf } from './timeline.js'

const CLIENTS = 5
const runs = [
  ...shapes.redis.map((shape) => ({ library: 'holdfast', shape, seconds: 20 })),
  { library: 'holdfast-memory', shape: 'memory', seconds: 10 } as const,
]
/** Another seed each day: HOLDFAST_CHAOS_SEED repeats one. */
const seed = Number(process.env['HOLDFAST_CHAOS_SEED'] ?? Math.floor(Date.now() / 86_400_000))

describe('in chaos', () => {
  test.each(runs)('$library keeps its promises: $shape', { timeout: 600_000 }, async ({ library, shape, seconds }) => {
    const run = await runChaos({ library, shape, seed, seconds, clients: CLIENTS })
    const problems = problemsOf(run)
    if (problems.length > 0) {
      mkdirSync('.cache/chaos', { recursive: true })
      writeFileSync(`.cache/chaos/test-${shape}-${seed}.html`, timelineOf(run))
    }
    expect(problems, `seed ${seed}; a timeline stands in .cache/chaos`).toEqual([])
    const { faults, grants, effects, cached, notPossibleHere } = reportOf(run)
    expect(faults.all).toBeGreaterThan(seconds)
    const caches = shape !== 'memory'
    expect([grants > 50, effects > 100, cached.given > 20]).toEqual([true, true, caches]) // a run that does nothing breaks no promise
    if (Object.keys(notPossibleHere).length > 0) console.log(`not tried: ${JSON.stringify(notPossibleHere)}`)
  })
})
