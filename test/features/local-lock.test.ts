import { describe, expect, it } from 'vitest'
import {
  close,
  configure,
  createHoldfast,
  localLock,
  LockedError,
  type LockLostError,
  LockTimeoutError,
} from 'holdfast'
import { failureOf, freshKey, latch, until } from './support/tools.js'

describe('localLock()', () => {
  it('is a lock without a key, and works before configure()', async () => {
    const guard = localLock()
    expect(guard.active).toBe(false)
    {
      await using lease = await guard.acquire()
      expect(lease.active).toBe(true)
      expect(guard.active).toBe(true)
      expect(await guard.tryAcquire()).toBeUndefined()
      expect(await failureOf(() => guard.acquire())).toBeInstanceOf(LockedError)
    }
    expect(guard.active).toBe(false)
    {
      using lease = guard.acquireSync()
      expect(lease.active).toBe(true)
      expect(guard.active).toBe(true)
    }
    expect(guard.active).toBe(false)
  })

  it('is another one each time', () => {
    const [one, two] = [localLock(), localLock()]
    expect(one.key).not.toBe(two.key)
    using lease = one.acquireSync()
    expect(lease.active).toBe(true)
    expect(two.active).toBe(false)
    expect(createHoldfast().localLock().key).not.toBe(one.key)
  })

  it('runs bodies one after the other', async () => {
    const guard = localLock({ wait: true })
    const order: number[] = []
    await Promise.all(
      [1, 2, 3].map((id) =>
        guard.run(async () => {
          order.push(id)
          await Promise.resolve()
          order.push(id)
        }),
      ),
    )
    expect(order).toEqual([1, 1, 2, 2, 3, 3])
    expect(guard.runSync(() => guard.active)).toBe(true)
  })

  it('waits as told, and gives up as told', async () => {
    const guard = localLock({ wait: '20ms', label: 'the guard' })
    const lease = await guard.acquire()
    const error = await failureOf(() => guard.acquire())
    expect(error).toBeInstanceOf(LockTimeoutError)
    expect(error.message).toContain('held by "the guard"')
    const waiting = guard.acquire()
    await lease.release()
    expect((await waiting).active).toBe(true)
  })

  it('ends at its expire, and tells its holder', async () => {
    const guard = localLock({ expire: '30ms' })
    const lease = await guard.acquire()
    await until('it expired', () => !guard.active)
    expect(lease.active).toBe(false)
    expect((lease.signal.reason as LockLostError).code).toBe('LOCK_EXPIRED')
  })

  it('wraps functions', async () => {
    const gate = latch<string>()
    const guard = localLock()
    const work = guard(async () => gate.promise)
    const running = work()
    await expect(work()).rejects.toBeInstanceOf(LockedError)
    expect(await work.isLocked()).toBe(guard.active)
    gate.open('done')
    expect(await running).toBe('done')
    expect(guard.active).toBe(false)
  })

  it('cares for no instance: neither configure() nor close() end it', async () => {
    configure()
    const guard = localLock()
    const lease = guard.acquireSync()
    await close()
    expect(guard.active).toBe(true)
    expect(lease.release()).toBe(true)
    const holdfast = createHoldfast()
    const other = holdfast.localLock()
    const held = other.acquireSync()
    await holdfast.close()
    expect(held.active).toBe(true)
    expect(other.active).toBe(true)
    held.release()
  })

  it('cannot be taken by its name', async () => {
    configure()
    const guard = localLock()
    using lease = guard.acquireSync()
    expect(lease.key).toBe(guard.key)
    const { lock } = createHoldfast({ prefix: '' })
    expect(lock(guard.key).isLockedSync()).toBe(false)
    expect(lock(freshKey()).isLockedSync()).toBe(false)
    await close()
  })
})
