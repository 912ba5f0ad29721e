/**
 * The world outside: clocks, timers, randomness, identity. This is the only module of the core that touches the real
 * ones; everything else takes an {@link Env}, so that a virtual clock can drive the whole library.
 */
import { randomBytes } from 'node:crypto'
import { hostname, uptime } from 'node:os'
import { type Task, Timers } from './timers.js'

/** A timer that was set and not yet cleared. */
export interface Timer {
  /** Stops the timer. Harmless when it has fired already. */
  clear(): void
}

/** How a timer treats the process: `true` keeps it alive until the timer fires or is cleared. */
export type KeepAlive = boolean

export interface Env {
  /** Monotonic clock in milliseconds, with fractions. Stands still while the machine is suspended. */
  nowMs(): number
  /** Wall clock in milliseconds since 1970. May jump. */
  wallMs(): number
  /** Time since boot in milliseconds, suspend included. Coarse (10 ms) and slow to read (5 µs against 0.05 µs). */
  bootMs(): number
  /** @internal How the clocks stood to each other when the slow one was read last; `markOf` keeps it. */
  offsets?: Offsets
  /** Performs `task` once, `delayMs` from now. Delays above 2^31 - 1 ms are kept, not cut to 1 ms as by `setTimeout`. */
  setTimer(task: Task, delayMs: number, keepAlive: KeepAlive): Timer
  /** Calls `run` once, after I/O had its turn. */
  setImmediate(run: () => void): void
  /** Blocks the thread. */
  sleepSync(ms: number): void
  /** A number from 0 (included) to 1 (excluded). */
  random(): number
  /** 128 random bits as 22 characters of base64url. */
  randomId(): string
  /** Name of this machine, for `inspect()`. */
  readonly host: string
  /** Id of this process, for `inspect()`. */
  readonly pid: number
}

/** A point in time on all three clocks, from which elapsed time is counted. */
export interface Mark {
  readonly nowMs: number
  readonly wallMs: number
  /** How far the time since boot is ahead of `nowMs`. */
  readonly bootAheadMs: number
}

/** How far the wall clock and the time since boot are ahead of the monotonic clock. */
interface Offsets {
  readonly wallMs: number
  /** Whole: a number with a fraction takes 16 bytes more, in each held lock. */
  readonly bootMs: number
}

/** The wall clock counts whole milliseconds: within this much it and the monotonic clock agree. */
const agreeMs = 2
/** The time since boot comes in steps of this much, which must not look like a suspend. */
const bootStepMs = 10

/**
 * Remembers this moment. Only suspend moves the time since boot against the monotonic clock, and it moves the wall clock too:
 * while these two agree, the slow clock is not read. `strict` reads it all the same, for a wall clock that was set back by
 * the very length of a suspend.
 */
export function markOf(env: Env, strict = false): Mark {
  const nowMs = env.nowMs()
  const wallMs = env.wallMs()
  const known = strict ? undefined : env.offsets
  const agree = known !== undefined && Math.abs(wallMs - nowMs - known.wallMs) <= agreeMs
  return { nowMs, wallMs, bootAheadMs: (agree ? known : readOffsets(env, nowMs, wallMs)).bootMs }
}

/** The time since boot runs ahead of the monotonic clock by suspends alone, which never come undone. */
function readOffsets(env: Env, nowMs: number, wallMs: number): Offsets {
  const readMs = env.bootMs() - nowMs
  const knownMs = env.offsets?.bootMs
  const bootMs = knownMs !== undefined && readMs <= knownMs ? knownMs : Math.ceil(readMs) + bootStepMs
  const offsets = { wallMs: wallMs - nowMs, bootMs }
  env.offsets = offsets
  return offsets
}

/**
 * Milliseconds since `mark`: the largest that any clock says, so that a clock may end a lease early and none may
 * extend it (`performance.now()` stands still in suspend: nodejs/node#47724).
 */
export function elapsedMs(env: Env, mark: Mark): number {
  return betweenMs(mark, markOf(env))
}

/** Milliseconds from one moment to another, as `elapsedMs` counts them. */
export function betweenMs(from: Mark, to: Mark): number {
  const passedMs = to.nowMs - from.nowMs
  const suspendedMs = to.bootAheadMs - from.bootAheadMs
  const longestMs = Math.max(passedMs, to.wallMs - from.wallMs)
  return Number.isNaN(suspendedMs) ? longestMs : Math.max(longestMs, passedMs + suspendedMs)
}

const timers = new Timers()

/** The real clocks, timers and randomness of this process. */
export const realEnv: Env = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  bootMs: () => uptime() * 1000,
  setTimer: (task, delayMs, keepAlive) => timers.set(task, delayMs, keepAlive),
  setImmediate: (run) => void setImmediate(run),
  sleepSync: (ms) => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms),
  random: () => Math.random(),
  randomId: () => randomBytes(16).toString('base64url'),
  host: hostname(),
  pid: process.pid,
}
