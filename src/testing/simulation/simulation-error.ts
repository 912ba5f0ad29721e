import type { FaultKind } from './nemesis.js'
import { show } from './nemesis.js'
import type { RunResult, SimulationStep } from './run.js'
import type { StaleWrite } from './resource.js'

/** The end of a long story is what matters. */
const mostSteps = 60

/** A seed of a simulation failed. The message has the story of it, and says how to run it again. */
export class SimulationError extends Error {
  readonly seed: number
  /** The faults that it takes, others left out. */
  readonly faults: readonly FaultKind[]
  /** undefined: the scenario or its check threw, see `cause`. */
  readonly staleWrite: StaleWrite | undefined
  /** What happened, in order. */
  readonly steps: readonly SimulationStep[]

  constructor(seed: number, faults: readonly FaultKind[], { staleWrite, thrown, steps }: RunResult) {
    const again = `{ seeds: [${String(seed)}], faults: [${faults.map((kind) => `'${kind}'`).join(', ')}] }`
    const lines = [
      `Seed ${String(seed)}: ${staleWrite === undefined ? problem(thrown?.error) : staleText(staleWrite, faults)}`,
      `To run it again: simulate(scenario, ${again}), its other options as they were.`,
      ...story(steps),
    ]
    super(lines.join('\n'), thrown === undefined ? undefined : { cause: thrown.error })
    this.name = 'SimulationError'
    this.seed = seed
    this.faults = faults
    this.staleWrite = staleWrite
    this.steps = steps
  }
}

function staleText({ resource, worker, reason }: StaleWrite, faults: readonly FaultKind[]): string {
  const advice =
    faults.length === 0
      ? 'It takes no fault: is everything, the reads included, done and awaited while the lock is held?'
      : 'Call lease.assertActive() in front of each write; against a pause between the check and the write, and a store that forgets, only a check of lease.token helps.'
  return `a stale write to ${resource} by ${worker}: ${reason}. ${advice}`
}

function problem(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error)
}

function story(steps: readonly SimulationStep[]): string[] {
  const told = steps.slice(-mostSteps)
  const left = steps.length - told.length
  const widest = Math.max(...told.map(({ atMs }) => show(atMs).length), 0)
  const lines = told.map(({ atMs, who, what }) => `  ${show(atMs).padStart(widest)}  ${who.padEnd(10)} ${what}`)
  return left === 0 ? lines : [`  (${String(left)} steps before that)`, ...lines]
}
