import { describe, expect, inject, it } from 'vitest'
import { createHoldfast, memory } from 'holdfast'
import { faulty } from 'holdfast/testing'
import { startProxy } from '../support/servers/proxy.js'
import { onEachBackend } from './support/backends.js'
import { failureOf, freshKey, thrownBy, until } from './support/tools.js'

describe('close()', () => {
  onEachBackend(({ open }) => {
    it('releases what is held, so that others can go on', async () => {
      const [holdfast, other] = [open(), open()]
      const keys = [freshKey(), freshKey(), freshKey()]
      const leases = await Promise.all(keys.map((key) => holdfast.lock(key).acquire()))
      await holdfast.close()
      for (const key of keys) expect(await other.lock(key).isLocked()).toBe(false)
      for (const lease of leases) {
        expect(lease.active).toBe(false)
        expect(lease.remainingMs).toBe(0)
        expect(thrownBy(() => lease.assertActive()).code).toBe('LOCK_RELEASED')
        expect(await lease.release()).toBe(false)
      }
    })

    it('ends the waits of this instance, and not those of others', async () => {
      const [holdfast, other] = [open(), open()]
      const key = freshKey()
      const lease = await other.lock(key).acquire()
      const waits = [1, 2, 3].map(() => failureOf(() => holdfast.lock(key, { wait: true }).acquire()))
      const alien = other.lock(key, { wait: '10s' }).acquire()
      await until('all wait', async () => ((await holdfast.lock(key).inspect())?.waiters.length ?? 0) >= 3)
      await holdfast.close()
      for (const error of await Promise.all(waits)) expect(error.message).toContain('closed')
      await lease.release()
      expect((await alien).active).toBe(true)
    })

    it('makes every later use fail, and say so', async () => {
      const holdfast = open()
      const [used, unused] = [holdfast.lock(freshKey()), holdfast.lock(freshKey(), { wait: '10s' })]
      await used.acquire()
      const wrapped = holdfast.lock('k-{id}')(async (id: number) => id)
      await holdfast.close()
      for (const handle of [used, unused, holdfast.lock(freshKey())]) {
        for (const use of [
          () => handle.acquire(),
          () => handle.tryAcquire(),
          () => handle.run(() => 'never'),
          () => handle.isLocked(),
          () => handle.inspect(),
          () => handle.forceRelease(),
          () => wrapped(1),
          () => wrapped.isLocked(1),
        ]) {
          const promise = use() // rejects, and does not throw
          expect((await failureOf(() => promise)).message).toContain('closed')
        }
        expect(await handle.release()).toBe(false)
      }
    })

    it('may be called again and at once: each resolves when all is closed', async () => {
      const [holdfast, other] = [open(), open()]
      const key = freshKey()
      await holdfast.lock(key).acquire()
      const closings = [holdfast.close(), holdfast.close()]
      await closings[1]
      expect(await other.lock(key).isLocked()).toBe(false)
      await closings[0]
      await holdfast.close()
    })

    it('is called by `await using`', async () => {
      const other = open()
      const key = freshKey()
      {
        await using holdfast = open()
        await holdfast.lock(key).acquire()
        expect(await other.lock(key).isLocked()).toBe(true)
      }
      expect(await other.lock(key).isLocked()).toBe(false)
    })
  })

  it('of an instance that was never used has nothing to do', async () => {
    const holdfast = createHoldfast({ store: 'redis://127.0.0.1:1' })
    await expect(holdfast.close()).resolves.toBeUndefined()
  })

  it('makes sync calls fail too', async () => {
    const holdfast = createHoldfast()
    const handle = holdfast.lock(freshKey())
    handle.acquireSync()
    await holdfast.close()
    for (const use of [() => handle.acquireSync(), () => handle.tryAcquireSync(), () => handle.isLockedSync()]) {
      expect(thrownBy(use).message).toContain('closed')
    }
  })

  it('closes the connection that a URL opened, and none is opened after it', async () => {
    const proxy = await startProxy(inject('redisUrl'))
    const holdfast = createHoldfast({ store: proxy.url })
    const handle = holdfast.lock(freshKey())
    expect(proxy.connections).toBe(0)
    await handle.acquire()
    expect(proxy.connections).toBeGreaterThan(0)
    await holdfast.close()
    await until('its connections are gone', () => proxy.connections === 0)
    await failureOf(() => handle.isLocked())
    const unused = createHoldfast({ store: proxy.url })
    await unused.close()
    await failureOf(() => unused.lock(freshKey()).isLocked())
    await failureOf(() => unused.lock(freshKey()).acquire())
    expect(proxy.connections).toBe(0)
    await proxy.close()
  })

  it('closes a store that two instances share with the last of them, and no sooner', async () => {
    const records = memory()
    const shared = faulty(records)
    const closed = (): number => shared.calls.filter(({ operation }) => operation === 'close').length
    const [one, two] = [createHoldfast({ store: shared }), createHoldfast({ stores: { a: shared, b: shared } })]
    const [held, other] = [freshKey(), freshKey()]
    const lease = await two.lock(held, { store: 'a' }).acquire()
    await one.lock(other).acquire()
    await one.close()
    expect(closed()).toBe(0)
    expect(lease.active).toBe(true)
    expect(records.inspect(`holdfast:${other}`)).toBeUndefined()
    await one.close()
    expect(closed()).toBe(0)
    await two.close()
    expect(closed()).toBe(1)
    expect(records.inspect(`holdfast:${held}`)).toBeUndefined()
  })
})

describe('instances', () => {
  it('are independent: each has its own memory', async () => {
    const [one, two] = [createHoldfast(), createHoldfast()]
    const key = freshKey()
    one.lock(key).acquireSync()
    expect(two.lock(key).isLockedSync()).toBe(false)
    await one.close()
    expect(two.lock(key).acquireSync().active).toBe(true)
    await two.close()
  })

  it('share the keys of a store that they share', async () => {
    const store = memory()
    const [one, two] = [createHoldfast({ store }), createHoldfast({ store })]
    const key = freshKey()
    const lease = one.lock(key).acquireSync()
    expect(two.lock(key).tryAcquireSync()).toBeUndefined()
    expect(two.lock(key).forceReleaseSync()).toBe(true)
    expect(lease.signal.reason).toMatchObject({ code: 'LOCK_REVOKED' })
    await Promise.all([one.close(), two.close()])
  })
})
