import { SyncUnsupportedError } from '../core/errors.js'
import { type Callable, decorate, dress, keyMaker, type KeySpec, type Kind, kindOf } from './decorate.js'
import { Handle, isThenable } from './handle.js'
import type { Source } from './instance.js'
import type { ParsedOptions } from './options.js'

export interface WrapOptions {
  readonly source: Source
  readonly key: KeySpec
  readonly options: ParsedOptions
}

/** Wraps or decorates, as the arguments say, so that each call holds the lock of its key. @throws InvalidOptionError, KeyTemplateError */
export function wrapWithLock(wrapping: WrapOptions, args: readonly unknown[]): unknown {
  return decorate('A lock', args, (fn) => wrap(wrapping, fn))
}

function wrap({ source, key, options }: WrapOptions, fn: Callable): Callable {
  const keyOf = keyMaker(key, fn, options.args)
  const handleOf = (self: unknown, args: readonly unknown[]): Handle => new Handle(source, keyOf(self, args), options)
  const kind = kindOf(fn)
  const wrapped = callers[kind](fn, handleOf)
  // `job.isLocked(1)` is called on the wrapped function itself: that is no `this` of a method
  const at = (self: unknown, args: readonly unknown[]): Handle => handleOf(self === wrapped ? undefined : self, args)
  dress(wrapped, fn, kind === 'async' || kind === 'asyncGenerator' ? asyncCalls(at) : syncCalls(at))
  return wrapped
}

type HandleOf = (self: unknown, args: readonly unknown[]) => Handle

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
