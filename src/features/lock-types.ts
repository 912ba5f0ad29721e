/** The types of `lock()`: what an instance's stores can do decides which calls exist. */
import type { Lease, SyncLease } from '../core/lease.js'
import type { Inspection } from './query.js'
import type { Mode } from '../core/store.js'
import type { LockOptions } from './options.js'
import type { KeyedMultiWrapper, MultiLock } from './multi-types.js'

/** A reusable handle of one key. */
export interface AsyncLock<L extends Lease = Lease> {
  /** The user's key, without prefix. */
  readonly key: string
  /**
   * Acquires, waiting as `wait` says.
   * @throws LockedError when another holds, LockTimeoutError after waiting, StoreError when the store failed,
   * NotConfiguredError; a cancelled wait rejects with `signal.reason`
   */
  acquire(): Promise<L>
  /** As `acquire`, but resolves to undefined when another holds (after `wait`). Works with `await using`. */
  tryAcquire(): Promise<L | undefined>
  /**
   * Acquires, runs the body, releases. A failure to release is logged, not thrown.
   * @throws as `acquire`; what the body throws; LockLostError (with the body's `result`) when the hold was lost
   */
  run<T>(body: (lease: L) => T | PromiseLike<T>): Promise<T>
  /**
   * Goes on with a hold that `lease.export()` gave away, in this process or another, under a new token. Works once.
   * @throws InvalidOptionError when the text is of another key, kind of lock or version; LockLostError when nothing is held under
   * it any more: it was adopted before, released, or not adopted within its lease; StoreError: then the text is worth another try
   */
  adopt(exported: string): Promise<L>
  /** Does anybody hold the key? @throws StoreError */
  isLocked(): Promise<boolean>
  /** Who holds and who waits; undefined: nobody. @throws StoreError */
  inspect(): Promise<Inspection | undefined>
  /** Frees what this handle acquired, and nothing else. false: it was already gone. @throws StoreError */
  release(): Promise<boolean>
  /** Frees the key, whoever holds it; holders are told by their signal. false: nobody held it. @throws StoreError */
  forceRelease(): Promise<boolean>
}

/** The same without promises: for stores that answer at once. Waiting blocks the thread. */
export interface SyncLock<S extends SyncLease = SyncLease> {
  /** As `acquire`. Use it with `using`. @throws as `acquire`; SyncUnsupportedError when the store only answers with promises */
  acquireSync(): S
  /** As `tryAcquire`. @throws StoreError, SyncUnsupportedError */
  tryAcquireSync(): S | undefined
  /** As `run`. @throws as `acquireSync`; SyncUnsupportedError when the body returns a promise */
  runSync<T>(body: (lease: S) => T): T
  /** As `adopt`. @throws as there; SyncUnsupportedError */
  adoptSync(exported: string): S
  /** As `isLocked`. @throws StoreError, SyncUnsupportedError */
  isLockedSync(): boolean
  /** As `inspect`. @throws StoreError, SyncUnsupportedError */
  inspectSync(): Inspection | undefined
  /** As `release`. @throws StoreError, SyncUnsupportedError */
  releaseSync(): boolean
  /** As `forceRelease`. @throws StoreError, SyncUnsupportedError */
  forceReleaseSync(): boolean
}

/** A handle: `M` is 'sync' when the store answers at once (then both kinds of calls exist), else 'async'. */
export type Lock<M extends Mode = 'sync'> = AsyncLock & (M extends 'sync' ? SyncLock : unknown) & Wrapper<M>

/** Any function: the widest type that each of them fits. */
export type Callable = (...args: never[]) => unknown

/** A function that can be wrapped on a store of this mode: on one that answers with promises it must be async itself. */
export type WrappableBy<M extends Mode> = M extends 'sync'
  ? Callable
  : (...args: never[]) => PromiseLike<unknown> | AsyncGenerator

/** Is the function async, or does it run to its end at once? */
export type Answer<F extends Callable, T> = ReturnType<F> extends PromiseLike<unknown> | AsyncGenerator ? Promise<T> : T

