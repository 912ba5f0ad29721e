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
  /** Time since boot in milliseconds, suspend included. Slow to read (5 µs against 0.05 µs). */
  bootMs(): number
  /** By how much the time since boot may be behind, for it comes in steps. Default 0. */
  readonly bootStepMs?: number
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
  /** All suspends until now, counted from an origin of its own: no less between two marks than there were. */
  readonly bootAheadMs: number
}

/** How far the wall clock and the time since boot are ahead of the monotonic clock. */
interface Offsets {
  readonly wallMs: number
  /** That of the marks. Whole: a number with a fraction takes 16 bytes more, in each held lock. */
  readonly bootMs: number
  /** Between these two is how far the time since boot is ahead, if there was no suspend unseen. */
  readonly leastMs: number
  readonly mostMs: number
}

/** The wall clock counts whole milliseconds: within this much it and the monotonic clock agree. */
const agreeMs = 2
/** So far apart they may have drifted since they were compared last. */
const driftMs = 4
const roundingMs = 1

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

/**
 * The time since boot runs ahead of the monotonic clock by suspends alone, which never come undone. It comes in steps, so what is
 * seen of a suspend may be short by one: the longest that it can have been counts. Where the wall clock jumped, that may have
 * hidden one shorter than a step, which counts as well.
 */
function readOffsets(env: Env, nowMs: number, wallMs: number): Offsets {
  const known = env.offsets
  const readMs = env.bootMs()
  const leastMs = readMs - env.nowMs()
  const mostMs = readMs - nowMs + (env.bootStepMs ?? 0)
  const offsets = { wallMs: wallMs - nowMs, bootMs: Math.ceil(leastMs), leastMs, mostMs }
  if (known !== undefined) {
    const movedMs = offsets.wallMs - known.wallMs
    const knownMostMs = known.mostMs + Math.max(movedMs, 0)
    offsets.bootMs = known.bootMs
    if (Math.abs(movedMs) > driftMs || leastMs > knownMostMs + roundingMs) {
      offsets.bootMs += Math.ceil(mostMs - known.leastMs)
    } else {
      offsets.leastMs = Math.max(leastMs, known.leastMs)
      offsets.mostMs = Math.min(mostMs, knownMostMs)
    }
  }
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

/** The steps of `uptime()`, in milliseconds; elsewhere whole seconds. On macOS it is the difference of two of these. */
const bootStepsMs: Partial<Record<NodeJS.Platform, number>> = { linux: 10, android: 10, win32: 16, darwin: 2_000 }
const bootBehindMs = process.platform === 'darwin' ? 1_000 : 0

/** The real clocks, timers and randomness of this process. */
export const realEnv: Env = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  bootMs: () => uptime() * 1000 - bootBehindMs,
  bootStepMs: bootStepsMs[process.platform] ?? 1_000,
  setTimer: (task, delayMs, keepAlive) => timers.set(task, delayMs, keepAlive),
  setImmediate: (run) => void setImmediate(run),
  sleepSync: (ms) => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms),
  random: () => Math.random(),
  randomId: () => randomBytes(16).toString('base64url'),
  host: hostname(),
  pid: process.pid,
}
