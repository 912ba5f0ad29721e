import type { Duration } from '../../core/duration.js'
import { InvalidOptionError } from '../../core/errors.js'
import { faultKinds } from './nemesis.js'
import type { FaultKind } from './nemesis.js'
import { runSeed } from './run.js'
import type { RunResult, RunSettings, Scenario, Values } from './run.js'
import { SimulationError } from './simulation-error.js'

export interface SimulationOptions {
  /** How many seeds to run, from 1 on; or the very seeds, to run one again that failed. Default 100. */
  readonly seeds?: number | readonly number[]
  /** How many processes work at the same time. Default 3. */
  readonly workers?: number
  /** How often each of them runs the scenario, one time after the other. Default 2. */
  readonly rounds?: number
  /** What may go wrong; `[]`: nothing but slowness. Default: everything, see {@link FaultKind}. */
  readonly faults?: readonly FaultKind[]
  /** Default `ttl` of the locks; it also decides how long the pauses are. Default 30 s. */
  readonly ttl?: Duration
  /** Looks at the values of the resources at the end of each seed, and throws if they are not what they should be. */
  readonly check?: (values: Values) => void
}

/** What was simulated, all seeds together. */
export interface SimulationReport {
  readonly seeds: number
  readonly grants: number
  readonly writes: number
  /** Rounds of workers that came to their end. */
  readonly finished: number
  /** Rounds that ended with an error of a lock, of the store, or of a check of tokens. */
  readonly gaveUp: number
  /** How often each kind of fault happened. */
  readonly faults: Readonly<Record<FaultKind, number>>
}

/**
 * Tests a critical section for stale writes: runs it many times by several simulated processes, each with a lock on the same
 * simulated store, while leases get lost, processes stop and the store restarts. Time is simulated, so that a thousand seeds
 * take seconds, and a seed always gives the same run, provided that the scenario takes time, chance and shared state from its
 * worker alone.
 *
 * A write is stale when it overwrites what its writer has not seen, or comes after another who has held the lock since.
 *
 * @example
 * await simulate(
 *   async ({ lock, resource, sleep }) => {
 *     const stock = resource('stock', 10)
 *     await lock('stock', { wait: '1m' }).run(async (lease) => {
 *       const left = await stock.read(lease.token)
 *       await sleep('50ms')
 *       await stock.write(left - 1, lease.token)
 *     })
 *   },
 *   { seeds: 1000 },
 * )
 * @throws SimulationError for a seed that fails: a stale write, an error of the scenario or of `check`; InvalidOptionError
 */
export async function simulate(scenario: Scenario, options: SimulationOptions = {}): Promise<SimulationReport> {
  const { seeds, kinds, settings } = parse(scenario, options)
  const total = { grants: 0, writes: 0, finished: 0, gaveUp: 0 }
  const faults = Object.fromEntries(faultKinds.map((kind) => [kind, 0])) as Record<FaultKind, number>
  for (const seed of seeds) {
    const result = await runSeed(seed, kinds, settings)
    if (failed(result)) throw await explained(seed, kinds, settings)
    total.grants += result.grants
    total.writes += result.writes
    total.finished += result.finished
    total.gaveUp += result.gaveUp
    for (const [kind, times] of result.faults) faults[kind] += times
  }
  if (total.writes === 0 && settings.check === undefined) throw nothingTested(seeds.length, total.grants)
  return { seeds: seeds.length, ...total, faults }
}

function failed({ staleWrite, thrown }: RunResult): boolean {
  return staleWrite !== undefined || thrown !== undefined
}

/** Runs the seed again, with as few kinds of faults as it takes to fail. */
async function explained(seed: number, kinds: readonly FaultKind[], settings: RunSettings): Promise<Error> {
  let needed = kinds
  let result = await runSeed(seed, needed, settings)
  if (!failed(result)) {
    return new Error(
      `Seed ${String(seed)} failed, and did not when it was run again: the scenario depends on something that is not ` +
        'simulated. Take chance from worker.random(), time from worker.sleep(), and shared state from worker.resource().',
    )
  }
  for (const kind of kinds) {
    const fewer = needed.filter((other) => other !== kind)
    const without = await runSeed(seed, fewer, settings)
    if (!failed(without) || (without.staleWrite === undefined) !== (result.staleWrite === undefined)) continue
    needed = fewer
    result = without
  }
  return new SimulationError(seed, needed, result)
}

function nothingTested(seeds: number, grants: number): Error {
  const acquired = grants === 0 ? 'never acquired a lock and ' : ''
  return new Error(
    `The scenario ${acquired}never wrote to a resource, in ${String(seeds)} seeds: nothing was tested. ` +
      'Let it write through worker.resource(), or give a check.',
  )
}

function parse(
  scenario: Scenario,
  { seeds = 100, workers = 3, rounds = 2, faults = faultKinds, ttl, check }: SimulationOptions,
): { seeds: readonly number[]; kinds: readonly FaultKind[]; settings: RunSettings } {
  const unknown = faults.find((kind) => !faultKinds.includes(kind))
  if (unknown !== undefined) {
    throw new InvalidOptionError(`There is no fault '${unknown}': there are ${faultKinds.join(', ')}.`)
  }
  const list = typeof seeds === 'number' ? Array.from({ length: count(seeds, 'seeds') }, (_, i) => i + 1) : seeds
  const wrong = list.find((seed) => !Number.isSafeInteger(seed))
  if (wrong !== undefined || list.length === 0) {
    throw new InvalidOptionError('seeds must be a number of seeds, or a list of whole numbers such as [4711].')
  }
  const kinds = faultKinds.filter((kind) => faults.includes(kind))
  const settings = { scenario, workers: count(workers, 'workers'), rounds: count(rounds, 'rounds'), ttl, check }
  return { seeds: list, kinds, settings }
}

function count(value: number, option: string): number {
  if (Number.isSafeInteger(value) && value > 0) return value
  throw new InvalidOptionError(`${option} is ${String(value)}: give a whole number, at least 1.`)
}
