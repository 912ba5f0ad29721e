import type { Mode, Store, SyncStore } from '../core/store.js'
import { cachedOn } from './cached.js'
import type { CachedFunction } from './cached-types.js'
import { type CloseOptions, drainMsOf } from './drain.js'
import { globalSource, Instance, setGlobal, sourceOf } from './instance.js'
import { type LocalLock, localLock, type LocalLockOptions } from './local-lock.js'
import { lockOn } from './lock.js'
import type { LockFunction, Modes, NoModes } from './lock-types.js'
import { onceOn } from './once.js'
import type { OnceFunction } from './once-types.js'
import type { HoldfastOptions } from './options.js'
import { poolOn } from './pool.js'
import type { PoolFunction } from './pool-types.js'
import { type RwLockFunction, rwLockOn } from './rw-lock.js'

/** An independent instance. `M` is the mode of its main store, `N` those of its named stores. */
export interface Holdfast<M extends Mode = Mode, N extends Modes = NoModes> {
  readonly lock: LockFunction<M, N>
  readonly cached: CachedFunction<M, N>
  readonly pool: PoolFunction<M, N>
  readonly rwLock: RwLockFunction<M, N>
  readonly once: OnceFunction<M, N>
  readonly localLock: (options?: LocalLockOptions) => LocalLock
  /**
   * Ends the waits, releases what is held, and frees every connection and timer that was opened. With `drainMs` those who hold may
   * finish first. Called again while it drains, it waits for the same, and cuts it short to what it says itself: `close()` at once.
   * @throws InvalidOptionError
   */
  close(options?: CloseOptions): Promise<void>
  /** `close()`; where that was called before, it waits for it. */
  [Symbol.asyncDispose](): Promise<void>
}

/** What a store given in the options can do: answer at once ('sync'), or with promises. */
type ModeOf<S> = S extends SyncStore
  ? 'sync'
  : S extends 'memory:' | undefined
    ? 'sync'
    : S extends string | Store
      ? 'async'
      : 'sync'
/** Options whose type does not tell the store are taken for async: what both modes have. */
type MainMode<O> = O extends { readonly store: infer S }
  ? [ModeOf<S>] extends ['sync']
    ? 'sync'
    : 'async'
  : 'store' extends keyof O
    ? 'async'
    : 'sync'
type NamedModes<O> = O extends { readonly stores: infer S }
  ? { readonly [A in keyof S]: ModeOf<S[A]> }
  : 'stores' extends keyof O
    ? Readonly<Record<string, 'async'>>
    : NoModes

/**
 * An instance of its own, independent of `configure()`. Stores open at their first use.
 *
 * @example
 * const { lock, close } = createHoldfast({ store: 'redis://localhost:6379', logger: console })
 * @throws InvalidOptionError
 */
export function createHoldfast(): Holdfast<'sync'>
export function createHoldfast<const O extends HoldfastOptions>(
  options: O | undefined,
): Holdfast<MainMode<O>, NamedModes<O>>
export function createHoldfast(options?: HoldfastOptions): Holdfast {
  return holdfastOf(new Instance(options))
}

/** The functions of an instance, bound to it. */
export function holdfastOf(instance: Instance): Holdfast {
  const close = (options?: CloseOptions): Promise<void> => instance.close(options)
  const source = sourceOf(instance)
  return {
    lock: lockOn(source),
    cached: cachedOn(source),
    pool: poolOn(source),
    rwLock: rwLockOn(source),
    once: onceOn(source),
    localLock,
    close,
    [Symbol.asyncDispose]: () => instance.dispose(),
  }
}

/**
 * Sets the global instance that `lock` works for. Called again it replaces it: handles made before use the new one at
 * their next acquisition, holds of the old one live on until they end.
 *
 * @example
 * configure() // locks within this process
 * configure({ store: 'redis://localhost:6379' }) // locks across machines
 * @throws InvalidOptionError
 */
export function configure(options?: HoldfastOptions): void {
  setGlobal(new Instance(options))
}

/** What was closed last: a second `close()` waits for the first. */
let closing: Instance | undefined

/**
 * Closes the global instance; to use `lock` again, call `configure()` again. With `drainMs` those who hold may finish first.
 *
 * @example
 * await close({ drainMs: '10s' })
 * @throws InvalidOptionError
 */
export async function close(options?: CloseOptions): Promise<void> {
  drainMsOf(options)
  closing = setGlobal(undefined) ?? closing
  await closing?.close(options)
}

/**
 * A handle of a key, a wrapper of a function, a decorator of a method, for the instance that `configure()` set.
 *
 * @example
 * { await using lease = await lock('invoice-42').acquire() }
 * const sleepFor = lock('sleep-{seconds}')(async (seconds: number) => { … })
 * class Billing { @lock('bill-{this.tenant}-{id}') async charge(id: string) { … } }
 * @throws InvalidKeyError, InvalidOptionError; NotConfiguredError at its first use when `configure()` was not called
 */
export const lock: LockFunction = lockOn(globalSource)

/**
 * Keeps the results of a function, for the instance that `configure()` set: computed by one at a time, in this process and
 * across processes. A wrapper, and a decorator of methods.
 *
 * @example
 * const userOf = cached('user-{id}', { ttl: '1m' })(async (id: string) => await db.findUser(id))
 * await userOf('42')
 * await userOf.reset('42')
 * @throws InvalidKeyError, InvalidOptionError; NotConfiguredError at its first use when `configure()` was not called
 */
export const cached: CachedFunction = cachedOn(globalSource)

/**
 * N holders at a time: like a lock, for the instance that `configure()` set.
 *
 * @example
 * const api = pool('api-{user}', { max: 10, wait: '5s' })(async (user: string) => { … })
 * await pool('api', { max: 10 }).size()
 * @throws InvalidKeyError, InvalidOptionError; PoolFullError at an acquisition when no permit is free
 */
export const pool: PoolFunction = poolOn(globalSource)

/**
 * Readers share, a writer is alone; first come, first served between them.
 *
 * @example
 * const config = rwLock('config', { wait: '5s' })
 * await config.read.run(() => load())
 * await config.write.run((lease) => save(lease.token))
 * @throws InvalidKeyError, InvalidOptionError
 */
export const rwLock: RwLockFunction = rwLockOn(globalSource)

/**
 * Runs unless it is running already, anywhere. With `minHold` it is the lock of a cron job: ten machines start it at the same
 * second, one runs it.
 *
 * @example
 * const report = once('report', { minHold: '1m' })(async () => { … })
 * @throws InvalidKeyError, InvalidOptionError
 */
export const once: OnceFunction = onceOn(globalSource)
