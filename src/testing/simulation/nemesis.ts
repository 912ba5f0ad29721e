import { seededRandom } from '../seeded-random.js'
import type { Fault, FaultPlan } from '../faulty.js'
import type { VirtualEnv } from '../virtual-env.js'
import type { ProcessEnv } from './process-env.js'
import type { Records } from './records.js'

/**
 * What goes wrong in a simulation.
 * - `pause`: a process stops for up to three times its lease, as by a garbage collection or a suspended machine, wherever it waits;
 * - `late-write`: it stops between its last check and the effect of a write;
 * - `lost-lease`: the store forgets who holds a key, as by an eviction;
 * - `store-restart`: the store forgets everything, and is away for a moment;
 * - `silent-store`: requests and answers get lost for a while.
 */
export type FaultKind = 'pause' | 'late-write' | 'lost-lease' | 'store-restart' | 'silent-store'

export const faultKinds: readonly FaultKind[] = ['pause', 'late-write', 'lost-lease', 'store-restart', 'silent-store']

/** Before anybody asked for a lease. */
const leastTtlMs = 1000
/** Enough for two faults to meet; an end to them lets everybody finish. */
const mostOfAKind = 2

export interface Surroundings {
  readonly time: VirtualEnv
  readonly records: Records
  /** One line of the report. */
  tell(who: string, what: string): void
}

interface Source {
  readonly random: () => number
  readonly rate: number
  left: number
}

/** Decides what goes wrong, and when. Each kind draws from numbers of its own, so that without one the others stay as they are. */
export class Nemesis {
  readonly struck: Map<FaultKind, number> = new Map<FaultKind, number>()
  readonly #around: Surroundings
  readonly #sources = new Map<FaultKind, Source>()
  readonly #network: () => number
  #silentUntilMs = 0

  constructor(seed: number, kinds: readonly FaultKind[], around: Surroundings) {
    this.#around = around
    this.#network = streamOf(seed, faultKinds.length)
    for (const kind of kinds) {
      const random = streamOf(seed, faultKinds.indexOf(kind))
      const rate = random() < 0.3 ? 0 : 0.03 + 0.3 * random()
      this.#sources.set(kind, { random, rate, left: mostOfAKind })
    }
  }

  /** While a worker waits for something. */
  between(process: ProcessEnv, name: string): void {
    const { records } = this.#around
    this.#strike('pause', (random) => this.#stop(process, name, random))
    this.#strike('lost-lease', (random) => {
      const { keys } = records.list('', 1000)
      const key = keys[Math.floor(random() * keys.length)]
      if (key === undefined || !records.forget(key)) return false
      this.#around.tell('the store', `forgets who holds '${key}'`)
      return true
    })
    this.#strike('store-restart', (random) => {
      records.restart()
      this.#around.tell('the store', 'restarts, and knows nothing any more')
      this.#silence(200 + 800 * random())
      return true
    })
    this.#strike('silent-store', (random) => {
      const ms = this.#part(random, 0.2, 1.5)
      this.#around.tell('the store', `does not answer for ${show(ms)}`)
      this.#silence(ms)
      return true
    })
  }

  /** Between the last check and the effect. */
  beforeWrite(process: ProcessEnv, name: string): void {
    this.#strike('late-write', (random) => this.#stop(process, name, random))
  }

  /** What the network does to the calls of the store. */
  readonly plan: FaultPlan = ({ operation }): Fault | undefined => {
    if (operation === 'close') return undefined // the client's own affair
    const random = this.#network
    const delayMs = 1 + 2 * random()
    const replyDelayMs = 1 + 2 * random()
    const lost = random()
    if (this.#around.time.nowMs() >= this.#silentUntilMs) return { delayMs, replyDelayMs }
    const told = lost < 0.5 ? { rejectAfterMs: 50 } : {}
    return random() < 0.5 ? { request: 'lost', ...told } : { delayMs, reply: 'lost', ...told }
  }

  #strike(kind: FaultKind, happen: (random: () => number) => boolean): void {
    const source = this.#sources.get(kind)
    if (source === undefined || source.left === 0 || source.random() >= source.rate) return
    if (!happen(source.random)) return
    source.left -= 1
    this.struck.set(kind, (this.struck.get(kind) ?? 0) + 1)
  }

  #stop(process: ProcessEnv, name: string, random: () => number): boolean {
    const ms = this.#part(random, 0.2, 3)
    this.#around.tell(name, `is stopped for ${show(ms)}`)
    process.stop(ms)
    return true
  }

  /** For a while no call comes through; then, as a new connection does, it says so. */
  #silence(ms: number): void {
    const { time, records } = this.#around
    const untilMs = time.nowMs() + ms
    if (untilMs <= this.#silentUntilMs) return
    this.#silentUntilMs = untilMs
    time.setTimer(() => records.resync(), ms, false)
  }

  /** A time that is to a lease as `least` to `most`, at random. */
  #part(random: () => number, least: number, most: number): number {
    const ttlMs = Math.max(this.#around.records.longestTtlMs, leastTtlMs)
    return Math.round(ttlMs * (least + (most - least) * random()))
  }
}

/** Independent numbers for each purpose of a seed. */
export function streamOf(seed: number, purpose: number): () => number {
  const random = seededRandom(Math.imul(seed, 0x9e3779b1) ^ Math.imul(purpose + 1, 0x85ebca6b))
  random() // near seeds begin alike
  return random
}

export function show(ms: number): string {
  return `${Math.round(ms).toLocaleString('en')} ms`
}
