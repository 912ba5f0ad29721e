/** Chaos by the command line; see `--help`. Writes a report and a timeline, and fails when a promise was broken. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { libraryOf } from '../fleet/libraries.js'
import { shapes } from './plan.js'
import { problemsOf, reportOf } from './report.js'
import { type Run, runChaos } from './run.js'
import { timelineOf } from './timeline.js'

/** One for each store that there is. */
const ours = ['holdfast', 'holdfast-memory']

/** A history stays in memory until it is judged. */
const ROUND_SECONDS = 600

const usage = `Usage: npm run soak -- --chaos [options]
  --minutes N     how long there are faults, in each shape of each store (default 30)
  --seconds N     the same, in seconds
  --shape X       ${Object.values(shapes).flat().join(', ')} or all (default all)
                  (after each ${ROUND_SECONDS / 60} all is healed and looked at; the next seed goes on)
  --seed N        decides which faults come when (default: drawn, and printed)
  --library X     what is put through it (default ${ours.join(' and ')}: every store)
  --clients N     processes (default 6)
  --out FOLDER    where reports and timelines go (default .cache/chaos)`

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    seconds: { type: 'string' },
    shape: { type: 'string', default: 'all' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1e6)) },
    library: { type: 'string' },
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
  const ids = values.library === undefined ? ours : [values.library]
  const runs = ids.flatMap((library) =>
    shapes[libraryOf(library).store]
      .filter((shape) => values.shape === 'all' || values.shape === shape)
      .map((shape) => ({ library, shape })),
  )
  if (runs.length === 0) throw new Error(`There is no shape ${values.shape} for ${ids.join(' or ')}.\n${usage}`)
  for (const { library, shape } of runs) {
    for (let done = 0, round = seed; done < seconds; done += ROUND_SECONDS, round++) {
      const length = Math.min(ROUND_SECONDS, seconds - done)
      console.log(`${library}, ${shape}, seed ${round}, ${length} s, ${clients} processes`)
      const onProgress = (line: string): void => console.log(`  ${line}`)
      finish(await runChaos({ library, shape, seed: round, seconds: length, clients, onProgress }))
    }
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
