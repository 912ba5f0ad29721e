/** Runs a scenario: repetitions interleaved and rotated (A B C, B C A, …), each measurement in fresh processes. */
import { join } from 'node:path'
import { libraries } from '../libraries.js'
import type { Library } from '../library.js'
import { type Child, launch } from './children.js'
import { machine } from './machine.js'
import { versionOf } from './packages.js'
import { type Attempt, caseResult, type CaseResult, rowOf, type ScenarioResult } from './results.js'
import type { Bench, Case, Scenario } from './scenario.js'
import { type BenchServer, startServer } from './server.js'
import { within } from './within.js'

const MEASUREMENT_LIMIT_MS = 60_000
/** A library that failed so often in a row of a table is left out of its further repetitions. */
const MOST_FAILURES = 2

export interface RunOptions {
  readonly worker: string
  readonly reps: number
  readonly quick: boolean
  /** Which libraries; floors always run. */
  readonly only: RegExp | undefined
  /** Which cases. */
  readonly cases: RegExp | undefined
  /** A folder for files of the measurements. */
  readonly scratch: string
  progress(line: string): void
}

export async function runScenario(scenario: Scenario, options: RunOptions): Promise<ScenarioResult> {
  const server = await startServer()
  const reps = Math.min(options.reps, scenario.mostReps ?? Number.POSITIVE_INFINITY)
  const cases: CaseResult[] = []
  try {
    for (const one of scenario.cases) {
      if (options.cases && !options.cases.test(one.id)) continue
      if (options.quick && one.slow === true) continue
      cases.push(await runCase(scenario, one, { ...options, reps, server }))
    }
  } finally {
    await server.stop()
  }
  const { id, title, about, columns } = scenario
  const where = machine(scenario.store === 'redis' ? server.version : undefined)
  return { id, title, about, columns, reps, quick: options.quick, at: new Date().toISOString(), machine: where, cases }
}

interface CaseOptions extends RunOptions {
  readonly server: BenchServer
}

async function runCase(scenario: Scenario, one: Case, options: CaseOptions): Promise<CaseResult> {
  const subjects = subjectsOf(scenario, one, options)
  const attempts = new Map<Library, Attempt[]>(subjects.map((library) => [library, []]))
  for (let rep = 0; rep < options.reps; rep++) {
    for (let turn = 0; turn < subjects.length; turn++) {
      const library = subjects[(turn + rep) % subjects.length]
      const before = library && attempts.get(library)
      if (library === undefined || before === undefined) continue
      const failures = before.filter(({ figures }) => figures === undefined)
      if (failures.length >= MOST_FAILURES) {
        before.push({ figures: undefined, note: failures[0]?.note ?? 'failed' })
        continue
      }
      options.progress(`${one.id}, ${String(rep + 1)} of ${String(options.reps)}: ${library.label}`)
      before.push(await attempt(library, one, options))
    }
  }
  const rows = [...attempts].map(([library, made]) =>
    rowOf(library, { attempts: made, columns: scenario.columns, version: versionOf(library.package) }),
  )
  return caseResult(one, rows)
}

function subjectsOf(scenario: Scenario, one: Case, { only, quick }: CaseOptions): Library[] {
  return libraries.filter((library) => {
    if (library.store !== scenario.store || !one.fits(library)) return false
    if (quick && only === undefined && !library.fits.includes('quick')) return false
    return only === undefined || library.role === 'floor' || only.test(library.label) || only.test(library.id)
  })
}

let made = 0

async function attempt(library: Library, one: Case, options: CaseOptions): Promise<Attempt> {
  const { server, worker, quick } = options
  const children: Child[] = []
  let over = false
  const bench: Bench = {
    library,
    quick,
    server,
    scratch: join(options.scratch, `counter-${String(++made)}`),
    async launch(waiters = 1) {
      const redisUrl = library.store === 'redis' ? server.url : ''
      const child = await launch({ worker, library, setting: { redisUrl, waiters } })
      children.push(child)
      if (over) await child.kill()
      return child
    },
  }
  try {
    await server.reset()
    return await within(one.measure(bench), MEASUREMENT_LIMIT_MS, library.label)
  } catch (error) {
    return { figures: undefined, note: (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '' }
  } finally {
    over = true
    await Promise.all(children.map((child) => child.kill()))
  }
}
