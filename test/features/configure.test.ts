import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest'
import { close, configure, createHoldfast, lock, memory, NotConfiguredError } from 'holdfast'
import { faulty } from 'holdfast/testing'
import { failureOf, freshKey, thrownBy } from './support/tools.js'

beforeEach(close)
afterEach(close)

describe('before configure()', () => {
  it('a lock can be written, wrapped and decorated, but not used', async () => {
    const handle = lock(freshKey(), { wait: '1s' })
    const wrapped = lock('k-{id}')(async (id: string) => id)
    const plain = lock('k-{id}')((id: string) => id)
    const uses: Readonly<Record<string, () => unknown>> = {
      acquire: () => handle.acquire(),
      tryAcquire: () => handle.tryAcquire(),
      run: () => handle.run(() => 'never'),
      isLocked: () => handle.isLocked(),
      inspect: () => handle.inspect(),
      forceRelease: () => handle.forceRelease(),
      wrapped: () => wrapped('x'),
      'wrapped.isLocked': () => wrapped.isLocked('x'),
    }
    for (const [name, use] of Object.entries(uses)) {
      const promise = use() // rejects, and does not throw
      const error = await failureOf(() => promise)
      expect(error, name).toBeInstanceOf(NotConfiguredError)
      expect(error).toMatchObject({ name: 'NotConfiguredError', code: 'NOT_CONFIGURED' })
      expect(error.message).toContain('configure()')
      expect(error.message).toContain(`configure({ store: 'redis://…' })`)
    }
    const syncUses = [
      () => handle.acquireSync(),
      () => handle.tryAcquireSync(),
      () => handle.runSync(() => 'never'),
      () => handle.isLockedSync(),
      () => handle.inspectSync(),
      () => handle.forceReleaseSync(),
      () => plain('x'),
      () => plain.isLocked('x'),
    ]
    for (const use of syncUses) expect(thrownBy(use).code).toBe('NOT_CONFIGURED')
  })

  it('release of a handle finds nothing to release', async () => {
    expect(await lock(freshKey()).release()).toBe(false)
  })

  it('junk is told all the same', () => {
    expect(thrownBy(() => lock('')).code).toBe('INVALID_KEY')
    expect(thrownBy(() => lock('k', { ttl: 1 })).code).toBe('INVALID_OPTION')
  })
})

describe('configure()', () => {
  it('without a store locks within this process, sync and async on the same keys', async () => {
    configure()
    const key = freshKey()
    const lease = lock(key).acquireSync()
    expect(await lock(key).tryAcquire()).toBeUndefined()
    lease.release()
    const again = await lock(key).acquire()
    expect(lock(key).tryAcquireSync()).toBeUndefined()
    await again.release()
  })

  it('serves the handles, wrappers and decorators that were made before it', async () => {
    const key = freshKey()
    const handle = lock(key)
    const wrapped = lock(`${key}-{id}`)((id: number): unknown => wrapped.inspect(id)?.key)
    configure()
    const lease = await handle.acquire()
    expect(lock(key).isLockedSync()).toBe(true)
    expect(await lease.release()).toBe(true)
    expect(wrapped(1)).toBe(`${key}-1`)
  })

  it('again, replaces: handles made before use the new one, holds of the old one live on', async () => {
    const [first, second] = [memory(), memory()]
    configure({ store: first, prefix: '' })
    const key = freshKey()
    const handle = lock(key)
    const old = await handle.acquire()
    configure({ store: second, prefix: '' })
    expect(await handle.isLocked()).toBe(false)
    const renewed = await handle.acquire()
    expect(second.inspect(key)?.holders).toHaveLength(1)
    expect(first.inspect(key)?.holders).toHaveLength(1)
    expect([old.active, renewed.active]).toEqual([true, true])
    await close() // the new one
    expect([old.active, renewed.active]).toEqual([true, false])
    expect(await old.release()).toBe(true)
    expect(first.inspect(key)).toBeUndefined()
  })

  it('again, with another kind of store: the same handle asks Redis then', async () => {
    configure()
    const key = freshKey()
    const handle = lock(key)
    const local = handle.acquireSync()
    configure({ store: inject('redisUrl') })
    const elsewhere = createHoldfast({ store: inject('redisUrl') })
    const lease = await handle.acquire()
    expect(await elsewhere.lock(key).isLocked()).toBe(true)
    expect(thrownBy(() => handle.acquireSync()).code).toBe('SYNC_UNSUPPORTED')
    expect(local.active).toBe(true)
    await lease.release()
    await elsewhere.close()
    local.release()
  })

  it('that fails keeps what was', () => {
    configure({ prefix: 'kept:' })
    const lease = lock('key').acquireSync()
    expect(() => configure({ store: 'junk' })).toThrow()
    expect(lock('key').isLockedSync()).toBe(true)
    lease.release()
  })
})

describe('close()', () => {
  it('of the global instance makes the next use say that nothing is configured', async () => {
    configure()
    const handle = lock(freshKey())
    const lease = await handle.acquire()
    await close()
    expect(lease.active).toBe(false)
    expect((await failureOf(() => handle.acquire())).code).toBe('NOT_CONFIGURED')
    configure()
    expect((await handle.acquire()).active).toBe(true)
  })

  it('called twice, as by two signals, resolves when all is released', async () => {
    const records = memory()
    const store = faulty(records)
    store.always('release', { delayMs: 50 })
    configure({ store, prefix: '' })
    const key = freshKey()
    await lock(key).acquire()
    const first = close()
    await close()
    expect(records.inspect(key)).toBeUndefined()
    await first
  })

  it('without configure() has nothing to do', async () => {
    await expect(close()).resolves.toBeUndefined()
    await expect(Promise.all([close(), close()])).resolves.toBeDefined()
  })
})

describe('named stores', () => {
  it('keep locks of the same key apart, and their alias may be an URL or a store', async () => {
    const locks = memory()
    const holdfast = createHoldfast({ stores: { locks, far: inject('redisUrl'), near: 'memory:' } })
    const key = freshKey()
    const aliases = [undefined, 'locks', 'far', 'near'] as const
    const handles = aliases.map((store) => holdfast.lock(key, store === undefined ? {} : { store }))
    const leases = await Promise.all(handles.map((handle) => handle.acquire()))
    expect(leases.every((lease) => lease.active)).toBe(true)
    expect(locks.inspect(`holdfast:${key}`)?.holders).toHaveLength(1)
    for (const handle of handles) expect(await handle.tryAcquire()).toBeUndefined()
    for (const handle of handles) expect(await handle.release()).toBe(true)
    await holdfast.close()
  })

  it('serve wrappers and decorators too', async () => {
    const locks = memory()
    const { lock } = createHoldfast({ stores: { locks }, prefix: '' })
    const key = freshKey()
    const seen: unknown[] = []
    class Job {
      @lock(key, { store: 'locks' })
      run(): void {
        seen.push(locks.inspect(key)?.holders.length)
      }
    }
    new Job().run()
    lock(`${key}-{id}`, { store: 'locks' })((id: number) => seen.push(locks.inspect(`${key}-${id}`)?.holders.length))(1)
    lock((id: number) => `${key}-${id}`, { store: 'locks' })((id: number) =>
      seen.push(locks.inspect(`${key}-${id}`)?.holders.length),
    )(2)
    expect(seen).toEqual([1, 1, 1])
  })
})
