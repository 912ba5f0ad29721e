// Runs the simulator of test/simulation on all cores. `node scripts/simulate.mjs --seeds 100000`, `--explain SEED`.
// `--features`: worlds of `cached`, `once` and holds that change hands. `--report FILE`; `--keep FOLDER`: in parts, so that a long run can be ended and goes on where it was.
import { fork } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { build } from 'esbuild'
import { main, run } from './run.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const CHUNK = 256
/** With `--keep`, so many seeds make a report of their own. */
const RANGE = 20_000
/** For one order of that many worlds: a second, on a machine that has nothing else to do. */
const LIMIT_MS = 900_000
/** The same while a planted bug is looked for, which may be one that never ends. */
const SHORT_LIMIT_MS = 45_000

/** Marks that count no fault. */
const NO_FAULTS = new Set([
  'grants',
  'waits',
  'tries',
  'contended',
  'refused',
  'histories',
  'history calls',
  'several active',
  'pairs',
  ...['cached calls', 'cached failures', 'cached timeouts', 'computed', 'computed alone', 'resets'],
  ...['once ran', 'once skipped', 'exported', 'adopted', 'adopted too late'],
])

/** Each kind of fault has to have happened at least this often per 100,000 seeds. */
const LEAST_PER_FAULT = 2000
const FAULTS = [
  ...['pause', 'suspend', 'crash', 'wall-jump', 'cut', 'black-hole', 'lost-requests', 'lost-replies', 'slow-link'],
  ...['lost-notices', 'restart-empty', 'restart-with-data', 'clock-step', 'error-replies', 'server-stall', 'failover'],
  ...['split-brain', 'script-flush', 'flush-all', 'eviction', 'force-release', 'abort', 'duplicate', 'histories'],
  ...['stale write refused', 'lost'],
]
/** The same of worlds of `cached`, `once` and holds that change hands. */
const FEATURE_MARKS = [
  'cached calls',
  'computed',
  'computed alone',
  'resets',
  'once ran',
  'once skipped',
  'adopted',
  'adopted too late',
]
/** Their seeds begin behind this one: `featureSeeds` of test/simulation/options.ts. */
export const FEATURE_SEEDS = 1_000_000_000
/** Share of the acquisitions that had to wait for another. */
const LEAST_CONTENTION = 0.2

/** The program behind `npm run simulate` and `npm run soak -- --sim`. */
export async function simulate(args) {
  const { values } = parseArgs({
    args,
    options: {
      seeds: { type: 'string', default: '100000' },
      first: { type: 'string', default: '1' },
      report: { type: 'string' },
      keep: { type: 'string' },
      explain: { type: 'string' },
      marks: { type: 'boolean', default: false },
      features: { type: 'boolean', default: false },
    },
  })
  const bundle = await bundleSimulator('.cache/simulation/main.mjs')
  if (values.explain !== undefined) {
    await run(process.execPath, [bundle, 'explain', values.explain])
    return
  }
  const { features } = values
  const order = { first: Number(values.first) + (features ? FEATURE_SEEDS : 0), count: Number(values.seeds) }
  const report = await (values.keep === undefined
    ? runSeeds(bundle, order, progress())
    : runRanges(bundle, order, values.keep))
  if (values.report !== undefined) save(values.report, report)
  tell(report)
  const missed = values.marks ? missedMarks(report, features) : []
  if (missed.length > 0) throw new Error(`Too little happened: ${missed.join(', ')}`)
}

/** The simulator and what it tests as one file; `edit` may change the text of a file on the way: (path, text) => text. */
export async function bundleSimulator(outfile, edit = (path, text) => text) {
  const edited = {
    name: 'edit',
    setup: ({ onLoad }) =>
      onLoad({ filter: /\.ts$/ }, ({ path }) => ({
        contents: edit(path.slice(root.length).replaceAll('\\', '/'), readFileSync(path, 'utf8')),
        loader: 'ts',
      })),
  }
  const path = resolve(root, outfile)
  await build({
    entryPoints: [resolve(root, 'test/simulation/main.ts')],
    outfile: path,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'error',
    plugins: [edited],
  })
  return path
}

/** Runs seeds in as many processes as there are cores. `stopAtFirst` ends early; `onProgress` hears of each chunk. */
export async function runSeeds(
  bundle,
  { first, count, stopAtFirst = false, processes = availableParallelism() },
  onProgress,
) {
  const start = performance.now()
  const report = { first, seeds: 0, seconds: 0, events: 0, hash: 0, failures: [], marks: {} }
  let next = first
  const end = first + count
  const take = () => {
    if (next >= end || (stopAtFirst && report.failures.length > 0)) return undefined
    const most = stopAtFirst ? Math.min(Math.max(Math.ceil((next - first) / 4), 16), CHUNK) : CHUNK
    const order = { first: next, count: Math.min(most, end - next) }
    next += order.count
    return order
  }
  const add = (answer) => {
    report.seeds += answer.count
    report.events += answer.events
    report.hash ^= answer.hash
    report.failures.push(...answer.failures)
    for (const [mark, times] of answer.marks) report.marks[mark] = (report.marks[mark] ?? 0) + times
    report.seconds = (performance.now() - start) / 1000
    onProgress?.(report, count)
  }
  await Promise.all(Array.from({ length: processes }, () => serveOrders(bundle, { take, add, quiet: stopAtFirst })))
  report.failures.sort((a, b) => a.seed - b.seed)
  report.marks = Object.fromEntries(Object.entries(report.marks).sort())
  return report
}

