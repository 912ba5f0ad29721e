import { describe, expect, expectTypeOf, it } from 'vitest'
import { createHoldfast, type Inspection, type MultiLease, type SyncMultiLease } from 'holdfast'

const { lock } = createHoldfast()

describe('a lock of several keys', () => {
  it('gives leases that have tokens by key, and no token alone', async () => {
    const lease = await lock(['a', 'b']).acquire()
    expectTypeOf(lease).toEqualTypeOf<MultiLease>()
    expectTypeOf(lease.tokens).toEqualTypeOf<ReadonlyMap<string, number>>()
    expectTypeOf(lease.keys).toEqualTypeOf<readonly string[]>()
    // @ts-expect-error -- a guard needs the token of the key that it guards
    expect(lease.token).toBeUndefined()
    // @ts-expect-error -- read only
    expect(() => (lease.keys = [])).toThrow(TypeError)
    expectTypeOf(lease.release()).toEqualTypeOf<Promise<boolean>>()
    expectTypeOf<MultiLease>().not.toExtend<Disposable>()
    await lease.release()
    using sync = lock(['a', 'b']).acquireSync()
    expectTypeOf(sync).toEqualTypeOf<SyncMultiLease>()
    expectTypeOf(sync.release()).toEqualTypeOf<boolean>()
    expectTypeOf<SyncMultiLease>().not.toExtend<AsyncDisposable>()
    expectTypeOf(await lock(['single']).tryAcquire()).toEqualTypeOf<MultiLease | undefined>()
  })

  it('has no sync calls on a store that answers with promises, and wraps no sync function there', () => {
    const far = createHoldfast({ store: 'redis://localhost:1' })
    expectTypeOf(far.lock(['a', 'b'])).not.toHaveProperty('acquireSync')
    // @ts-expect-error -- it would have to block
    far.lock(['{0}', 'b'])((id: number) => id)
    expect(far.lock(['a', 'b']).keys).toEqual(['a', 'b'])
  })

  it('wraps functions, whose calls tell of each key', async () => {
    const sync = lock(['a-{0}', 'b-{1}'])((from: number, to: string) => `${String(from)} ${to}`)
    expectTypeOf(sync).parameters.toEqualTypeOf<[from: number, to: string]>()
    expectTypeOf(sync.inspect).toEqualTypeOf<(from: number, to: string) => readonly Inspection[]>()
    expect(sync(1, 'x')).toBe('1 x')
    const made = lock((from: number) => ['a', `b-${String(from)}`])(async (from: number, to: number) => from + to)
    expectTypeOf(made.inspect).toEqualTypeOf<(from: number, to: number) => Promise<readonly Inspection[]>>()
    expect(await made(1, 2)).toBe(3)
    // @ts-expect-error -- the key function takes a number
    expect(lock((from: number) => ['a', `b-${String(from)}`])((text: string) => text)('x')).toBe('x')
    // @ts-expect-error -- keys are text
    expect(() => lock([1, 2])).toThrow('must be text')
    // @ts-expect-error -- a list of keys has no key of its own to hold one permit of
    expect(() => createHoldfast().pool(['a', 'b'], { max: 2 })).toThrow('A key is text')
  })
})
