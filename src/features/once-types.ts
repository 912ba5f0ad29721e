/** The types of `once()`. */
import type { Lease, SyncLease } from '../core/lease.js'
import type { Mode } from '../core/store.js'
import type {
  AsyncLock,
  Callable,
  Keyed,
  ModeOfLock,
  Modes,
  OptionsFor,
  SyncLock,
  WrappableBy,
  WrappedCalls,
} from './lock-types.js'
import type { LockOptions } from './options.js'

/** Options of `once`: those of a lock, and what happens where it is running already. */
export interface OnceOptions<Alias extends string = string> extends Omit<LockOptions<Alias>, 'reentrant'> {
  /** What `run` and wrapped functions give where it is running already (after `wait`). Default: undefined. */
  readonly otherwise?: unknown
  /** They throw LockedError instead. Default: false. */
  readonly throwIfLocked?: boolean
}

/** What comes in place of a result: nothing that is returned with `throwIfLocked`, else `otherwise`. */
type Else<O> = O extends { readonly throwIfLocked: true }
  ? never
  : O extends { readonly otherwise: infer T }
    ? T
    : undefined

interface AsyncOnce<O> extends Omit<AsyncLock, 'run'> {
  /** Runs the body unless it is running already, anywhere. @throws as `AsyncLock.run`, but LockedError with `throwIfLocked` only */
  run<T>(body: (lease: Lease) => T | PromiseLike<T>): Promise<T | Else<O>>
}

interface SyncOnce<O> extends Omit<SyncLock, 'runSync'> {
  /** As `run`. @throws SyncUnsupportedError */
  runSync<T>(body: (lease: SyncLease) => T): T | Else<O>
}

export type Once<M extends Mode = 'sync', O = OnceOptions> = AsyncOnce<O> &
  (M extends 'sync' ? SyncOnce<O> : unknown) &
  OnceWrapper<M, O>

/** A wrapped function: it gives its own result, or what comes in its place. */
export type OnceOnly<F extends Callable, O> = ((
  this: ThisParameterType<F>,
  ...args: Parameters<F>
) => ReturnType<F> extends PromiseLike<infer T> ? Promise<T | Else<O>> : ReturnType<F> | Else<O>) &
  WrappedCalls<F>

/** Wraps a function, or decorates a method. The key may be a template. */
export interface OnceWrapper<M extends Mode, O> {
  /** @throws KeyTemplateError when a placeholder names no parameter */
  <F extends WrappableBy<M>>(fn: F, context?: ClassMethodDecoratorContext): OnceOnly<F, O>
  <F extends WrappableBy<M>>(
    target: object,
    property: string | symbol,
    descriptor: TypedPropertyDescriptor<F>,
  ): TypedPropertyDescriptor<F>
}

/** A key made by a function of the arguments: it only wraps. */
export interface KeyedOnceWrapper<A extends unknown[], M extends Mode, O> {
  <F extends WrappableBy<M>>(fn: F & Keyed<A, F>, context?: ClassMethodDecoratorContext): OnceOnly<F, O>
  <F extends WrappableBy<M>>(
    target: object,
    property: string | symbol,
    descriptor: TypedPropertyDescriptor<F & Keyed<A, F>>,
  ): TypedPropertyDescriptor<F>
}

type OnceOptionsFor<N extends Modes> = OptionsFor<N> & OnceOptions<keyof N & string>

export interface OnceFunction<M extends Mode = 'sync', N extends Modes = Record<string, 'sync'>> {
  /** @throws InvalidKeyError, InvalidOptionError */
  <const O extends OnceOptionsFor<N>>(key: string, options?: O): Once<ModeOfLock<O, M, N>, O>
  /** A wrapper whose key is a function of the arguments. @throws InvalidOptionError */
  <A extends unknown[], const O extends OnceOptionsFor<N>>(
    key: (...args: A) => string,
    options?: O,
  ): KeyedOnceWrapper<A, ModeOfLock<O, M, N>, O>
}
