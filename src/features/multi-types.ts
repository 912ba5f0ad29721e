/** The types of `lock([…])`. */
import type { Mode } from '../core/store.js'
import type { Answer, Callable, Keyed, WrappableBy } from './lock-types.js'
import type { MultiLease, SyncMultiLease } from './multi-lease.js'
import type { Inspection } from './query.js'

/** A reusable handle of several keys: all of them or none. */
export interface AsyncMultiLock {
  /** The user's keys, without prefix, sorted, each once. */
  readonly keys: readonly string[]
  /** The keys in one text, for people. */
  readonly key: string
  /**
   * Acquires all keys, waiting as `wait` says for all of them together.
   * @throws LockedError when another holds one of them (`key` says which), LockTimeoutError after waiting, StoreError when the
   * store failed, NotConfiguredError; a cancelled wait rejects with `signal.reason`
   */
  acquire(): Promise<MultiLease>
  /** As `acquire`, but resolves to undefined when another holds one of them (after `wait`). Works with `await using`. */
  tryAcquire(): Promise<MultiLease | undefined>
  /**
   * Acquires, runs the body, releases. A failure to release is logged, not thrown.
   * @throws as `acquire`; what the body throws; LockLostError (with the body's `result`) when one of the keys was lost
   */
  run<T>(body: (lease: MultiLease) => T | PromiseLike<T>): Promise<T>
  /** Does anybody hold one of the keys? @throws StoreError */
  isLocked(): Promise<boolean>
  /** Who holds and who waits, of each key that somebody holds or waits for. @throws StoreError */
  inspect(): Promise<readonly Inspection[]>
  /** Frees what this handle acquired, and nothing else. false: some of it was already gone. @throws StoreError */
  release(): Promise<boolean>
  /** Frees each of the keys, whoever holds it; holders are told by their signal. false: nobody held any. @throws StoreError */
  forceRelease(): Promise<boolean>
}

/** The same without promises: for stores that answer at once. Waiting blocks the thread. */
export interface SyncMultiLock {
  /** As `acquire`. Use it with `using`. @throws as `acquire`; SyncUnsupportedError when the store only answers with promises */
  acquireSync(): SyncMultiLease
  /** As `tryAcquire`. @throws StoreError, SyncUnsupportedError */
  tryAcquireSync(): SyncMultiLease | undefined
  /** As `run`. @throws as `acquireSync`; SyncUnsupportedError when the body returns a promise */
  runSync<T>(body: (lease: SyncMultiLease) => T): T
  /** As `isLocked`. @throws StoreError, SyncUnsupportedError */
  isLockedSync(): boolean
  /** As `inspect`. @throws StoreError, SyncUnsupportedError */
  inspectSync(): readonly Inspection[]
  /** As `release`. @throws StoreError, SyncUnsupportedError */
  releaseSync(): boolean
  /** As `forceRelease`. @throws StoreError, SyncUnsupportedError */
  forceReleaseSync(): boolean
}

/** A handle of several keys: `M` is 'sync' when the store answers at once (then both kinds of calls exist), else 'async'. */
export type MultiLock<M extends Mode = 'sync'> = AsyncMultiLock &
  (M extends 'sync' ? SyncMultiLock : unknown) &
  MultiWrapper<M>

/** What a function wrapped with several keys carries besides itself; sync or async like the function. The arguments make the keys. */
export interface MultiWrappedCalls<F extends Callable> {
  /** Is one of the keys of these arguments held by anybody? @throws StoreError, KeyTemplateError */
  isLocked(...args: Parameters<F>): Answer<F, boolean>
  /** Frees the keys of these arguments, whoever holds them. @throws StoreError, KeyTemplateError */
  release(...args: Parameters<F>): Answer<F, boolean>
  /** Who holds and waits for the keys of these arguments. @throws StoreError, KeyTemplateError */
  inspect(...args: Parameters<F>): Answer<F, readonly Inspection[]>
}

export type MultiWrapped<F extends Callable> = F & MultiWrappedCalls<F>

/** Wraps a function, or decorates a method. Each key may be a template. */
export interface MultiWrapper<M extends Mode> {
  /** @throws KeyTemplateError when a placeholder names no parameter */
  <F extends WrappableBy<M>>(fn: F, context?: ClassMethodDecoratorContext): MultiWrapped<F>
  <F extends WrappableBy<M>>(
    target: object,
    property: string | symbol,
    descriptor: TypedPropertyDescriptor<F>,
  ): TypedPropertyDescriptor<F>
}

/** A lock whose keys are made by a function of the arguments: it has no keys of its own, so it only wraps. */
export interface KeyedMultiWrapper<A extends unknown[], M extends Mode> {
  <F extends WrappableBy<M>>(fn: F & Keyed<A, F>, context?: ClassMethodDecoratorContext): MultiWrapped<F>
  <F extends WrappableBy<M>>(
    target: object,
    property: string | symbol,
    descriptor: TypedPropertyDescriptor<F & Keyed<A, F>>,
  ): TypedPropertyDescriptor<F>
}
