import { SyncUnsupportedError } from '../core/errors.js'
import { type Callable, decorate, dress, keyMaker, type KeySpec, type Kind, kindOf } from './decorate.js'
import { Handle } from './handle.js'
import type { Source } from './instance.js'
import type { ParsedOptions } from './options.js'
import { type Ends, isThenable, type SyncEnds } from './within.js'

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

function wrap({ source, key, options, ...wrapping }: WrapOptions, fn: Callable): Callable {
  const keyOf = keyMaker(key, fn, options.args)
  const make = wrapping.handle ?? ((text: string) => new Handle(source, text, options))
  return wrapWith(fn, (self, args) => make(keyOf(self, args)), wrapping)
}

/** What a wrapped function needs of a handle. */
export interface Askable {
  readonly key: string
  acquire(): Promise<Ends>
  tryAcquire(): Promise<Ends | undefined>
  acquireSync(): SyncEnds
  tryAcquireSync(): SyncEnds | undefined
  run(body: () => unknown): Promise<unknown>
  runElse(body: () => unknown, otherwise: () => unknown): Promise<unknown>
  isLocked(): Promise<boolean>
  isLockedSync(): boolean
  inspect(): Promise<unknown>
  inspectSync(): unknown
  forceRelease(): Promise<boolean>
  forceReleaseSync(): boolean
}

interface Extras<H> {
  readonly refused?: Callable | undefined
  readonly calls?: ((at: AskOf<H>, isAsync: boolean) => Record<string, Callable>) | undefined
}

/** What is asked for a call with this `this` and these arguments. */
type AskOf<H = Askable> = (self: unknown, args: readonly unknown[]) => H

export type HandleOf = AskOf<Handle>

/** Wraps a function so that each call holds what `handleOf` gives for it. */
export function wrapWith<H extends Askable>(
  fn: Callable,
  handleOf: AskOf<H>,
  { refused, calls }: Extras<H> = {},
): Callable {
  const kind = kindOf(fn)
  const wrapped = callers[kind](fn, handleOf, refused)
  // `job.isLocked(1)` is called on the wrapped function itself: that is no `this` of a method
  const at: AskOf<H> = (self, args) => handleOf(self === wrapped ? undefined : self, args)
  const isAsync = kind === 'async' || kind === 'asyncGenerator'
  dress(wrapped, fn, { ...(isAsync ? asyncCalls(at) : syncCalls(at)), ...calls?.(at, isAsync) })
  return wrapped
}

const callers: Record<Kind, (fn: Callable, handleOf: AskOf, refused?: Callable) => Callable> = {
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
function callSync(lease: SyncEnds, body: () => unknown): unknown {
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
function acquireForPlain(handle: Askable, mayFail: boolean): SyncEnds | undefined {
  try {
    return mayFail ? handle.tryAcquireSync() : handle.acquireSync()
  } catch (error) {
    if (!(error instanceof SyncUnsupportedError)) throw error
    const text = `${error.message} If the wrapped function returns a promise, declare it async.`
    throw new SyncUnsupportedError(text, handle.key)
  }
}

function asyncCalls(at: AskOf): Record<string, Callable> {
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

function syncCalls(at: AskOf): Record<string, Callable> {
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
