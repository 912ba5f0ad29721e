import { describe, expect, it } from 'vitest'
import { createHoldfast, LockedError, SyncUnsupportedError } from 'holdfast'
import { freshKey, latch, thrownBy } from './support/tools.js'

const { lock } = createHoldfast()

class Thing {
  readonly name = 'thing'
}

function describeCall(this: unknown, ...args: unknown[]): readonly unknown[] {
  return [this, ...args]
}

/** One function of each kind, which answers with its `this` and its arguments, or throws. */
const kinds = {
  sync: function (this: unknown, first: unknown, second: unknown): readonly unknown[] {
    if (first instanceof Error) throw first
    return describeCall.call(this, first, second)
  },
  async: async function (this: unknown, first: unknown, second: unknown): Promise<readonly unknown[]> {
    if (first instanceof Error) throw first
    return describeCall.call(this, first, second)
  },
  generator: function* (this: unknown, first: unknown, second: unknown): Generator<never, readonly unknown[]> {
    if (first instanceof Error) throw first
    return describeCall.call(this, first, second)
  },
  asyncGenerator: async function* (
    this: unknown,
    first: unknown,
    second: unknown,
  ): AsyncGenerator<never, readonly unknown[]> {
    if (first instanceof Error) throw first
    return describeCall.call(this, first, second)
  },
}

interface Wrapped {
  call(self: unknown, first: unknown, second: unknown): unknown
  isLocked(...args: unknown[]): unknown
  release(...args: unknown[]): unknown
  inspect(...args: unknown[]): unknown
}

/** What a call of any kind gives in the end. */
async function resultOf(result: unknown): Promise<unknown> {
  if (typeof result !== 'object' || result === null || !('next' in result)) return result
  return (await (result as AsyncGenerator).next()).value
}

describe.each(Object.entries(kinds))('a wrapped %s function', (kind, fn) => {
  const wrap = (key = freshKey()): Wrapped => lock(key)(fn as typeof kinds.sync)
  const isAsync = kind.startsWith('async')

  it('gets its this and its arguments, and its result passes through', async () => {
    const thing = new Thing()
    const argument = { deep: [1] }
    const result = await resultOf(wrap().call(thing, argument, undefined))
    expect(result).toEqual([thing, argument, undefined])
    expect((result as unknown[])[0]).toBe(thing)
    expect((result as unknown[])[1]).toBe(argument)
  })

  it('lets its error through as it is, and the lock is free again', async () => {
    const wrapped = wrap()
    const error = new RangeError('of the body')
    for (let times = 0; times < 2; times++) {
      await expect((async () => resultOf(wrapped.call(undefined, error, 0)))()).rejects.toBe(error)
      expect(await wrapped.isLocked(error, 0)).toBe(false)
    }
  })

  it('keeps its name and its length, and shows no more properties', () => {
    const named = { [kind]: fn }[kind] ?? fn
    const wrapped = lock(freshKey())(named as typeof kinds.sync)
    expect(wrapped.name).toBe(fn.name)
    expect(wrapped.length).toBe(2)
    expect(Object.keys(wrapped)).toEqual([])
    expect(lock(freshKey())((..._all: unknown[]) => {}).length).toBe(0)
  })

  it(`answers isLocked, inspect and release ${isAsync ? 'with promises' : 'at once'}`, async () => {
    const wrapped = wrap()
    const answers = [wrapped.isLocked(1, 2), wrapped.inspect(1, 2), wrapped.release(1, 2)]
    for (const answer of answers) expect(answer instanceof Promise).toBe(isAsync)
    expect(await Promise.all(answers)).toEqual([false, undefined, false])
  })

  it('is refused while another holds its key', async () => {
    const key = freshKey()
    const wrapped = wrap(key)
    const lease = lock(key).acquireSync()
    const refusal = await (async () => resultOf(wrapped.call(undefined, 1, 2)))().catch((error: unknown) => error)
    expect(refusal).toBeInstanceOf(LockedError)
    expect(refusal).toMatchObject({ code: 'LOCKED', key })
    expect(await wrapped.isLocked(1, 2)).toBe(true)
    expect(await wrapped.inspect(1, 2)).toMatchObject({ key, holders: [{ token: lease.token }] })
    lease.release()
    expect(await resultOf(wrapped.call(undefined, 1, 2))).toEqual([undefined, 1, 2])
  })
})

describe('a wrapped plain function that returns a promise', () => {
  it('holds the lock until the promise settles, on memory', async () => {
    const key = freshKey()
    const done = latch<string>()
    const wrapped = lock(key)(() => done.promise)
    const running = wrapped()
    expect(lock(key).isLockedSync()).toBe(true)
    expect(() => wrapped()).toThrow(LockedError)
    done.open('done')
    expect(await running).toBe('done')
    expect(lock(key).isLockedSync()).toBe(false)
  })

  it('frees the lock when the promise rejects, and the reason passes through', async () => {
    const key = freshKey()
    const failed = latch<string>()
    const running = lock(key)(() => failed.promise)()
    const reason = new RangeError('later')
    failed.fail(reason)
    await expect(running).rejects.toBe(reason)
    expect(lock(key).isLockedSync()).toBe(false)
  })

  it('may return any thenable', async () => {
    const key = freshKey()
    const done = latch<string>()
    const wrapped = lock(key)((): PromiseLike<string> => ({ then: done.promise.then.bind(done.promise) }))
    const running = wrapped()
    expect(lock(key).isLockedSync()).toBe(true)
    done.open('done')
    expect(await running).toBe('done')
    expect(lock(key).isLockedSync()).toBe(false)
  })

  it('is refused by a store that answers with promises, and the message says what to do', () => {
    const holdfast = createHoldfast({ store: 'redis://127.0.0.1:1' })
    const error = thrownBy(() => holdfast.lock('key')(() => Promise.resolve('never'))())
    expect(error).toBeInstanceOf(SyncUnsupportedError)
    expect(error).toMatchObject({ code: 'SYNC_UNSUPPORTED', key: 'key' })
    expect(error.message).toContain('declare it async')
  })
})

describe('what cannot be wrapped', () => {
  it('is refused at once', () => {
    const wrong: unknown[] = [undefined, null, 1, 'fn', {}, [], Symbol('fn'), Promise.resolve(), class {}, Thing]
    for (const value of wrong) {
      for (const wrapper of [lock('key'), lock(() => 'key')]) {
        const error = thrownBy(() => (wrapper as unknown as (value: unknown) => unknown)(value))
        expect(error).toMatchObject({ name: 'InvalidOptionError', code: 'INVALID_OPTION' })
        expect(error.message).toContain('A lock wraps functions and decorates methods')
      }
    }
  })
})

describe('a function wrapped twice', () => {
  it('holds both keys, each named by the parameters of the innermost function', async () => {
    const [outer, inner] = [freshKey('outer'), freshKey('inner')]
    const done = latch<string>()
    const innermost = lock(`${inner}-{id}`)(async (id: string) => `${id} ${await done.promise}`)
    const wrapped = lock(`${outer}-{id}`)(innermost)
    const running = wrapped('x')
    expect(await wrapped.isLocked('x')).toBe(true)
    expect(await innermost.isLocked('x')).toBe(true)
    expect((await wrapped.inspect('x'))?.key).toBe(`${outer}-x`)
    expect((await innermost.inspect('x'))?.key).toBe(`${inner}-x`)
    done.open('done')
    expect(await running).toBe('x done')
    expect(await innermost.isLocked('x')).toBe(false)
    expect(wrapped.length).toBe(1)
  })
})
