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
  /** undefined: that clock was not read. */
  readonly bootMs: number | undefined
}

/** Remembers this moment. With `boot` the slow clock is read too; without, suspend is told by the wall clock alone. */
export function markOf(env: Env, boot: boolean): Mark {
  return { nowMs: env.nowMs(), wallMs: env.wallMs(), bootMs: boot ? env.bootMs() : undefined }
}

/**
 * Milliseconds since `mark`: the largest that any clock says, so that a clock may end a lease early and none may
 * extend it (`performance.now()` stands still in suspend: nodejs/node#47724). `strict` asks the boot clock as well.
 */
export function elapsedMs(env: Env, mark: Mark, strict = false): number {
  return betweenMs(mark, markOf(env, strict))
}

/** Milliseconds from one moment to another, as `elapsedMs` counts them. */
export function betweenMs(from: Mark, to: Mark): number {
  const passedMs = Math.max(to.nowMs - from.nowMs, to.wallMs - from.wallMs)
  const sinceBootMs = (to.bootMs ?? Number.NaN) - (from.bootMs ?? Number.NaN)
  return Number.isNaN(sinceBootMs) ? passedMs : Math.max(passedMs, sinceBootMs)
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
