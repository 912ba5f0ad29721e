/** Chaos by the command line; see `--help`. Writes a report and a timeline, and fails when a promise was broken. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { libraryOf } from '../fleet/libraries.js'
import { shapes } from './plan.js'
import { problemsOf, reportOf } from './report.js'
import { type Run, runChaos } from './run.js'
import { timelineOf } from './timeline.js'

const usage = `Usage: npm run soak -- --chaos [options]
  --minutes N     how long there are faults, in each shape (default 30)
  --seconds N     the same, in seconds
  --shape X       ${shapes.join(', ')} or all (default all)
  --seed N        decides which faults come when (default: drawn, and printed)
  --library X     what is put through it (default holdfast)
  --clients N     processes (default 6)
  --out FOLDER    where reports and timelines go (default .cache/chaos)`

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    seconds: { type: 'string' },
    shape: { type: 'string', default: 'all' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1e6)) },
    library: { type: 'string', default: 'holdfast' },
    clients: { type: 'string', default: '6' },
    out: { type: 'string', default: join('.cache', 'chaos') },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) console.log(usage)
else await soak()

async function soak(): Promise<void> {
  const seconds = numberOf('seconds', values.seconds ?? String(numberOf('minutes', values.minutes) * 60))
  const seed = numberOf('seed', values.seed)
  const clients = numberOf('clients', values.clients)
  const { id } = libraryOf(values.library)
  const chosen = shapes.filter((shape) => values.shape === 'all' || values.shape === shape)
  if (chosen.length === 0) throw new Error(`There is no shape ${values.shape}.\n${usage}`)
  for (const shape of chosen) {
    console.log(`${id}, ${shape}, seed ${seed}, ${seconds} s, ${clients} processes`)
    const onProgress = (line: string): void => console.log(`  ${line}`)
    finish(await runChaos({ library: id, shape, seed, seconds, clients, onProgress }))
  }
}

function finish(run: Run): void {
  const { library, shape, seed } = run.options
  const name = join(values.out, `${library}-${shape}-${seed}`)
  const problems = problemsOf(run)
  const report = { ...reportOf(run), problems }
  mkdirSync(values.out, { recursive: true })
  writeFileSync(`${name}.json`, `${JSON.stringify(report, null, 2)}\n`)
  writeFileSync(`${name}.html`, timelineOf(run))
  const { faults, grants, overlaps, staleEffects } = report
  console.log(
    `  ${faults.all} faults, ${grants} grants, two at once ${overlaps.whileConditionsHeld}, stale effects ${staleEffects.all}`,
  )
  console.log(`  ${name}.json, ${name}.html`)
  for (const problem of problems) console.log(`  ✗ ${problem}`)
  if (problems.length > 0) process.exitCode = 1
}

function numberOf(option: string, text: string): number {
  const number = Number(text)
  if (!Number.isFinite(number) || number < 0) throw new Error(`--${option} is ${text}: give a number.\n${usage}`)
  return number
}
