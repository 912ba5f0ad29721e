import { describe, expect, expectTypeOf, it } from 'vitest'
import {
  createHoldfast,
  type HoldfastOptions,
  lock as globalLock,
  type Lock,
  memory,
  type Store,
  type SyncLease,
  type SyncStore,
} from 'holdfast'
import { redis, type RedisClient } from 'holdfast/redis'

const url = 'redis://127.0.0.1:1'
const client = { evalsha: () => {}, status: 'end', options: {} } as unknown as RedisClient

describe('a store that answers at once', () => {
  it('has both kinds of calls', () => {
    for (const { lock } of [
      createHoldfast({ store: memory() }),
      createHoldfast({ store: 'memory:' }),
      createHoldfast(),
    ]) {
      expectTypeOf(lock('key')).toEqualTypeOf<Lock>()
      expectTypeOf(lock('key').acquireSync()).toEqualTypeOf<SyncLease>()
      expectTypeOf(lock('other').runSync(() => 5)).toEqualTypeOf<number>()
      expectTypeOf(lock('key').isLockedSync()).toEqualTypeOf<boolean>()
    }
    const { lock } = createHoldfast({ prefix: 'app:', ttl: '10s', logger: console })
    expectTypeOf(lock('key').tryAcquireSync()).toEqualTypeOf<SyncLease | undefined>()
    expectTypeOf(globalLock('key')).toEqualTypeOf<Lock>()
  })

  it('of the type SyncStore counts as one, of the type Store as the other', () => {
    const store: SyncStore = memory()
    const sync = createHoldfast({ store })
    expectTypeOf(sync.lock('key').acquireSync).toBeFunction()
    const distant: Store = redis(client)
    const async_ = createHoldfast({ store: distant })
    expectTypeOf(async_.lock('key')).toEqualTypeOf<Lock<'async'>>()
  })
})

describe('a store that answers with promises', () => {
  it('has no sync calls: they do not compile', () => {
    const address: string = url
    for (const { lock } of [
      createHoldfast({ store: url }),
      createHoldfast({ store: address }),
      createHoldfast({ store: redis(url) }),
      createHoldfast({ store: redis(client), prefix: 'app:' }),
    ]) {
      const handle = lock('key')
      expectTypeOf(handle).toEqualTypeOf<Lock<'async'>>()
      expectTypeOf(handle).not.toHaveProperty('acquireSync')
      expectTypeOf(handle.acquire).toBeFunction()
      // @ts-expect-error -- only on a store that answers at once
      expect(handle.acquireSync).toBeTypeOf('function')
      // @ts-expect-error -- only on a store that answers at once
      expect(handle.tryAcquireSync).toBeTypeOf('function')
      // @ts-expect-error -- only on a store that answers at once
      expect(handle.runSync).toBeTypeOf('function')
      // @ts-expect-error -- only on a store that answers at once
      expect(handle.isLockedSync).toBeTypeOf('function')
      // @ts-expect-error -- only on a store that answers at once
      expect(handle.forceReleaseSync).toBeTypeOf('function')
      expect(() => (handle as Lock).acquireSync()).toThrow('acquireSync() on key')
      expect(() => (handle as Lock).forceReleaseSync()).toThrow('forceReleaseSync() on key')
    }
  })

  it('wraps async functions only: a plain one does not compile', () => {
    const { lock } = createHoldfast({ store: url })
    lock('key')(async (id: string) => id)
    lock('key')(async function* () {
      yield 1
    })
    lock('key')((id: string) => Promise.resolve(id))
    // @ts-expect-error -- it returns no promise
    lock('key')((id: string) => id)
    // @ts-expect-error -- it returns no promise
    lock('key')(function* () {
      yield 1
    })
    // @ts-expect-error -- it returns no promise
    lock((id: string) => id)((id: string) => id)
  })

  it('decorates async methods only', () => {
    const { lock } = createHoldfast({ store: url })
    class Billing {
      @lock('bill-{id}')
      async charge(id: string): Promise<string> {
        return id
      }

      // @ts-expect-error -- it returns no promise
      @lock('bill-{id}')
      count(id: string): string {
        return id
      }
    }
    expectTypeOf(new Billing().charge).toEqualTypeOf<(id: string) => Promise<string>>()
  })
})

describe('named stores', () => {
  const { lock } = createHoldfast({ store: url, stores: { near: memory(), far: url, too: 'memory:' } })

  it('decide for the locks that name them', () => {
    expectTypeOf(lock('key', { store: 'near' })).toEqualTypeOf<Lock>()
    expectTypeOf(lock('key', { store: 'too' }).acquireSync).toBeFunction()
    expectTypeOf(lock('key', { store: 'far' })).toEqualTypeOf<Lock<'async'>>()
    expectTypeOf(lock('key', { wait: '1s' })).toEqualTypeOf<Lock<'async'>>()
    lock('key-{id}', { store: 'near' })((id: string) => id)
    lock((id: string) => id, { store: 'near' })((id: string) => id)
  })

  it('are known by their aliases: a typo does not compile', () => {
    // @ts-expect-error -- no store has this alias
    expect(() => lock('key', { store: 'naer' })).toThrow(`Unknown store alias 'naer'`)
    // @ts-expect-error -- no store has this alias
    expect(() => lock((id: string) => id, { store: 'naer' })).toThrow(`Unknown store alias 'naer'`)
    // @ts-expect-error -- no stores are named
    expect(() => createHoldfast().lock('key', { store: 'locks' })).toThrow('none were configured')
    // @ts-expect-error -- no stores are named
    expect(() => createHoldfast({ store: url }).lock('key', { store: 'locks' })).toThrow('none were configured')
    // @ts-expect-error -- an alias is text
    expect(() => lock('key', { store: 1 })).toThrow('store is 1')
  })

  it('of the global instance are not known to the compiler, nor are those of options made elsewhere', () => {
    expectTypeOf(globalLock('key', { store: 'anything' })).toEqualTypeOf<Lock>()
    const options: HoldfastOptions = { stores: { any: memory() } }
    expectTypeOf(createHoldfast(options).lock('key', { store: 'any' }).acquire).toBeFunction()
  })
})
