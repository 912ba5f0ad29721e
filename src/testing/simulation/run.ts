import type { Duration } from '../../core/duration.js'
import { HoldfastError } from '../../core/errors.js'
import type { ErrorCode } from '../../core/errors.js'
import { virtualEnv } from '../virtual-env.js'
import { Nemesis } from './nemesis.js'
import type { FaultKind } from './nemesis.js'
import { Records } from './records.js'
import type { Resource, StaleWrite } from './resource.js'
import { WorkerProcess } from './worker.js'
import type { SimulatedWorker } from './worker.js'

/** What each worker does, once in each of its rounds. */
export type Scenario = (worker: SimulatedWorker) => Promise<unknown>

/** The values of the resources, by name. */
export type Values = Readonly<Record<string, unknown>>

export interface RunSettings {
  readonly scenario: Scenario
  readonly workers: number
  readonly rounds: number
  readonly ttl: Duration | undefined
  readonly check: ((values: Values) => void) | undefined
}

/** One line of the story of a run. */
export interface SimulationStep {
  /** Milliseconds since the start of the run. */
  readonly atMs: number
  /** 'worker 1', or 'the store'. */
  readonly who: string
  readonly what: string
}

export interface RunResult {
  readonly grants: number
  readonly writes: number
  /** Rounds that came to their end, and those that a lock or the store ended with an error. */
  readonly finished: number
  readonly gaveUp: number
  readonly faults: ReadonlyMap<FaultKind, number>
  readonly steps: readonly SimulationStep[]
  readonly staleWrite: StaleWrite | undefined
  /** What the scenario or its check threw, in a box: anything can be thrown. */
  readonly thrown: { readonly error: unknown } | undefined
}

/** Everybody has long finished by then: no lease is longer, and faults are few. */
const longestRunMs = 24 * 3_600_000
/** For what was not awaited. */
const aftermathMs = 60_000

/** What a lock, a store or a check of tokens may well answer when things go wrong; all else is an error of the program. */
const expected: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  ...(['LOCKED', 'LOCK_TIMEOUT', 'POOL_FULL', 'STORE_FAILED', 'STALE_TOKEN'] as const),
  ...(['LOCK_LOST', 'LOCK_EXPIRED', 'LOCK_REVOKED', 'LOCK_RELEASED'] as const),
])

/** Lets the workers work once, with the faults of this seed. The same seed and kinds give the same run. */
export async function runSeed(seed: number, kinds: readonly FaultKind[], settings: RunSettings): Promise<RunResult> {
  const run = new Run(seed, kinds, settings)
  await run.untilDone()
  return await run.end()
}

class Run {
  readonly #settings: RunSettings
  readonly #time = virtualEnv()
  readonly #startMs = this.#time.nowMs()
  readonly #records = new Records(this.#time)
  readonly #resources = new Map<string, Resource>()
  readonly #steps: SimulationStep[] = []
  readonly #counts = { grants: 0, writes: 0 }
  readonly #nemesis: Nemesis
  readonly #processes: readonly WorkerProcess[]
  #working: number
  #finished = 0
  #gaveUp = 0
  #staleWrite: StaleWrite | undefined = undefined
  #thrown: { readonly error: unknown } | undefined = undefined

  constructor(seed: number, kinds: readonly FaultKind[], settings: RunSettings) {
    this.#settings = settings
    this.#working = settings.workers
    const tell = (who: string, what: string): void => {
      if (!this.#over) this.#steps.push({ atMs: this.#time.nowMs() - this.#startMs, who, what })
    }
    this.#nemesis = new Nemesis(seed, kinds, { time: this.#time, records: this.#records, tell })
    const site = {
      ...{ seed, ttl: settings.ttl, tell, time: this.#time, records: this.#records, nemesis: this.#nemesis },
      ...{ resources: this.#resources, counts: this.#counts },
      stale: (write: StaleWrite): void => {
        this.#staleWrite ??= write
      },
    }
    this.#processes = Array.from({ length: settings.workers }, (_, index) => new WorkerProcess(site, index))
    for (const process of this.#processes) void this.#work(process, tell)
  }

  async untilDone(): Promise<void> {
    const ended = await this.#time.advanceUntil(() => this.#over || this.#working === 0, longestRunMs)
    if (!ended) {
      const unfinished = `${String(this.#working)} of ${String(this.#settings.workers)} workers`
      this.#throw(
        new Error(
          `${unfinished} did not finish within a simulated day. Does the scenario wait for something that is not ` +
            'simulated (a real timer, a file, a socket)? Use worker.sleep() and worker.resource() in its place.',
        ),
      )
    }
    if (this.#over) return
    await this.#time.advance(aftermathMs)
    this.#check()
  }

  async end(): Promise<RunResult> {
    let closed = false
    const closing = Promise.all(this.#processes.map((process) => process.close())).then(() => (closed = true))
    await this.#time.advanceUntil(() => closed, longestRunMs)
    await closing
    this.#records.close()
    return {
      ...this.#counts,
      finished: this.#finished,
      gaveUp: this.#gaveUp,
      faults: this.#nemesis.struck,
      steps: this.#steps,
      staleWrite: this.#staleWrite,
      thrown: this.#thrown,
    }
  }

  get #over(): boolean {
    return this.#staleWrite !== undefined || this.#thrown !== undefined
  }

  async #work(process: WorkerProcess, tell: (who: string, what: string) => void): Promise<void> {
    try {
      for (let round = 1; round <= this.#settings.rounds; round += 1) {
        await process.pause(1)
        try {
          await this.#settings.scenario(process.round(round))
          this.#finished += 1
        } catch (error) {
          if (!(error instanceof HoldfastError && expected.has(error.code))) throw error
          this.#gaveUp += 1
          tell(process.name, `gives up: ${error.code}`)
        }
      }
    } catch (error) {
      this.#throw(error)
    } finally {
      this.#working -= 1
    }
  }

  #check(): void {
    if (this.#over) return
    try {
      this.#settings.check?.(Object.fromEntries([...this.#resources].map(([name, { value }]) => [name, value])))
    } catch (error) {
      this.#throw(error)
    }
  }

  #throw(error: unknown): void {
    this.#thrown ??= { error }
  }
}
