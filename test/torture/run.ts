/** Runs every case on every library it is for, in fresh processes, several at a time. */
import { setMaxListeners } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { versionOf } from '../../bench/harness/packages.js'
import { bundle } from '../fleet/bundle.js'
import { libraries } from '../fleet/libraries.js'
import type { Feature, Library } from '../fleet/subject.js'
import { network } from './cases/network.js'
import { ownership } from './cases/ownership.js'
import { pools } from './cases/pools.js'
import { processes } from './cases/processes.js'
import { servers } from './cases/servers.js'
import { upkeep } from './cases/upkeep.js'
import { waiting } from './cases/waiting.js'
import { Lateness } from './lateness.js'
import { type Case, NotHere, Rig, type Verdict } from './rig.js'

export const cases: readonly Case[] = [
  ...network,
  ...servers,
  ...processes,
  ...ownership,
  ...waiting,
  ...pools,
  ...upkeep,
]

/** A library, with its entries for each place where its locks can stand. */
export interface Column {
  readonly name: string
  readonly version: string
  readonly entries: readonly Library[]
}

/** undefined: the case is not for this library; `reason` says why. */
export interface Result {
  readonly case: Case
  readonly column: Column
  readonly pass: boolean | undefined
  readonly reason: string
}

const LIMIT_MS = 25_000
/** Begins the reason of what could not be tried on this machine. */
export const NOT_HERE = 'not here: '
/** As much as the slack that every case has. */
const LATE_MS = 250
const MOST_TRIES = 3
const missing: Readonly<Record<Feature, string>> = {
  renewal: 'no renewal',
  token: 'no token',
  limit: 'no permits',
  permits: 'one permit each',
  cancel: 'no way to cancel',
  fair: 'promises no order',
  push: 'polls',
  once: 'no once',
  'hand-over': 'no way to hand over',
  cache: 'keeps no results',
}

export const columns: readonly Column[] = [...new Set(libraries.map((library) => library.package))].map((name) => ({
  name: name.replace('@verrou/core', 'verrou'),
  version: versionOf(name),
  entries: libraries.filter((library) => library.package === name),
}))

export interface RunOptions {
  readonly columns: readonly Column[]
  readonly cases: readonly Case[]
  /** How many at a time: most of them wait most of the time. */
  readonly atOnce: number
  readonly onResult?: (result: Result, left: number) => void
}

export async function runTorture(options: RunOptions): Promise<Result[]> {
  const programs = await bundle(['test/torture/process.ts'])
  const program = programs.pathOf('process')
  const results: Result[] = []
  setMaxListeners(10 * options.atOnce, process) // each server ends with this process
  const lateness = new Lateness()
  const means: Means = { program, lateness, alone: Promise.resolve() }
  const todo = options.cases.flatMap((one) => options.columns.map((column) => ({ one, column })))
  const work = async (): Promise<void> => {
    for (let next = todo.shift(); next !== undefined; next = todo.shift()) {
      const result = await tried(means, next.one, next.column)
      results.push(result)
      options.onResult?.(result, todo.length)
    }
  }
  try {
    await Promise.all(Array.from({ length: options.atOnce }, work))
  } finally {
    lateness.stop()
    programs.remove()
  }
  return results
}

interface Means {
  readonly program: string
  readonly lateness: Lateness
  /** What is tried again is tried alone. */
  alone: Promise<unknown>
}

/** A failure while the machine itself was late says nothing about a library: it is tried again, a few times. */
async function tried(means: Means, one: Case, column: Column): Promise<Result> {
  const { result, lateMs } = await attempt(means, one, column)
  if (result.pass !== false || lateMs < LATE_MS) return result
  console.log(`${one.id} · ${column.name}: ${result.reason}; but this machine was ${Math.round(lateMs)} ms late: again`)
  const again = means.alone.then(() => triedAgain(means, one, column))
  means.alone = again
  return again
}

async function triedAgain(means: Means, one: Case, column: Column): Promise<Result> {
  for (let tries = 2; ; tries++) {
    const { result, lateMs } = await attempt(means, one, column)
    if (result.pass !== false || lateMs < LATE_MS) return result
    if (tries === MOST_TRIES) return { ...result, pass: undefined, reason: tooLate(lateMs) }
  }
}

async function attempt(
  { program, lateness }: Means,
  one: Case,
  column: Column,
): Promise<{ result: Result; lateMs: number }> {
  const startMs = performance.now()
  const result = await triedOnce(program, one, column)
  return { result, lateMs: lateness.worstSince(startMs) }
}

const tooLate = (ms: number): string => `${NOT_HERE}this machine was ${Math.round(ms)} ms late`

async function triedOnce(program: string, one: Case, column: Column): Promise<Result> {
  const entry = one.stores.flatMap((store) => column.entries.filter((library) => library.store === store))[0]
  const shared = { case: one, column }
  if (entry === undefined) return { ...shared, pass: undefined, reason: `${one.stores.join(' or ')} only` }
  const lacks = one.needs?.find((feature) => !entry.features.includes(feature))
  if (lacks !== undefined) return { ...shared, pass: undefined, reason: missing[lacks] }
  return { ...shared, ...(await judged(program, one, entry)) }
}

async function judged(program: string, one: Case, library: Library): Promise<Verdict> {
  const rig = new Rig(program, library)
  try {
    await rig.open()
    const limitMs = one.limitMs ?? LIMIT_MS
    const running = one.run(rig)
    running.catch(() => undefined) // told below, unless its time was over first
    const late = sleep(limitMs, undefined, { ref: false })
    return (await Promise.race([running, late])) ?? { pass: false, reason: `no end in ${limitMs / 1000} s` }
  } catch (error) {
    if (error instanceof NotHere) return { pass: undefined, reason: `${NOT_HERE}${error.message}` }
    return { pass: false, reason: error instanceof Error ? error.message.slice(0, 90) : String(error) }
  } finally {
    await rig.close()
  }
}
