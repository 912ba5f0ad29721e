import { InvalidOptionError, SyncUnsupportedError } from '../core/errors.js'
import type { SyncLease } from '../core/lease.js'
import { syncLeases } from './bodies.js'
import { type Callable, decorate, dress, keyMaker, type KeySpec, type Kind, kindOf } from './decorate.js'
import { Handle, isThenable } from './handle.js'
import type { Source } from './instance.js'
import type { ParsedOptions } from './options.js'

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

/** Wraps or decorates, as the arguments say, so that each call holds the lock of its key. @throws InvalidOptionError, KeyTemplateError */
export function wrapWithLock(wrapping: WrapOptions, args: readonly unknown[]): unknown {
  return decorate('A lock', args, (fn) => wrap(wrapping, fn))
}

function wrap({ source, key, options, refused, ...wrapping }: WrapOptions, fn: Callable): Callable {
  const keyOf = keyMaker(key, fn, options.args)
  const make = wrapping.handle ?? ((text: string) => new Handle(source, text, options))
  const handleOf = (self: unknown, args: readonly unknown[]): Handle => make(keyOf(self, args))
  const kind = kindOf(fn)
  if (options.reentrant && kind.endsWith('enerator')) {
    throw new InvalidOptionError(
      'reentrant: a generator runs within its consumer, who has no scope. Leave it out here.',
    )
  }
  const wrapped = callers[kind](fn, handleOf, refused)
  // `job.isLocked(1)` is called on the wrapped function itself: that is no `this` of a method
  const at = (self: unknown, args: readonly unknown[]): Handle => handleOf(self === wrapped ? undefined : self, args)
  const isAsync = kind === 'async' || kind === 'asyncGenerator'
  dress(wrapped, fn, { ...(isAsync ? asyncCalls(at) : syncCalls(at)), ...wrapping.calls?.(at, isAsync) })
  return wrapped
}

export type HandleOf = (self: unknown, args: readonly unknown[]) => Handle

const callers: Record<Kind, (fn: Callable, handleOf: HandleOf, refused?: Callable) => Callable> = {
  async: (fn, handleOf, refused) =>
    async function (...args) {
      const handle = handleOf(this, args)
      const body = (): unknown => fn.apply(this, args)
      return await (refused === undefined ? handle.run(body) : handle.runElse(body, () => refused.apply(this, args)))
    },
  sync: (fn, handleOf, refused) =>
    function (...args) {
      const handle = handleOf(this, args)
      const lease = acquireForPlain(handle, refused !== undefined)
      if (lease === undefined) return refused?.apply(this, args)
      return callSync(
        lease,
        handle.scoped(() => fn.apply(this, args)),
      )
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
function callSync(lease: SyncLease, body: (lease: SyncLease) => unknown): unknown {
  let result: unknown
  syncLeases.push(lease)
  try {
    result = body(lease)
  } catch (error) {
    syncLeases.pop()
    lease.abort()
    throw error
  }
  syncLeases.pop()
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
