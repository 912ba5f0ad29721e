/** Real servers, processes and faults, a minute in all. The long form: `npm run soak -- --chaos`. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { shapes } from './plan.js'
import { problemsOf, reportOf } from './report.js'
import { runChaos } from './run.js'
import { timelineOf } from './timeline.js'

const SECONDS = 20
const CLIENTS = 5
/** Another seed each day: HOLDFAST_CHAOS_SEED repeats one. */
const seed = Number(process.env['HOLDFAST_CHAOS_SEED'] ?? Math.floor(Date.now() / 86_400_000))

describe('holdfast in chaos', () => {
  test.each(shapes.redis)('keeps its promises on a Redis that is %s', { timeout: 600_000 }, async (shape) => {
    const run = await runChaos({ library: 'holdfast', shape, seed, seconds: SECONDS, clients: CLIENTS })
    const problems = problemsOf(run)
    if (problems.length > 0) {
      mkdirSync('.cache/chaos', { recursive: true })
      writeFileSync(`.cache/chaos/test-${shape}-${seed}.html`, timelineOf(run))
    }
    expect(problems, `seed ${seed}; a timeline stands in .cache/chaos`).toEqual([])
    const { faults, grants, effects, notPossibleHere } = reportOf(run)
    expect(faults.all).toBeGreaterThan(20)
    expect([grants > 50, effects > 100]).toEqual([true, true]) // a run that does nothing breaks no promise
    if (Object.keys(notPossibleHere).length > 0) console.log(`not tried: ${JSON.stringify(notPossibleHere)}`)
  })
})
