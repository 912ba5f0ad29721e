import { parseDuration } from '../core/duration.js'
import type { Duration } from '../core/duration.js'
import type { Env } from '../core/env.js'
import type { AnyStore, Capabilities, Mode, SyncStore } from '../core/store.js'
import { createHoldfast } from '../features/holdfast.js'
import type { Holdfast } from '../features/holdfast.js'
import type { CloseOptions } from '../features/drain.js'
import type { HoldfastOptions } from '../features/options.js'
import { memory } from '../stores/memory/memory.js'
import { distant } from './distant.js'
import type { FaultyStore } from './faulty.js'
import { virtualEnv } from './virtual-env.js'
import type { VirtualEnv, VirtualEnvOptions } from './virtual-env.js'

/** As of `createHoldfast`, where a test may want its own. */
type InstanceOptions = Pick<HoldfastOptions, 'prefix' | 'ttl' | 'cacheTtl' | 'storeTimeout' | 'logger'>

export interface VirtualTimeOptions extends InstanceOptions, VirtualEnvOptions {
  /**
   * Where the locks are kept in production. 'network' (default): on a server, such as Redis: they are leases, and its calls
   * answer with promises and can be made to fail. 'process': as without a store, sync calls included.
   */
  readonly scope?: 'network' | 'process'
  /** What the server can do, where it differs from one that is fair and pushes: `{ fair: false, wake: 'poll' }`. */
  readonly capabilities?: Partial<Capabilities>
}

/** The ways to move the clock, as of {@link VirtualEnv}. */
type Clock = Omit<VirtualEnv, keyof Env>

/** An instance whose clock the test moves. */
export interface VirtualTime<M extends Mode = 'async'> extends Holdfast<M>, Clock {
  /** Resolves when so much time was let pass: for the code under test to sleep with. */
  sleep(duration: Duration): Promise<void>
  /** The store, to be told what goes wrong: `store.always('renew', { fail: 'unknown' })`. */
  readonly store: M extends 'sync' ? SyncStore : FaultyStore
  /** What the server knows, faults left aside. */
  readonly records: SyncStore
  /** Clocks, timers and randomness: `configure({ store, env })` makes the global instance live by them too. */
  readonly env: VirtualEnv
  /** Another process, on the same records and the same clock, to be closed by itself. */
  another(): Holdfast<M>
}

/**
 * An instance of its own, on a clock that stands still until the test moves it: leases expire, waits end and renewals
 * fail in no time, and always in the same way.
 *
 * @example
 * await using time = virtualTime({ ttl: '30s' })
 * const lease = await time.lock('report').acquire()
 * time.store.always('renew', { fail: 'unknown' })   // the server does not answer any more
 * await time.advance(30_000)
 * lease.active   // false, and no time has passed outside
 * @throws InvalidOptionError
 */
export function virtualTime(options: VirtualTimeOptions & { readonly scope: 'process' }): VirtualTime<'sync'>
export function virtualTime(options?: VirtualTimeOptions & { readonly scope?: 'network' }): VirtualTime
export function virtualTime(options: VirtualTimeOptions = {}): VirtualTime | VirtualTime<'sync'> {
  const { scope = 'network', capabilities = {}, seed = 1, wallMs, host, pid = 1, ...instance } = options
  const env = virtualEnv({ ...defined({ wallMs, host }), seed, pid })
  const records = memory({ env })
  const server = (): FaultyStore => distant(records, { env, capabilities })
  let started = 0
  const running = new Set<Holdfast>()
  const start = (store: AnyStore, own: Env): Holdfast => {
    const process = createHoldfast({ ...instance, store, env: own })
    const close = async (options?: CloseOptions): Promise<void> => {
      await process.close(options)
      end()
    }
    const dispose = async (): Promise<void> => {
      await process[Symbol.asyncDispose]()
      end()
    }
    const end = (): void => {
      if (running.delete(made) && running.size === 0) records.close() // with the last process the server ends
    }
    const made = { ...process, close, [Symbol.asyncDispose]: dispose }
    running.add(made)
    started += 1
    return made
  }
  const store = scope === 'process' ? records : server()
  const first = start(store, env)
  const another = (): Holdfast => {
    const self = virtualEnv({ ...defined({ host }), seed: seed + 1_000_003 * started, pid: pid + started })
    return start(scope === 'process' ? records : server(), identity(env, self))
  }
  const sleep = (duration: Duration): Promise<void> =>
    new Promise((resolve) => void env.setTimer(resolve, parseDuration(duration, 'sleep'), true))
  const made = { ...first, ...clockOf(env), sleep, store, records, env, another }
  Object.defineProperties(made, Object.getOwnPropertyDescriptors(countersOf(env)))
  return made as unknown as VirtualTime // which of the two, the overloads tell
}

function clockOf(env: VirtualEnv): Omit<Clock, keyof ReturnType<typeof countersOf>> {
  return {
    advance: (ms) => env.advance(ms),
    advanceUntil: (done, limitMs) => env.advanceUntil(done, limitMs),
    advanceWall: (ms) => env.advanceWall(ms),
    stall: (ms) => env.stall(ms),
    suspend: (ms) => env.suspend(ms),
  }
}

/** Getters, which do not survive a spread. */
function countersOf(env: VirtualEnv): Pick<Clock, 'pendingTimers' | 'keepAliveTimers'> {
  return {
    get pendingTimers() {
      return env.pendingTimers
    },
    get keepAliveTimers() {
      return env.keepAliveTimers
    },
  }
}

/** The clocks and timers of one environment with the name and the random numbers of another. */
function identity(time: Env, self: Env): Env {
  return {
    nowMs: () => time.nowMs(),
    wallMs: () => time.wallMs(),
    bootMs: () => time.bootMs(),
    setTimer: (task, delayMs, keepAlive) => time.setTimer(task, delayMs, keepAlive),
    setImmediate: (run) => time.setImmediate(run),
    sleepSync: (ms) => time.sleepSync(ms),
    random: () => self.random(),
    randomId: () => self.randomId(),
    host: self.host,
    pid: self.pid,
  }
}

function defined<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
}
