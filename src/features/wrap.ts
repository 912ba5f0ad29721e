import { InvalidOptionError, SyncUnsupportedError } from '../core/errors.js'
import { checkKey } from '../core/key.js'
import { show } from '../core/duration.js'
import type { SyncLease } from '../core/lease.js'
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
  /** What is asked, for one key. Default: a Handle. */
  readonly handle?: (key: string) => Handle
  /** Called in place of the function, with its `this` and its arguments, where another holds. Default: the call throws. */
  readonly refused?: Callable | undefined
  /** More calls for what is wrapped, sync or async like the function. */
  readonly calls?: (at: HandleOf, isAsync: boolean) => Record<string, Callable>
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
function wrap({ source, key, options, refused, ...wrapping }: WrapOptions, fn: Callable): Wrapped<Callable> {
  const original = originals.get(fn) ?? fn
  const keyOf: KeyOf =
    typeof key === 'string'
      ? compileTemplate(key, original, options.args)
      : (self, args) => checkKey((key as unknown as Callable).apply(self, [...args]))
  const make = wrapping.handle ?? ((text: string) => new Handle(source, text, options))
  const handleOf = (self: unknown, args: readonly unknown[]): Handle => make(keyOf(self, args))
  const kind = kindOf(fn)
  const wrapped = callers[kind](fn, handleOf, refused)
  // `job.isLocked(1)` is called on the wrapped function itself: that is no `this` of a method
  const at = (self: unknown, args: readonly unknown[]): Handle => handleOf(self === wrapped ? undefined : self, args)
  const isAsync = kind === 'async' || kind === 'asyncGenerator'
  const calls = { ...(isAsync ? asyncCalls(at) : syncCalls(at)), ...wrapping.calls?.(at, isAsync) }
  for (const [name, call] of Object.entries(calls))
    Object.defineProperty(wrapped, name, { value: call, configurable: true })
  Object.defineProperty(wrapped, 'name', { value: fn.name, configurable: true })
  Object.defineProperty(wrapped, 'length', { value: fn.length, configurable: true })
  originals.set(wrapped, original)
  return wrapped as Wrapped<Callable> // its calls were defined above
}

/** A function as it is called here: what its arguments are is its caller's affair. */
export type Callable = (this: unknown, ...args: unknown[]) => unknown

export type HandleOf = (self: unknown, args: readonly unknown[]) => Handle
type Kind = 'sync' | 'async' | 'generator' | 'asyncGenerator'

const kinds: Record<string, Kind> = {
  AsyncFunction: 'async',
  GeneratorFunction: 'generator',
  AsyncGeneratorFunction: 'asyncGenerator',
}

function kindOf(fn: Callable): Kind {
  return kinds[Object.prototype.toString.call(fn).slice(8, -1)] ?? 'sync'
}

const callers: Record<Kind, (fn: Callable, handleOf: HandleOf, refused?: Callable) => Callable> = {
  async: (fn, handleOf, refused) =>
    async function (...args) {
      const handle = handleOf(this, args)
      const body = (): unknown => fn.apply(this, args)
      return await (refused === undefined ? handle.run(body) : handle.runElse(body, () => refused.apply(this, args)))
    },
  sync: (fn, handleOf, refused) =>
    function (...args) {
      const lease = acquireForPlain(handleOf(this, args), refused !== undefined)
      if (lease === undefined) return refused?.apply(this, args)
      return callSync(lease, () => fn.apply(this, args))
    },
  generator: (fn, handleOf, refused) =>
    function* (...args) {
      const handle = handleOf(this, args)
      const lease = refused === undefined ? handle.acquireSync() : handle.tryAcquireSync()
      if (lease === undefined) return refused?.apply(this, args)
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
  asyncGenerator: (fn, handleOf, refused) =>
    async function* (...args) {
      const handle = handleOf(this, args)
      const lease = await (refused === undefined ? handle.acquire() : handle.tryAcquire())
      if (lease === undefined) return await refused?.apply(this, args)
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
function callSync(lease: SyncLease, body: () => unknown): unknown {
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

/** undefined: another holds, and somebody will be asked in place of the function. */
function acquireForPlain(handle: Handle, mayFail: boolean): SyncLease | undefined {
  try {
    return mayFail ? handle.tryAcquireSync() : handle.acquireSync()
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
