import { createClient, RESP_TYPES } from 'redis'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { storeContract } from '../../src/testing/index.js'
import { InvalidOptionError, StoreError } from '../../src/core/errors.js'
import { redis } from '../../src/stores/redis/index.js'
import { redisCapabilities } from '../../src/stores/redis/capabilities.js'
import { type RedisServer, startRedis } from '../support/servers/redis.js'
import { clientKinds } from './clients.js'
import { freshKey, request, take } from './support.js'

let server: RedisServer
beforeAll(async () => {
  server = await startRedis()
})
afterAll(() => server.stop())

/** Commands that clients sent, without those that scripts ran. */
async function commandsDuring(work: () => Promise<unknown>): Promise<string[]> {
  const own = new Redis(server.url)
  await own.ping() // what ioredis asks by itself is over: next to the answer to MONITOR it would be taken for another answer
  const monitor = await own.monitor()
  const seen: string[] = []
  monitor.on('monitor', (_time: string, [name]: string[], source: string) => {
    if (source !== 'lua' && name !== undefined) seen.push(name.toLowerCase())
  })
  await work()
  const end = freshKey()
  await server.command('ECHO', end)
  await expect.poll(() => seen.at(-1)).toBe('echo')
  monitor.disconnect()
  own.disconnect()
  return seen.slice(0, -1)
}

describe.each(clientKinds)('a client of $name', ({ open }) => {
  test('stays open, and the user’s, after close()', async () => {
    const { client, ping, end } = await open(server.url)
    const store = redis(client)
    await take(store, freshKey(), 'anna')
    await store.close()
    expect(await ping()).toBe('PONG')
    await expect(store.acquire(request(freshKey(), 'anna'))).rejects.toThrow('the store is closed')
    end()
  })

  test('acquires and releases in exactly two commands', async () => {
    const { client, end } = await open(server.url)
    const store = redis(client)
    store.onNotice?.(() => {})
    const key = freshKey()
    await take(store, key, 'first')
    await store.release(key, 'first')
    const commands = await commandsDuring(async () => {
      await take(store, key, 'anna')
      await store.release(key, 'anna')
    })
    expect(commands).toEqual(['evalsha', 'evalsha'])
    await store.close()
    end()
  })

  test('goes on after SCRIPT FLUSH, for every call', async () => {
    const { client, end } = await open(server.url)
    const store = redis(client)
    const key = freshKey()
    const flushed = async <T>(call: () => Promise<T>): Promise<T> => {
      await server.command('SCRIPT', 'FLUSH')
      return call()
    }
    await flushed(() => take(store, key, 'anna'))
    expect(await flushed(() => store.renew(key, 'anna', 1_000))).toBe(true)
    expect(await flushed(() => store.inspect(key))).toBeDefined()
    expect(await flushed(() => store.release(key, 'anna', request(key, 'ben')))).toMatchObject({ released: true })
    expect(await flushed(() => store.forceRelease(key))).toBe(true)
    expect(await flushed(() => store.wasRevoked?.(key, 'ben') ?? Promise.resolve(false))).toBe(true)
    await flushed(() => take(store, key, 'carl', { limit: 2 }))
    expect(await flushed(() => store.release(key, 'carl', request(key, 'dora', { limit: 2 })))).toMatchObject({
      released: true,
    })
    expect(await flushed(() => store.release(key, 'dora'))).toBe(true)
    await store.close()
    end()
  })

  test('that was ended rejects, as not applied', async () => {
    const { client, ping, end } = await open(server.url)
    const store = redis(client)
    end()
    await expect.poll(() => ping().catch(() => 'gone')).toBe('gone')
    const failed = store.acquire(request(freshKey(), 'anna'))
    await expect(failed).rejects.toThrow(StoreError)
    await expect(failed).rejects.toMatchObject({ operation: 'acquire', outcome: 'not-applied' })
    await expect(store.list('a', 1)).rejects.toMatchObject({ operation: 'list', outcome: 'not-applied' })
    await store.close()
  })
})

describe.each(clientKinds.filter(({ name }) => name !== 'node-redis 5'))('a keyPrefix of $name', ({ open }) => {
  test('stands before every key, in lists and notices too', async () => {
    const { client, end } = await open(server.url, { keyPrefix: 'app:' })
    const store = redis(client)
    const key = freshKey()
    await take(store, key, 'anna')
    expect(await server.command('EXISTS', `app:${key}`)).toBe(1)
    expect((await store.list(key, 10)).keys).toEqual([key])
    const told: unknown[] = []
    store.onNotice?.((notice) => told.push(notice))
    await store.acquire(request(key, 'anna', { ttlMs: 60_000 }))
    await expect.poll(() => told).toContainEqual({ type: 'resync' })
    const other = redis(server.url)
    expect(await other.forceRelease(`app:${key}`)).toBe(true)
    await expect.poll(() => told).toContainEqual({ type: 'revoked', key, owner: 'anna' })
    await other.close()
    await store.close()
    end()
  })
})

describe('a client of node-redis', () => {
  test('that was not connected says what to do', async () => {
    const store = redis(createClient({ url: server.url }))
    await expect(store.acquire(request(freshKey(), 'anna'))).rejects.toMatchObject({
      code: 'STORE_FAILED',
      outcome: 'not-applied',
      message: expect.stringContaining('await client.connect() first') as string,
    })
    await store.close()
  })

  test('may be set to give Buffers', async () => {
    const client = await createClient({ url: server.url }).connect()
    const store = redis(client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer }))
    const key = freshKey()
    await take(store, key, 'anna')
    expect(await store.acquire(request(key, 'ben'))).toMatchObject({ granted: false, holder: { host: 'here' } })
    expect((await store.inspect(key))?.holders).toMatchObject([{ owner: 'anna', host: 'here' }])
    expect((await store.list(key, 10)).keys).toEqual([key])
    await store.close()
    client.destroy()
  })
})

describe('a client of ioredis', () => {
  test('may be set to give numbers as strings', async () => {
    const client = new Redis(server.url, { stringNumbers: true })
    const store = redis(client)
    const key = freshKey()
    await take(store, key, 'anna')
    expect(await store.acquire(request(key, 'ben'))).toMatchObject({ granted: false, holder: { host: 'here' } })
    expect(await store.release(key, 'anna')).toBe(true)
    await store.close()
    client.disconnect()
  })

  test('may be lazy', async () => {
    const client = new Redis(server.url, { lazyConnect: true })
    const store = redis(client)
    await take(store, freshKey(), 'anna')
    await store.close()
    client.disconnect()
  })
})

test.each([undefined, null, 6379, {}, new Map()])('redis(%o) is refused', (target) => {
  // @ts-expect-error not a client, as from JavaScript
  const make = () => redis(target)
  expect(make).toThrow(InvalidOptionError)
  expect(make).toThrow('a client of ioredis or node-redis; this is neither')
})

// The majors that are not the development dependency of the same name; that one is in the table of all stores.
for (const { name, open } of clientKinds.filter((kind) => ['ioredis 6', 'node-redis 5'].includes(kind.name))) {
  describe(`the contract on ${name}`, () => {
    const cases = storeContract({
      name,
      capabilities: redisCapabilities,
      has: ['onNotice', 'wasRevoked', 'acquireAll', 'resize', 'values'],
      create: async () => {
        const { client, end } = await open(server.url)
        return { store: redis(client), another: () => redis(client), close: end }
      },
    })
    for (const { name: sentence, run } of cases) test.concurrent(sentence, run)
  })
}
