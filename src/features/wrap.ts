import { InvalidOptionError, SyncUnsupportedError } from '../core/errors.js'
import { checkKey } from '../core/key.js'
import { show } from '../core/duration.js'
import { compileTemplate, type KeyOf } from './template.js'
import { Handle, isThenable } from './handle.js'
import type { Source } from './instance.js'
import type { Wrapped } from './lock-types.js'
import type { ParsedOptions } from './options.js'

/** A template, or a function of the arguments. */
export type KeySpec = string | ((...args: never[]) => string)

export interface WrapOptions {
  readonly source: Source
  readonly key: KeySpec
  readonly options: ParsedOptions
}

/**
 * One function for all three uses, told apart by their arguments: a wrapper `(fn)`, a standard decorator
 * `(method, context)`, an `experimentalDecorators` one `(target, property, descriptor)`.
 */
export function decorate(wrapping: WrapOptions, args: readonly unknown[]): unknown {
  const [first, second, descriptor] = args
  if (isDescriptor(descriptor)) {
    if (isCallable(descriptor.value)) return { ...descriptor, value: wrap(wrapping, descriptor.value) }
  } else if (isCallable(first) && (second === undefined || isMethodContext(second))) {
    return wrap(wrapping, first)
  }
  throw new InvalidOptionError(`A lock wraps functions and decorates methods, not ${describe(first, second)}.`)
}

/** What each wrapped function wraps, innermost: its source has the parameters that a template names. */
const originals = new WeakMap<Callable, Callable>()

/** @throws KeyTemplateError when the key does not fit the function */
function wrap({ source, key, options }: WrapOptions, fn: Callable): Wrapped<Callable> {
  const original = originals.get(fn) ?? fn
  const keyOf: KeyOf =
    typeof key === 'string'
      ? compileTemplate(key, original, options.args)
      : (self, args) => checkKey((key as unknown as Callable).apply(self, [...args]))
  const handleOf = (self: unknown, args: readonly unknown[]): Handle => new Handle(source, keyOf(self, args), options)
  const kind = kindOf(fn)
  const wrapped = callers[kind](fn, handleOf)
  // `job.isLocked(1)` is called on the wrapped function itself: that is no `this` of a method
  const at = (self: unknown, args: readonly unknown[]): Handle => handleOf(self === wrapped ? undefined : self, args)
  const calls = kind === 'async' || kind === 'asyncGenerator' ? asyncCalls(at) : syncCalls(at)
  for (const [name, call] of Object.entries(calls))
    Object.defineProperty(wrapped, name, { value: call, configurable: true })
  Object.defineProperty(wrapped, 'name', { value: fn.name, configurable: true })
  Object.defineProperty(wrapped, 'length', { value: fn.length, configurable: true })
  originals.set(wrapped, original)
  return wrapped as Wrapped<Callable> // its calls were defined above
}

/** A function as it is called here: what its arguments are is its caller's affair. */
type Callable = (this: unknown, ...args: unknown[]) => unknown

type HandleOf = (self: unknown, args: readonly unknown[]) => Handle
type Kind = 'sync' | 'async' | 'generator' | 'asyncGenerator'

const kinds: Record<string, Kind> = {
  AsyncFunction: 'async',
  GeneratorFunction: 'generator',
  AsyncGeneratorFunction: 'asyncGenerator',
}

function kindOf(fn: Callable): Kind {
  return kinds[Object.prototype.toString.call(fn).slice(8, -1)] ?? 'sync'
}

const callers: Record<Kind, (fn: Callable, handleOf: HandleOf) => Callable> = {
  async: (fn, handleOf) =>
    async function (...args) {
      return await handleOf(this, args).run(() => fn.apply(this, args))
    },
  sync: (fn, handleOf) =>
    function (...args) {
      return callSync(handleOf(this, args), () => fn.apply(this, args))
    },
  generator: (fn, handleOf) =>
    function* (...args) {
      const lease = handleOf(this, args).acquireSync()
      let result: unknown
      let finished = false
      try {
        result = yield* fn.apply(this, args) as Generator
        finished = true
      } finally {
        if (!finished) lease.abort() // it threw, or its consumer left early
      }
      return lease.finish(result)
    },
  asyncGenerator: (fn, handleOf) =>
    async function* (...args) {
      const lease = await handleOf(this, args).acquire()
      let result: unknown
      let finished = false
      try {
        result = yield* fn.apply(this, args) as AsyncGenerator
        finished = true
      } finally {
        if (!finished) await lease.abort()
      }
      return await lease.finish(result)
    },
}

/** A plain function may turn out to return a promise: then the lock is held until that settles. */
function callSync(handle: Handle, body: () => unknown): unknown {
  const lease = acquireForPlain(handle)
  let result: unknown
  try {
    result = body()
  } catch (error) {
    lease.abort()
    throw error
  }
  if (!isThenable(result)) return lease.finish(result)
  return Promise.resolve(result).then(
    (value) => lease.finish(value),
    (error: unknown) => {
      lease.abort()
      throw error
    },
  )
}

function acquireForPlain(handle: Handle): ReturnType<Handle['acquireSync']> {
  try {
    return handle.acquireSync()
  } catch (error) {
    if (!(error instanceof SyncUnsupportedError)) throw error
    const text = `${error.message} If the wrapped function returns a promise, declare it async.`
    throw new SyncUnsupportedError(text, handle.key)
  }
}

function asyncCalls(at: HandleOf): Record<string, Callable> {
  return {
    async isLocked(...args) {
      return await at(this, args).isLocked()
    },
    async release(...args) {
      return await at(this, args).forceRelease()
    },
    async inspect(...args) {
      return await at(this, args).inspect()
    },
  }
}

function syncCalls(at: HandleOf): Record<string, Callable> {
  return {
    isLocked(...args) {
      return at(this, args).isLockedSync()
    },
    release(...args) {
      return at(this, args).forceReleaseSync()
    },
    inspect(...args) {
      return at(this, args).inspectSync()
    },
  }
}

/** A class is a function too, but one that cannot be called: its prototype is fixed. */
function isCallable(value: unknown): value is Callable {
  return typeof value === 'function' && Object.getOwnPropertyDescriptor(value, 'prototype')?.writable !== false
}

function isDescriptor(value: unknown): value is PropertyDescriptor {
  return typeof value === 'object' && value !== null
}

function isMethodContext(value: unknown): boolean {
  return typeof value === 'object' && value !== null && (value as Record<string, unknown>)['kind'] === 'method'
}

function describe(first: unknown, second: unknown): string {
  if (typeof second !== 'object' || second === null) {
    return typeof first === 'function' && !isCallable(first) ? 'a class' : show(first)
  }
  const { kind, name } = second as Record<string, unknown>
  return `a ${String(kind)} (${String(name)})`
}