/** The same in parts, each of which leaves a report in `folder`: a run that was ended goes on after the last of them. */
async function runRanges(bundle, { first, count }, folder) {
  const all = { first, seeds: 0, seconds: 0, events: 0, hash: 0, failures: [], marks: {} }
  for (let from = first; from < first + count; from += RANGE) {
    const path = join(folder, `${from}.json`)
    const order = { first: from, count: Math.min(RANGE, first + count - from) }
    if (!existsSync(path)) save(path, await runSeeds(bundle, order, progress()))
    const { seeds, seconds, events, hash, failures, marks } = JSON.parse(readFileSync(path, 'utf8'))
    all.seeds += seeds
    all.seconds += seconds
    all.events += events
    all.hash ^= hash
    all.failures.push(...failures)
    for (const [mark, times] of Object.entries(marks)) all.marks[mark] = (all.marks[mark] ?? 0) + times
  }
  return all
}

/** One process: sends it orders until there are none. A process that dies says which order it died of. */
function serveOrders(bundle, { take, add, quiet }) {
  return new Promise((done, fail) => {
    const child = fork(bundle, ['serve'], {
      execArgv: ['--max-old-space-size=600', '--max-semi-space-size=16'],
      stdio: ['ignore', 'inherit', quiet ? 'ignore' : 'inherit', 'ipc'],
    })
    let order
    let timer
    const next = () => {
      order = take()
      clearTimeout(timer)
      if (order === undefined) child.disconnect()
      else {
        timer = setTimeout(() => child.kill('SIGKILL'), quiet ? SHORT_LIMIT_MS : LIMIT_MS)
        child.send(order)
      }
    }
    child.on('message', (answer) => {
      add(answer)
      next()
    })
    child.once('error', fail)
    child.once('exit', (code) => {
      clearTimeout(timer)
      if (order !== undefined && quiet) {
        const detail = 'a world takes all memory, or all time'
        add({
          ...order,
          events: 0,
          hash: 0,
          marks: [],
          failures: [{ seed: order.first, checker: 'does not end', detail }],
        })
        done()
      } else if (order === undefined) done()
      else
        fail(
          new Error(
            `The simulator ended (code ${code}) among seeds ${order.first} to ${order.first + order.count - 1}`,
          ),
        )
    })
    next()
  })
}

/** What a run that may count has to have met; the list of what it has not. */
function missedMarks({ seeds, marks }, features) {
  const least = (LEAST_PER_FAULT * seeds) / 100_000
  const missed = (features ? FEATURE_MARKS : FAULTS)
    .filter((kind) => (marks[kind] ?? 0) < least)
    .map((kind) => `${kind}: ${marks[kind] ?? 0}`)
  const contention = (marks.contended ?? 0) / (marks.grants ?? 1)
  return contention < LEAST_CONTENTION ? [...missed, `contention: ${contention.toFixed(2)}`] : missed
}

/** A line now and then, rewritten where there is a terminal. */
function progress() {
  let told = 0
  return ({ seeds, seconds, marks, failures }, count) => {
    if (seconds - told < (process.stdout.isTTY ? 1 : 15) && seeds < count) return
    told = seconds
    const rate = seeds / seconds
    const left = Math.round((count - seeds) / rate)
    const line = `${seeds} of ${count} seeds, ${faultsOf(marks)} faults, ${marks.grants ?? 0} grants, ${Math.round(rate)} seeds/s, ${failures.length} failed, ${left} s left`
    process.stdout.write(process.stdout.isTTY ? `\r${line}   ` : `${line}\n`)
  }
}

function faultsOf(marks) {
  let sum = 0
  for (const [mark, count] of Object.entries(marks)) if (!NO_FAULTS.has(mark) && !mark.startsWith('ended')) sum += count
  return sum
}

function save(path, report) {
  mkdirSync(dirname(resolve(path)), { recursive: true })
  writeFileSync(path, `${JSON.stringify(report, undefined, 2)}\n`)
}

function tell({ seeds, seconds, events, failures, marks }) {
  console.log(
    `\n${seeds} seeds in ${seconds.toFixed(0)} s, ${events} events, ${marks.grants ?? 0} grants, ${failures.length} failed`,
  )
  for (const { seed, checker, detail } of failures.slice(0, 20)) console.log(`seed ${seed}: ${checker}: ${detail}`)
  if (failures.length === 0) return
  throw new Error(`To see one: node scripts/simulate.mjs --explain ${failures[0].seed}`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await main(() => simulate(process.argv.slice(2)))
  process.exit() // others may still be running their orders, if one has failed
}
