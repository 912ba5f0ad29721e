import { runChaos } from './run.js'
import type { Shape } from './plan.js'
const [library = 'holdfast', shape = 'persistent', seconds = '8', seed = '1'] = process.argv.slice(2)
const run = await runChaos({
  library,
  shape: shape as Shape,
  seed: Number(seed),
  seconds: Number(seconds),
  clients: 6,
  onProgress: console.log,
})
const { history, verdict, ...rest } = run
console.dir(
  {
    ...rest,
    faults: rest.faults.length,
    holds: history.holds.length,
    acts: history.acts,
    refused: history.refused,
    failed: history.failed,
    missed: history.missed,
    unhandled: history.unhandled,
    told: history.toldLateMs,
    verdict,
    counters: history.counters,
  },
  { depth: 6, maxArrayLength: 10 },
)
