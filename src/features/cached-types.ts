import type { CachedOptions } from './cached-options.js'
import type { Answer, Callable, Keyed, ModeOfLock, Modes, WrappableBy } from './lock-types.js'
import type { Mode } from '../core/store.js'

/** What a cached function carries besides itself; sync or async like the function. */
export interface CachedCalls<F extends Callable> {
  /**
   * Deletes the value of these arguments, in all layers of `cached` underneath too, the innermost first. What is being
   * computed now, wherever, is not kept. false: there was none.
   * @throws StoreError, KeyTemplateError
   */
  reset(...args: Parameters<F>): Answer<F, boolean>
}

export type Cached<F extends Callable> = F & CachedCalls<F>

/** Wraps a function, or decorates a method (standard or `experimentalDecorators`), so that its results are kept. */
export interface CachedWrapper<M extends Mode, V = unknown> {
  /** @throws KeyTemplateError when a placeholder names no parameter, InvalidOptionError for a generator */
  <F extends WrappableBy<M> & Giving<V>>(fn: F, context?: ClassMethodDecoratorContext): Cached<F>
  <F extends WrappableBy<M> & Giving<V>>(
    target: object,
    property: string | symbol,
    descriptor: TypedPropertyDescriptor<F>,
  ): TypedPropertyDescriptor<F>
}

/** The same with a key that is made by a function of the arguments. */
export interface KeyedCachedWrapper<A extends unknown[], M extends Mode, V = unknown> {
  <F extends WrappableBy<M> & Giving<V>>(fn: F & Keyed<A, F>, context?: ClassMethodDecoratorContext): Cached<F>
  <F extends WrappableBy<M> & Giving<V>>(
    target: object,
    property: string | symbol,
    descriptor: TypedPropertyDescriptor<F & Keyed<A, F>>,
  ): TypedPropertyDescriptor<F>
}

/** A function of values that the codec can take. */
type Giving<V> = (...args: never[]) => V | PromiseLike<V>

/** What the codec of these options takes. */
type ValueOf<O> = O extends { readonly codec: { decode(text: string): infer V } } ? V : unknown

type OptionsFor<N extends Modes> = CachedOptions<keyof N & string>

export interface CachedFunction<M extends Mode = 'sync', N extends Modes = Record<string, 'sync'>> {
  /** `key` is a template, such as `'user-{id}'`. @throws InvalidKeyError, InvalidOptionError */
  <const O extends OptionsFor<N>>(key: string, options?: O): CachedWrapper<ModeOfLock<O, M, N>, ValueOf<O>>
  /** @throws InvalidOptionError */
  <A extends unknown[], const O extends OptionsFor<N>>(
    key: (...args: A) => string,
    options?: O,
  ): KeyedCachedWrapper<A, ModeOfLock<O, M, N>, ValueOf<O>>
}
