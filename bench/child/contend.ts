/** Waiters that loop acquire → section → release on one key until a point in time; each turn is written down. */
import { setImmediate as immediate } from 'node:timers/promises'
import { nowNs, sleep, sleepUntil } from './clock.js'
import { Counter } from './counter.js'
import { released } from './pairs.js'
import { commandsSent } from './wire.js'
import type { Instance, Terms } from '../library.js'

export interface ContendArgs {
  readonly key: string
  readonly terms: Terms
  readonly process: number
  readonly waiters: number
  readonly sectionMs: number
  readonly startNs: number
  readonly endNs: number
  /** How long waiters may take to come to an end after `endNs`. */
  readonly drainMs: number
  /** A counter that each section reads at its start and writes at its end; undefined: none. */
  readonly counterPath: string | undefined
  /** Sections of random length, 0 to 2 ms, or a turn of the loop. */
  readonly randomSections: boolean
  /** How long each rests after its release. Default: not at all. */
  readonly pauseMs?: number
}

/** One turn is five numbers: asked, acquired, released (ns), waiter, token (NaN: none). */
export const TURN = 5

export interface Contended {
  readonly turns: Float64Array
  readonly clientCpuUs: number
  readonly sent: number
  readonly failed: number
  readonly lastError: string | undefined
  readonly increments: number
  /** The longest wait of those that had no turn yet at the end. */
  readonly pendingMs: number
  readonly stuck: number
}

export async function contend(instance: Instance, args: ContendArgs): Promise<Contended> {
  const state = new State(args)
  await sleepUntil(args.startNs)
  const cpuBefore = process.cpuUsage()
  const sentBefore = commandsSent()
  let ended = 0
  const loops = Array.from({ length: args.waiters }, (_, waiter) => loop(instance, waiter, state).then(() => ended++))
  const all = Promise.all(loops)
  all.catch(() => undefined) // awaited below
  await sleepUntil(args.endNs)
  const cpu = process.cpuUsage(cpuBefore)
  const sent = commandsSent() - sentBefore
  const pendingMs = Math.max(0, ...state.asking.map((askedNs) => (askedNs === 0 ? 0 : (args.endNs - askedNs) / 1e6)))
  await Promise.race([all, sleep(args.drainMs)])
  return {
    turns: Float64Array.from(state.turns),
    clientCpuUs: cpu.user + cpu.system,
    sent,
    failed: state.failed,
    lastError: state.lastError,
    increments: state.increments,
    pendingMs,
    stuck: args.waiters - ended,
  }
}

class State {
  readonly turns: number[] = []
  /** When each waiter asked for what it has not got yet; 0: it waits for nothing. */
  readonly asking: number[]
  readonly counter: Counter | undefined
  failed = 0
  increments = 0
  lastError: string | undefined

  readonly args: ContendArgs

  constructor(args: ContendArgs) {
    this.args = args
    this.asking = new Array<number>(args.waiters).fill(0)
    this.counter = args.counterPath === undefined ? undefined : new Counter(args.counterPath, 'existing')
  }

  failure(error: unknown): void {
    this.failed++
    this.lastError = error instanceof Error ? error.message : String(error)
  }
}

async function loop(instance: Instance, waiter: number, state: State): Promise<void> {
  const { args, asking, turns } = state
  for (let i = 0; i < 10_000_000; i++) {
    const askedNs = nowNs()
    if (askedNs >= args.endNs) return
    asking[waiter] = askedNs
    let held: unknown
    try {
      held = await instance.acquire(args.key, args.terms)
    } catch (error) {
      state.failure(error)
      await sleep(1)
      continue
    }
    const acquiredNs = nowNs()
    asking[waiter] = 0
    if (acquiredNs < args.endNs) {
      const inside = section(state)
      if (inside !== undefined) await inside
    }
    const releasedNs = nowNs()
    turns.push(askedNs, acquiredNs, releasedNs, args.process * 10_000 + waiter, instance.token?.(held) ?? Number.NaN)
    await released(instance.release(held)).catch((error: unknown) => state.failure(error))
    if (args.pauseMs !== undefined) await sleep(args.pauseMs)
  }
}

/** undefined: it took no time. */
function section(state: State): Promise<void> | undefined {
  const { sectionMs, randomSections } = state.args
  if (sectionMs === 0 && !randomSections) return undefined
  return (async () => {
    const before = state.counter?.read() ?? 0
    if (!randomSections) await sleep(sectionMs)
    else if (Math.random() < 0.5) await immediate()
    else await sleep(Math.random() * 2)
    state.counter?.write(before + 1)
    state.increments++
  })()
}
