import { setTimeout as sleep } from 'node:timers/promises'
import { LockLostError } from 'holdfast'
import { describe, expect, it } from 'vitest'
import { redisCommand } from '../support/servers/redis-command.js'
import { startRedis } from '../support/servers/redis.js'
import { beBusy, elsewhere, freshKey, open, openAsync, thrownBy, url, warmLock } from './support.js'

const ttlMs = 500

describe('a hold while the thread is busy', () => {
  it('is kept beyond three leases', async () => {
    const holdfast = open()
    const lock = warmLock(holdfast, { ttl: ttlMs })
    const lease = lock.acquireSync()
    const { token } = lease
    const [before] = lock.inspectSync()?.holders ?? []
    beBusy(ttlMs * 3.5)
    expect(lease.active).toBe(true)
    expect(lease.remainingMs).toBeGreaterThan(0)
    const [after] = lock.inspectSync()?.holders ?? []
    expect(after).toMatchObject({ id: before?.id, token })
    expect(await openAsync().lock(lease.key).tryAcquire()).toBeUndefined()
    expect(lease.token).toBe(token)
    await sleep(ttlMs * 2)
    expect(lease.active).toBe(true)
    beBusy(ttlMs * 2)
    expect(lease.release()).toBe(true)
  })

  it('is kept for each of many', () => {
    const holdfast = open()
    const leases = Array.from({ length: 40 }, () => warmLock(holdfast, { ttl: '1s' }).acquireSync())
    for (const lease of leases.splice(0, 20)) lease.release()
    beBusy(2500)
    expect(leases.map(({ active }) => active)).toEqual(leases.map(() => true))
    expect(leases.map((lease) => lease.release())).toEqual(leases.map(() => true))
  })

  it('is lost when the store forgets it, which is told no later than the deadline', async () => {
    await using redis = await disposableRedis()
    const holdfast = open(redis.url)
    const lease = warmLock(holdfast, { ttl: ttlMs }).acquireSync()
    const { done } = await elsewhere(redis.url, 100, 'FLUSHALL')
    beBusy(ttlMs + 300) // flushed after 100 ms or so, last renewed before, at the latest
    expect(lease.active).toBe(false)
    expect(thrownBy(() => lease.assertActive())).toMatchObject({ code: 'LOCK_LOST' })
    expect(lease.signal.reason).toBeInstanceOf(LockLostError)
    await done
  })

  it('is not renewed any more by the worker when it was lost', async () => {
    await using redis = await disposableRedis()
    const lock = warmLock(open(redis.url), { ttl: ttlMs })
    const { done } = await elsewhere(redis.url, 100, 'FLUSHALL')
    expect(thrownBy(() => lock.runSync(() => (beBusy(ttlMs + 300), 'done')))).toMatchObject({
      code: 'LOCK_LOST',
      result: 'done',
    })
    await done
    using again = lock.acquireSync()
    expect(again.active).toBe(true)
  })

  it('ends at its expire limit', async () => {
    const holdfast = open()
    const lock = warmLock(holdfast, { ttl: ttlMs, expire: ttlMs * 1.6 })
    const lease = lock.acquireSync()
    beBusy(ttlMs * 1.2)
    expect(lease.active).toBe(true)
    beBusy(ttlMs * 0.5)
    expect(lease.active).toBe(false)
    expect(lease.signal.reason).toMatchObject({ code: 'LOCK_EXPIRED' })
    expect(await openAsync().lock(lease.key).tryAcquire()).toBeDefined()
  })

  it('ends at its expire limit in the store too, when nobody looks', async () => {
    const holdfast = open()
    const lease = warmLock(holdfast, { ttl: ttlMs, expire: ttlMs * 2.2 }).acquireSync()
    const name = `holdfast:${lease.key}`
    beBusy(ttlMs * 1.7)
    const leftMs = Number(await redisCommand(url, ['PTTL', name]))
    expect(leftMs).toBeGreaterThan(0)
    expect(leftMs).toBeLessThanOrEqual(ttlMs * 0.6)
  })
})

describe('a hold that was released', () => {
  it('is renewed no more', async () => {
    const holdfast = open()
    const key = freshKey()
    warmLock(holdfast, { ttl: 200 }, key).acquireSync().release()
    const theirs = await openAsync().lock(key, { ttl: '20s' }).acquire()
    await sleep(500)
    expect(Number(await redisCommand(url, ['PTTL', `holdfast:${key}`]))).toBeGreaterThan(10_000)
    expect(theirs.active).toBe(true)
  })

  it('stays for the rest of minHold, and not for ever', async () => {
    const holdfast = open()
    const lock = warmLock(holdfast, { ttl: 200, minHold: 600 })
    const startMs = performance.now()
    const lease = lock.acquireSync()
    expect(lease.release()).toBe(true)
    expect(lock.isLockedSync()).toBe(true)
    using _ = holdfast.lock(lease.key, { wait: '10s' }).acquireSync()
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(550)
    expect(performance.now() - startMs).toBeLessThan(4000)
  })
})

async function disposableRedis(): Promise<AsyncDisposable & { readonly url: string }> {
  const redis = await startRedis()
  return { url: redis.url, [Symbol.asyncDispose]: () => redis.stop() }
}
