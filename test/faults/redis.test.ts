import { createHoldfast, type Holdfast, LockLostError, StoreError } from 'holdfast'
import { redis } from 'holdfast/redis'
import { Redis } from 'ioredis'
import { randomUUID } from 'node:crypto'
import { createClient } from 'redis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startProxy, type Proxy } from '../support/servers/proxy.js'
import { type RedisServer, startRedis } from '../support/servers/redis.js'
import { until } from '../support/until.js'
import { rejection } from '../support/world.js'

/** What a user's program goes through when the network or the server fails, by each way to Redis. */
interface Way {
  readonly name: string
  open(url: string): Promise<{ holdfast: Holdfast<'async'>; close(): Promise<unknown> }>
}

const ways: Way[] = [
  {
    name: 'a URL',
    open: (url) => {
      const holdfast = createHoldfast({ store: url as `redis://${string}` })
      return Promise.resolve({ holdfast, close: () => holdfast.close() })
    },
  },
  {
    name: 'a client of ioredis with its defaults',
    open: (url) => {
      const client = new Redis(url)
      client.on('error', () => undefined)
      const holdfast = createHoldfast({ store: redis(client) })
      return Promise.resolve({ holdfast, close: () => holdfast.close().finally(() => client.disconnect()) })
    },
  },
  {
    name: 'a client of node-redis with its defaults',
    open: async (url) => {
      const client = createClient({ url })
      client.on('error', () => undefined)
      await client.connect()
      const holdfast = createHoldfast({ store: redis(client) })
      return { holdfast, close: () => holdfast.close().finally(() => client.destroy()) }
    },
  },
]

let server: RedisServer
let proxy: Proxy

beforeAll(async () => {
  server = await startRedis()
  proxy = await startProxy(server.url)
})

afterAll(async () => {
  await proxy.close()
  await server.stop()
})

