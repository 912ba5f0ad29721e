import { Redis } from 'ioredis'
import { afterAll, describe, expect, inject, test } from 'vitest'
import type { AcquireRequest } from '../../src/core/store.js'
import { redis } from '../../src/stores/redis/index.js'
import { eventually, freshKey, request, take } from './support.js'

const url = inject('redisUrl')
const client = new Redis(url)
const store = redis(client)
afterAll(async () => {
  await store.close()
  client.disconnect()
})

const resize = async (key: string, from: number, to: number): Promise<void> => store.resize?.(key, from, to)

describe('a key with several permits', () => {
  test('lives as long as its longest lease, not longer', async () => {
    const key = freshKey()
    await take(store, key, 'long', { limit: 3, ttlMs: 60_000 })
    await take(store, key, 'short', { limit: 3, ttlMs: 5_000 })
    const leftMs = async () => [await client.pttl(key), await client.pttl(`{${key}}:leases`)]
    for (const ms of await leftMs()) expect(Math.abs(ms - 60_000)).toBeLessThan(1_000)
    await store.renew(key, 'short', 90_000)
    for (const ms of await leftMs()) expect(Math.abs(ms - 90_000)).toBeLessThan(1_000)
    await store.release(key, 'short')
    for (const ms of await leftMs()) expect(Math.abs(ms - 60_000)).toBeLessThan(1_000)
    await store.release(key, 'long')
    expect(await client.exists(key, `{${key}}:leases`)).toBe(0)
  })

  test('keeps a long lease when a shorter one ends beside it', async () => {
    const key = freshKey()
    await take(store, key, 'long', { limit: 2, ttlMs: 60_000 })
    await take(store, key, 'short', { limit: 2, ttlMs: 50 })
    expect(await store.acquire(request(key, 'next', { limit: 2 }))).toMatchObject({ granted: false })
    await eventually(() => take(store, key, 'next', { limit: 2 }))
    const owners = (await store.inspect(key))?.holders.map(({ owner }) => owner)
    expect(owners?.sort()).toEqual(['long', 'next'])
    expect(await store.release(key, 'short')).toBe(false)
    expect(await store.acquire(request(key, 'more', { limit: 2 }))).toMatchObject({ granted: false })
  })

  test('tells one that wants all when the last of the others ends, and who wants one when the first does', async () => {
    const key = freshKey()
    const limit = 2 ** 30
    await take(store, key, 'reader 1', { limit, ttlMs: 60_000 })
    await take(store, key, 'reader 2', { limit, ttlMs: 20_000 })
    const writer = await store.acquire(request(key, 'writer', { limit, permits: limit }))
    expect(writer).toMatchObject({ granted: false, freeInMs: expect.closeTo(60_000, -3) as number })
    const most = await store.acquire(request(key, 'most', { limit, permits: limit - 1 }))
    expect(most).toMatchObject({ granted: false, freeInMs: expect.closeTo(20_000, -3) as number })
    await store.release(key, 'reader 1')
    await store.release(key, 'reader 2')
    await take(store, key, 'writer', { limit, permits: limit })
    expect(await store.acquire(request(key, 'reader 1', { limit }))).toMatchObject({ granted: false })
  })

  test('drops thousands of expired holders in a few calls', async () => {
    const key = freshKey()
    const limit = 3_000
    const wish = (owner: string, ttlMs: number): AcquireRequest => request(key, owner, { limit, ttlMs })
    await take(store, key, 'stays', { limit })
    await Promise.all(Array.from({ length: 2_999 }, (_, index) => store.acquire(wish(`one ${index}`, 1_500))))
    expect(await store.acquire(wish('too many', 1_000))).toMatchObject({ granted: false })
    const all = { limit, permits: limit - 1 }
    await eventually(() => take(store, key, 'takes all', all))
    expect((await store.inspect(key))?.holders).toHaveLength(2)
    expect(await client.zcard(`{${key}}:leases`)).toBe(2)
    expect(await client.hget(key, '#used')).toBe(String(limit))
  })

  test('is free again when the key was deleted by hand', async () => {
    const key = freshKey()
    await take(store, key, 'anna', { limit: 1 + 1, permits: 2 })
    await client.del(key)
    expect(await store.renew(key, 'anna', 1_000)).toBe(false)
    await take(store, key, 'ben', { limit: 2, permits: 2, ttlMs: 60_000 })
    expect((await store.inspect(key))?.holders).toMatchObject([{ owner: 'ben', permits: 2 }])
    expect(await client.zcard(`{${key}}:leases`)).toBe(1)
  })

  test('hands permits over to a request of another layout', async () => {
    const key = freshKey()
    await take(store, key, 'anna')
    expect(await store.release(key, 'anna', request(key, 'ben', { limit: 4 }))).toMatchObject({
      released: true,
      next: { granted: true },
    })
    expect((await store.inspect(key))?.limit).toBe(4)
    expect(await store.release(key, 'ben', request(key, 'carl'))).toMatchObject({
      released: true,
      next: { granted: true },
    })
    expect(await client.type(key)).toBe('string')
    expect(await store.release(key, 'nobody', request(key, 'dora'))).toMatchObject({
      released: false,
      next: { granted: false, holder: { host: 'here' } },
    })
  })

  test('is handed over within one key only', async () => {
    await expect(store.release(freshKey(), 'anna', request(freshKey(), 'ben'))).rejects.toMatchObject({
      outcome: 'not-applied',
    })
  })

  test('remembers for a day what it was resized from, beside who waits, and counts anew from each that asks', async () => {
    const key = freshKey()
    await resize(key, 2, 3)
    const waiters = `{${key}}:waiters`
    expect(await client.hget(waiters, '#resized')).toBe('3 2 ')
    expect(Math.abs((await client.pttl(waiters)) - 86_400_000)).toBeLessThan(5_000)
    await client.pexpire(waiters, 50_000)
    for (const owner of ['anna', 'ben', 'carl']) await take(store, key, owner, { limit: 2 })
    const refused = await store.acquire(request(key, 'dora', { limit: 2, queueMs: 30_000 }))
    expect(refused).toMatchObject({ granted: false })
    expect(Math.abs((await client.pttl(waiters)) - 86_400_000)).toBeLessThan(5_000)
    await resize(key, 3, 2)
    expect(await client.hget(waiters, '#resized')).toBe('2 3 ')
    for (const owner of ['anna', 'ben', 'carl', 'dora']) await store.release(key, owner)
    expect(await client.keys(`*${key}*`)).not.toContain(key)
  })

  test('grants to who waits when it is resized', async () => {
    const key = freshKey()
    await take(store, key, 'anna', { limit: 2 })
    await take(store, key, 'ben', { limit: 2 })
    await eventually(async () => {
      const answer = await store.acquire(request(key, 'carl', { limit: 2, queueMs: 30_000 }))
      return !answer.granted && answer.position === 0
    })
    await resize(key, 2, 3)
    const raw = await client.hkeys(key) // as it stands there: inspect would promote who waits
    expect(raw).toContain('carl')
  })

  test('is a pool still when it was resized to one', async () => {
    const key = freshKey()
    await take(store, key, 'anna', { limit: 4 })
    await resize(key, 4, 1)
    expect(await store.acquire(request(key, 'ben', { limit: 4, queueMs: 30_000 }))).toMatchObject({ granted: false })
    await store.release(key, 'anna')
    await eventually(async () => {
      const owners = (await store.inspect(key))?.holders.map(({ owner }) => owner)
      return owners?.includes('ben') === true || (await take(store, key, 'ben', { limit: 4 }))
    })
    expect(await client.type(key)).toBe('hash')
    expect(await store.acquire(request(key, 'carl', { limit: 4 }))).toMatchObject({ granted: false })
    await resize(key, 4, 2)
    await take(store, key, 'carl', { limit: 4 })
  })

  test('remembers no more than 32 limits that it had', async () => {
    const key = freshKey()
    for (let limit = 2; limit < 50; limit++) await resize(key, limit, limit + 1)
    expect((await client.hget(`{${key}}:waiters`, '#resized'))?.trim().split(' ')).toHaveLength(33)
  })
})
