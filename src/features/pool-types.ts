/** The types of `pool()`. */
import type {
  Answer,
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
import type { Mode } from '../core/store.js'
import type { LockOptions } from './options.js'

/** Options of a pool: those of a lock, and how many may hold. */
export interface PoolOptions<Alias extends string = string> extends Omit<LockOptions<Alias>, 'reentrant'> {
  /** How many permits there are, over all processes: a whole number from 1 to 2^30 - 1. Programs that disagree while somebody holds get an InvalidOptionError that names both numbers. */
  readonly max: number
  /** How many of them one acquisition takes: a whole number, at most `max`. Default 1. */
  readonly permits?: number
  /** What a wrapped function gives when the pool is full (after `wait`): called with the arguments of the call. Default: the call throws PoolFullError. */
  readonly onFull?: (...args: never[]) => unknown
}

/** A reusable handle of a pool: `acquire` and `run` throw PoolFullError where those of a lock throw LockedError. */
export interface AsyncPool extends AsyncLock {
  /** How many permits are taken now, by holders whose lease is not over. @throws StoreError */
  size(): Promise<number>
  /**
   * Gives the pool another `max`, from 1 to 2^30 - 1, for all programs and while it is used: those who still ask with the number it
   * had are taken as asking with this one, until a day after the last of them. More permits wake those who wait; where there are
   * fewer, holders go on, and nobody is granted one before so many have ended. Not of a pool whose `max` is 1.
   * @throws InvalidOptionError where those who hold now say another `max` than this handle; StoreError
   */
  resize(max: number): Promise<void>
}

export interface SyncPool extends SyncLock {
  /** As `size`. @throws StoreError, SyncUnsupportedError */
  sizeSync(): number
  /** As `resize`. @throws InvalidOptionError, StoreError, SyncUnsupportedError */
  resizeSync(max: number): void
}

export type Pool<M extends Mode = 'sync', O = PoolOptions> = AsyncPool &
  (M extends 'sync' ? SyncPool : unknown) &
  PoolWrapper<M, O>

/** What the call of a wrapped function gives: its own result, or that of `onFull`. */
type OrOnFull<F extends Callable, O> = O extends { readonly onFull: (...args: never[]) => infer R }
  ? ReturnType<F> extends PromiseLike<infer T>
    ? Promise<T | Awaited<R>>
    : ReturnType<F> | R
  : ReturnType<F>

export type Pooled<F extends Callable, O> = ((this: ThisParameterType<F>, ...args: Parameters<F>) => OrOnFull<F, O>) &
  WrappedCalls<F> & {
    /** How many permits of the key of these arguments are taken. @throws StoreError, KeyTemplateError */
    size(...args: Parameters<F>): Answer<F, number>
  }

/** Nothing to ask for when `onFull` can be called with the arguments of the wrapped function. */
type FitsOnFull<O, F extends Callable> = O extends { readonly onFull: (...args: infer A) => unknown }
  ? Keyed<A, F>
  : unknown

/** Wraps a function, or decorates a method. The key may be a template. */
export interface PoolWrapper<M extends Mode, O> {
  /** @throws KeyTemplateError when a placeholder names no parameter */
  <F extends WrappableBy<M>>(fn: F & FitsOnFull<O, F>, context?: ClassMethodDecoratorContext): Pooled<F, O>
  <F extends WrappableBy<M>>(
    target: object,
    property: string | symbol,
    descriptor: TypedPropertyDescriptor<F & FitsOnFull<O, F>>,
  ): TypedPropertyDescriptor<F>
}

/** A pool whose key is made by a function of the arguments: it only wraps. */
export interface KeyedPoolWrapper<A extends unknown[], M extends Mode, O> {
  <F extends WrappableBy<M>>(
    fn: F & Keyed<A, F> & FitsOnFull<O, F>,
    context?: ClassMethodDecoratorContext,
  ): Pooled<F, O>
  <F extends WrappableBy<M>>(
    target: object,
    property: string | symbol,
    descriptor: TypedPropertyDescriptor<F & Keyed<A, F> & FitsOnFull<O, F>>,
  ): TypedPropertyDescriptor<F>
}

/** The options of a pool on an instance with these named stores. */
type PoolOptionsFor<N extends Modes> = OptionsFor<N> & PoolOptions<keyof N & string>

export interface PoolFunction<M extends Mode = 'sync', N extends Modes = Record<string, 'sync'>> {
  /**
   * A handle of the pool `key`: literal for `acquire` and `run`, a template when it wraps a function.
   * @throws InvalidKeyError, InvalidOptionError
   */
  <const O extends PoolOptionsFor<N>>(key: string, options: O): Pool<ModeOfLock<O, M, N>, O>
  /** A wrapper whose key is a function of the arguments. @throws InvalidOptionError */
  <A extends unknown[], const O extends PoolOptionsFor<N>>(
    key: (...args: A) => string,
    options: O,
  ): KeyedPoolWrapper<A, ModeOfLock<O, M, N>, O>
}
