import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { redis } from '../../src/stores/redis/index.js'
import { scripts } from '../../src/stores/redis/scripts.js'
import { type RedisServer, startRedis } from '../support/servers/redis.js'
import { eventually, freshKey, request, take } from './support.js'

let server: RedisServer
let store: ReturnType<typeof redis>
beforeAll(async () => {
  server = await startRedis()
  store = redis(server.url)
})
afterAll(async () => {
  await store.close()
  await server.stop()
})

describe.each([1, 5])('tokens of a key with limit %i', (limit) => {
  const grow = async (key: string, before: number): Promise<number> => {
    const token = await eventually(async () => take(store, key, 'ben', { limit }))
    expect(token).toBeGreaterThan(before)
    expect(Number.isSafeInteger(token)).toBe(true)
    return token
  }

  test('are the time of the server in microseconds', async () => {
    const token = await take(store, freshKey(), 'anna', { limit })
    expect(Math.abs(token / 1000 - Date.now())).toBeLessThan(5_000)
  })

  test('grow through release, expiry, forced release, DEL and FLUSHALL', async () => {
    const key = freshKey()
    let token = await take(store, key, 'anna', { limit })
    await store.release(key, 'anna')
    token = await grow(key, token)
    await store.forceRelease(key)
    token = await grow(key, token)
    await server.command('DEL', key)
    token = await grow(key, token)
    await server.command('FLUSHALL')
    token = await grow(key, token)
    await store.release(key, 'ben')
    token = await take(store, key, 'carl', { limit, ttlMs: 20 })
    await eventually(async () => (await store.inspect(key)) === undefined)
    await grow(key, token)
  })

  test('grow through a restart without the data', async () => {
    const key = freshKey()
    const token = await take(store, key, 'anna', { limit })
    await server.restart({ keepData: false })
    await grow(key, token)
  })

  test('grow though the clock of the server is behind the last one, through DEL as well', async () => {
    const key = freshKey()
    const future = (Date.now() + 3_600_000) * 1000
    await server.command('SET', `{${key}}:token`, String(future))
    expect(await take(store, key, 'anna', { limit })).toBe(future + 1)
    expect((await store.inspect(key))?.holders[0]?.token).toBe(future + 1)
    await server.command('DEL', key)
    expect(await take(store, key, 'anna', { limit })).toBe(future + 2)
    await store.release(key, 'anna')
    expect(await take(store, key, 'ben', { limit })).toBe(future + 3)
    expect(await take(store, key, 'ben', { limit })).toBe(future + 3)
  })

  test('are remembered for an hour after the lease, from each renewal', async () => {
    const key = freshKey()
    await take(store, key, 'anna', { limit, ttlMs: 1_000 })
    const staysMs = async () => Number(await server.command('PTTL', `{${key}}:token`))
    expect(Math.abs((await staysMs()) - 3_601_000)).toBeLessThan(1_000)
    await store.renew(key, 'anna', 60_000)
    expect(Math.abs((await staysMs()) - 3_660_000)).toBeLessThan(1_000)
    await store.acquire(request(key, 'anna', { limit, ttlMs: 120_000 }))
    expect(Math.abs((await staysMs()) - 3_720_000)).toBeLessThan(1_000)
  })

  test('do not leave a hold behind when they cannot be kept', async () => {
    const key = freshKey()
    await server.command('SADD', `{${key}}:token`, 'not a token')
    await expect(store.acquire(request(key, 'anna', { limit }))).rejects.toMatchObject({ outcome: 'not-applied' })
    expect(await store.inspect(key)).toBeUndefined()
    expect(await server.command('EXISTS', key)).toBe(0)
  })

  test('grow on a server that does not know SET … GET as well', async () => {
    const { text } = limit === 1 ? scripts.acquireMutex : scripts.acquirePool
    const old = text.replace("'GET')", "'NOT IN 6.0')")
    expect(old).not.toBe(text)
    const key = freshKey()
    const keys = [key, ...['token', 'leases', 'queue', 'waiters'].map((kind) => `{${key}}:${kind}`)]
    const acquire = async () => {
      const args = ['anna\n', '1000', '5000', 'wake\n{}', '0', '0', '', String(limit), '1']
      const token = await server.command('EVAL', old, '5', ...keys, ...args)
      await server.command('DEL', key)
      return Number(token)
    }
    const token = await acquire()
    expect(Math.abs(token / 1000 - Date.now())).toBeLessThan(5_000)
    expect(await server.command('GET', keys[1] ?? '')).toBe(String(token))
    expect(Number(await server.command('PTTL', keys[1] ?? ''))).toBeGreaterThan(1_000)
    const future = token + 3_600_000_000
    await server.command('SET', keys[1] ?? '', String(future))
    expect(await acquire()).toBe(future + 1)
    expect(await acquire()).toBe(future + 2)
  })
})