describe.each(ways)('by $name', ({ open }) => {
  const key = (): string => `key-${randomUUID()}`

  test('a reply lost after the server ran the acquire: the same client has its lock at once', async () => {
    const { holdfast, close } = await open(proxy.url)
    await holdfast.lock(key()).run(() => undefined)
    for (const wait of [false, '20s'] as const) {
      const name = key()
      const cut = proxy.cutOnReply(name)
      const began = performance.now()
      const lease = await holdfast.lock(name, { wait, ttl: '30s' }).acquire()
      await cut
      expect(lease.active).toBe(true)
      expect(performance.now() - began).toBeLessThan(10_000) // and not its ttl
      expect(await lease.release()).toBe(true)
    }
    await close()
  })

  test('a black-holed socket: the signal comes at the deadline, not with the next reply', async () => {
    const { holdfast, close } = await open(proxy.url)
    const lease = await holdfast.lock(key(), { ttl: '1s' }).acquire()
    const began = performance.now()
    proxy.blackhole(true)
    try {
      await until(() => lease.signal.aborted)
      expect(lease.signal.reason).toBeInstanceOf(LockLostError)
      expect(lease.active).toBe(false)
      expect(performance.now() - began).toBeLessThan(3000)
    } finally {
      proxy.blackhole(false)
    }
    await close()
  })

  test('a frozen server: the end of run takes no longer than a call may, and the work stands', async () => {
    const { holdfast, close } = await open(server.url)
    const began = performance.now()
    const result = await holdfast.lock(key(), { ttl: '3s' }).run(() => {
      server.pause()
      return 'done'
    })
    server.resume()
    expect(result).toBe('done')
    expect(performance.now() - began).toBeLessThan(2900)
    await close()
  })

  test('FLUSHALL while held: told within one renewal period', async () => {
    const { holdfast, close } = await open(server.url)
    const lease = await holdfast.lock(key(), { ttl: '900ms' }).acquire()
    await server.command('FLUSHALL')
    await until(() => lease.signal.aborted)
    expect(lease.signal.reason).toMatchObject({ code: 'LOCK_LOST' })
    const later = await holdfast.lock(lease.key).acquire()
    expect(later.token).toBeGreaterThan(lease.token)
    await close()
  })

  test('SCRIPT FLUSH while held: nobody notices', async () => {
    const { holdfast, close } = await open(server.url)
    const lease = await holdfast.lock(key()).acquire()
    await server.command('SCRIPT', 'FLUSH')
    expect(await lease.release()).toBe(true)
    await close()
  })

  test('a stalled event loop: not active in the very tick after it, and another has the key', async () => {
    const mine = await open(server.url)
    const lease = await mine.holdfast.lock(key(), { ttl: '200ms' }).acquire()
    const stalled = performance.now() + 500
    while (performance.now() < stalled);
    expect(lease.active).toBe(false)
    expect(lease.signal.aborted).toBe(true)
    const theirs = await open(server.url)
    const taken = await theirs.holdfast.lock(lease.key).acquire()
    expect(taken.token).toBeGreaterThan(lease.token)
    expect(await lease.release()).toBe(false)
    expect(taken.active).toBe(true)
    await Promise.all([mine.close(), theirs.close()])
  })

  test('a forced release by another process: told at once, and known as such', async () => {
    const [mine, theirs] = await Promise.all([open(server.url), open(server.url)])
    const lease = await mine.holdfast.lock(key(), { ttl: '30s' }).acquire()
    expect(await theirs.holdfast.lock(lease.key).forceRelease()).toBe(true)
    await until(() => lease.signal.aborted) // its ttl would not tell for 10 s
    expect(lease.signal.reason).toMatchObject({ code: 'LOCK_REVOKED' })
    await Promise.all([mine.close(), theirs.close()])
  })

  test('a wait that is cancelled: its grant is given back however late it comes', async () => {
    const { holdfast, close } = await open(proxy.url)
    const other = await open(server.url)
    await holdfast.lock(key()).run(() => undefined)
    for (const wait of [false, true]) {
      const name = key()
      const abort = new AbortController()
      proxy.delayMs(300)
      const wanted = rejection(holdfast.lock(name, { wait, signal: abort.signal }).acquire())
      await until(async () => await other.holdfast.lock(name).isLocked())
      abort.abort(new Error('no longer wanted'))
      expect((await wanted).message).toBe('no longer wanted')
      proxy.delayMs(0)
      await until(async () => !(await other.holdfast.lock(name).isLocked()))
    }
    await Promise.all([close(), other.close()])
  })

  test('waiters of two processes all get their turn, one at a time', async () => {
    const [mine, theirs] = await Promise.all([open(server.url), open(server.url)])
    const name = key()
    let inside = 0
    let count = 0
    const work = async (holdfast: Holdfast<'async'>): Promise<void> => {
      await holdfast.lock(name, { wait: '15s' }).run(async () => {
        expect(++inside).toBe(1)
        await new Promise((resolve) => setTimeout(resolve, 1))
        inside--
        count++
      })
    }
    await Promise.all(Array.from({ length: 40 }, (_, i) => work(i % 2 === 0 ? mine.holdfast : theirs.holdfast)))
    expect(count).toBe(40)
    await Promise.all([mine.close(), theirs.close()])
  })
})

describe('a store that is down at start', () => {
  test('fails each use with StoreError, crashes nothing, and works when it comes back', async () => {
    const own = await startRedis()
    await own.kill()
    const holdfast = createHoldfast({ store: own.url as `redis://${string}` })
    const lock = holdfast.lock('k')
    for (const call of [() => lock.acquire(), () => lock.tryAcquire(), () => lock.isLocked(), () => lock.inspect()]) {
      const error = await rejection(call())
      expect(error).toBeInstanceOf(StoreError)
      expect(error).toMatchObject({ code: 'STORE_FAILED', key: 'k', outcome: 'not-applied' })
    }
    const waiting = holdfast.lock('k', { wait: '20s' }).acquire()
    await own.restart({ keepData: false })
    const lease = await waiting
    expect(lease.active).toBe(true)
    await lease.release()
    await holdfast.close()
    await own.stop()
  })
})