/** What a wrapped function carries besides itself; sync or async like the function. The arguments make the key. */
export interface WrappedCalls<F extends Callable> {
  /** Is the key of these arguments held by anybody? @throws StoreError, KeyTemplateError */
  isLocked(...args: Parameters<F>): Answer<F, boolean>
  /** Frees the key of these arguments, whoever holds it. @throws StoreError, KeyTemplateError */
  release(...args: Parameters<F>): Answer<F, boolean>
  /** Who holds and waits for the key of these arguments. @throws StoreError, KeyTemplateError */
  inspect(...args: Parameters<F>): Answer<F, Inspection | undefined>
}

export type Wrapped<F extends Callable> = F & WrappedCalls<F>

/** Wraps a function, or decorates a method (standard or `experimentalDecorators`). The key may be a template. */
export interface Wrapper<M extends Mode> {
  /** @throws KeyTemplateError when a placeholder names no parameter */
  <F extends WrappableBy<M>>(fn: F, context?: ClassMethodDecoratorContext): Wrapped<F>
  <F extends WrappableBy<M>>(
    target: object,
    property: string | symbol,
    descriptor: TypedPropertyDescriptor<F>,
  ): TypedPropertyDescriptor<F>
}

/** A lock whose key is made by a function of the arguments: it has no key of its own, so it only wraps. */
export interface KeyedWrapper<A extends unknown[], M extends Mode> {
  <F extends WrappableBy<M>>(fn: F & Keyed<A, F>, context?: ClassMethodDecoratorContext): Wrapped<F>
  <F extends WrappableBy<M>>(
    target: object,
    property: string | symbol,
    descriptor: TypedPropertyDescriptor<F & Keyed<A, F>>,
  ): TypedPropertyDescriptor<F>
}

/** Nothing to ask for when a key function of `A` can be called with the arguments of `F`; else what no function has. */
export type Keyed<A extends unknown[], F extends Callable> = ((...args: A) => string) extends (
  ...args: Parameters<F>
) => string
  ? unknown
  : { readonly 'the key function cannot be called with the arguments of the wrapped function': A }

/** Modes of the named stores, by alias. */
export type Modes = Readonly<Record<string, Mode>>

/** No named stores: then no alias compiles. */
export type NoModes = { readonly [alias in never]: Mode }

/** The options of a lock on an instance with these named stores: an unknown alias does not compile. */
export type OptionsFor<N extends Modes> = LockOptions<keyof N & string>

export type ModeOfLock<O, M extends Mode, N extends Modes> = O extends { readonly store: infer A extends keyof N }
  ? N[A]
  : M

export interface LockFunction<M extends Mode = 'sync', N extends Modes = Record<string, 'sync'>> {
  /**
   * A handle of `key`: literal for `acquire` and `run`, a template (`'bill-{id}'`) when it wraps a function.
   * @throws InvalidKeyError, InvalidOptionError
   */
  <const O extends OptionsFor<N>>(key: string, options?: O): Lock<ModeOfLock<O, M, N>>
  /**
   * A handle of several keys, 64 at most: sorted, all or none, released in reverse.
   * @throws InvalidKeyError, InvalidOptionError
   */
  <const O extends OptionsFor<N>>(keys: readonly string[], options?: O): MultiLock<ModeOfLock<O, M, N>>
  /** A wrapper whose key is a function of the arguments. @throws InvalidOptionError */
  <A extends unknown[], const O extends OptionsFor<N>>(
    key: (...args: A) => string,
    options?: O,
  ): KeyedWrapper<A, ModeOfLock<O, M, N>>
  /** A wrapper whose keys are made by a function of the arguments. @throws InvalidOptionError */
  <A extends unknown[], const O extends OptionsFor<N>>(
    keys: (...args: A) => readonly string[],
    options?: O,
  ): KeyedMultiWrapper<A, ModeOfLock<O, M, N>>
}
