import { show } from '../core/duration.js'
import { InvalidKeyError, InvalidOptionError } from '../core/errors.js'
import type { KeptValue } from '../core/store.js'
import { Hits } from './cached-hits.js'
import { steps } from './cached-flights.js'
import { type Call, load, reset } from './cached-load.js'
import { type CachedOptions, parseCachedOptions, type ParsedCachedOptions } from './cached-options.js'
import type { CachedFunction } from './cached-types.js'
import { wayTo } from './cached-way.js'
import { type Callable, decorate, dress, innerOf, keyMaker, type KeySpec, kindOf } from './decorate.js'
import type { Source } from './instance.js'
import { runAsync, runSync, type Steps, wait } from './steps.js'

/** A `cached` function that works for the instance `source` gives. Its types are those of the stores: the caller knows them. */
export function cachedOn(source: Source): CachedFunction {
  const cached = (key: KeySpec, options?: CachedOptions): unknown => {
    const parsed = parseCachedOptions(options)
    if (typeof key !== 'string' && typeof key !== 'function')
      throw new InvalidKeyError(`A key is text or a function that makes it, not ${show(key)}.`)
    source.peek()?.spaceOf(parsed.lock.store) // an unknown alias is told here
    return (...args: unknown[]): unknown => decorate('cached', args, (fn) => wrap(source, fn, { key, options: parsed }))
  }
  return cached as CachedFunction // the overloads of one function
}

interface Spec {
  readonly key: KeySpec
  readonly options: ParsedCachedOptions
}

/** The `reset` of each cached function. */
const resets = new WeakMap<Callable, Callable>()

/** @throws KeyTemplateError, InvalidOptionError */
function wrap(source: Source, fn: Callable, { key, options }: Spec): Callable {
  const kind = kindOf(fn)
  if (kind === 'generator' || kind === 'asyncGenerator') {
    throw new InvalidOptionError('cached keeps what a function returns; a generator can be read once: return a list.')
  }
  const sync = kind === 'sync'
  const { packing, lock, ttlMs } = options
  const keyOf = keyMaker(key, fn, lock.args)
  const { decidedBy } = keyOf
  const hits = new Hits()

  const deciderOf = (self: unknown, args: readonly unknown[]): unknown =>
    decidedBy === undefined ? keyOf(self, args) : decidedBy < 0 ? always : args[decidedBy]
  const hit = (self: unknown, args: readonly unknown[]): KeptValue | undefined =>
    hits.isEmpty ? undefined : hits.find(source.get(), deciderOf(self, args))
  const callOf = (self: unknown, args: readonly unknown[]): Call => {
    const instance = source.get()
    const way = wayTo({ instance, key: keyOf(self, args), lock, sync })
    return {
      way,
      options,
      ttlMs: ttlMs === undefined ? instance.cacheTtlMs : ttlMs,
      body: () => fn.apply(self, [...args]),
      step: steps.asks,
    }
  }
  const remember = ({ way }: Call, self: unknown, args: readonly unknown[]): void => {
    const kept = way.live && packing.isBare ? way.get(false) : undefined
    if (kept === undefined || kept instanceof Promise) return
    hits.add(way.place.instance, decidedBy === undefined ? way.key : deciderOf(self, args), kept)
  }
  const wrapped = sync
    ? function (this: unknown, ...args: unknown[]): unknown {
        const found = hit(this, args)
        if (found !== undefined) return found.content
        const call = callOf(this, args)
        const value = runSync(load(call))
        remember(call, this, args)
        return value
      }
    : async function (this: unknown, ...args: unknown[]): Promise<unknown> {
        const found = hit(this, args)
        if (found !== undefined) return found.content
        const call = callOf(this, args)
        const value = await runAsync(load(call))
        remember(call, this, args)
        return value
      }
  const resetCall = resetBy({ inner: innerReset(fn), sync, callOf })
  // `load.reset(1)` is called on the function itself: that is no `this` of a method
  const resetAt: Callable = function (...args) {
    return resetCall.call(this === wrapped ? undefined : this, ...args)
  }
  dress(wrapped, fn, { reset: resetAt })
  resets.set(wrapped, resetCall)
  return wrapped
}

interface ResetOptions {
  /** That of the layer underneath. */
  readonly inner: Callable | undefined
  readonly sync: boolean
  readonly callOf: (self: unknown, args: readonly unknown[]) => Call
}

/** The innermost layer first: else an outer one could be filled again with what an inner one still has. */
function resetBy({ inner, sync, callOf }: ResetOptions): Callable {
  function* all(self: unknown, args: readonly unknown[]): Steps<boolean> {
    const call = callOf(self, args)
    const there = inner === undefined ? false : yield* wait(inner.call(self, ...args))
    return (yield* reset(call)) || there === true
  }
  if (!sync) {
    return async function (...args) {
      return runAsync(all(this, args))
    }
  }
  return function (...args) {
    return runSync(all(this, args))
  }
}

/** The reset of the nearest layer of `cached` in what `fn` wraps. */
function innerReset(fn: Callable): Callable | undefined {
  for (let layer: Callable | undefined = fn; layer !== undefined; layer = innerOf(layer)) {
    const found = resets.get(layer)
    if (found !== undefined) return found
  }
  return undefined
}

/** What decides a key that is always the same. */
const always = ''
