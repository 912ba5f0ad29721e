import { createClient } from 'redis'
import { Redis } from 'ioredis'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { realEnv } from '../../src/core/env.js'
import type { Notice, Store } from '../../src/core/store.js'
import { driverOf } from '../../src/stores/redis/client.js'
import { redis } from '../../src/stores/redis/index.js'
import { Notices } from '../../src/stores/redis/notices.js'
import { virtualEnv, type VirtualEnv } from '../../src/testing/virtual-env.js'
import { until } from '../support/until.js'
import { startProxy } from '../support/servers/proxy.js'
import { type RedisServer, startRedis } from '../support/servers/redis.js'
import { clientKinds } from './clients.js'
import { freshKey, ownRedis, take } from './support.js'

let server: RedisServer
beforeAll(async () => {
  server = await startRedis()
})
afterAll(() => server.stop())

function listen(store: Store): Notice[] {
  const told: Notice[] = []
  store.onNotice?.((notice) => told.push(notice))
  return told
}

const subscribers = async (of: RedisServer = server): Promise<number> => {
  const clients = String(await of.command('CLIENT', 'LIST', 'TYPE', 'pubsub'))
  return clients.split('\n').filter((line) => line.includes('id=')).length
}

const kinds = [
  ...clientKinds,
  {
    name: 'our own connection',
    open: (url: string) => Promise.resolve({ client: url, end: () => {} }),
  },
]

describe.each(kinds)('by $name', ({ open }) => {
  test('a forced release is told to the holder’s process, once', async () => {
    const { client, end } = await open(server.url)
    const [holder, other] = [redis(client), redis(server.url)]
    const [told, toldOther] = [listen(holder), listen(other)]
    const key = freshKey('\nwith a newline')
    await take(holder, key, 'anna')
    await expect.poll(() => told).toEqual([{ type: 'resync' }])
    expect(await other.forceRelease(key)).toBe(true)
    await expect.poll(() => told).toContainEqual({ type: 'revoked', key, owner: 'anna' })
    expect(told).toHaveLength(2)
    expect(toldOther).toEqual([])
    await holder.close()
    await other.close()
    end()
    await expect.poll(() => subscribers()).toBe(0)
  })

  test('after a lost connection there is a resync, and notices come again', async () => {
    const proxy = await startProxy(server.url)
    const { client, end } = await open(proxy.url)
    const [holder, other] = [redis(client), redis(server.url)]
    const told = listen(holder)
    const key = freshKey()
    await take(holder, key, 'anna')
    await expect.poll(() => told).toEqual([{ type: 'resync' }])
    proxy.cut()
    await expect.poll(() => told, { timeout: 5_000 }).toEqual([{ type: 'resync' }, { type: 'resync' }])
    await other.forceRelease(key)
    await expect.poll(() => told).toContainEqual({ type: 'revoked', key, owner: 'anna' })
    await holder.close()
    await other.close()
    end()
    await proxy.close()
  })
})

describe('a forced release', () => {
  test('by the holder’s own store is told before it resolves, once', async () => {
    const store = redis(server.url)
    const told = listen(store)
    const key = freshKey()
    await take(store, key, 'anna')
    await expect.poll(() => told).toEqual([{ type: 'resync' }])
    await store.forceRelease(key)
    expect(told).toEqual([{ type: 'resync' }, { type: 'revoked', key, owner: 'anna' }])
    await sleep(50) // a second one would have come by the connection
    expect(told).toHaveLength(2)
    await store.close()
  })

  test('of a pool is told to each holder, and forgets nobody', async () => {
    const [one, two] = [redis(server.url), redis(server.url)]
    const [toldOne, toldTwo] = [listen(one), listen(two)]
    const key = freshKey()
    for (const owner of ['anna', 'ben']) await take(one, key, owner, { limit: 5 })
    for (const owner of ['carl', 'dora']) await take(two, key, owner, { limit: 5 })
    await expect.poll(() => [...toldOne, ...toldTwo]).toEqual([{ type: 'resync' }, { type: 'resync' }])
    await one.forceRelease(key)
    expect(toldOne.slice(1).map((notice) => ('owner' in notice ? notice.owner : ''))).toEqual(['anna', 'ben'])
    await expect
      .poll(() => toldTwo.slice(1).map((notice) => ('owner' in notice ? notice.owner : '')))
      .toEqual(['carl', 'dora'])
    for (const owner of ['anna', 'ben', 'carl', 'dora']) {
      expect(await two.renew(key, owner, 1_000)).toBe(false)
      expect(await two.wasRevoked?.(key, owner)).toBe(true)
    }
    expect(await two.wasRevoked?.(key, 'stranger')).toBe(false)
    await one.close()
    await two.close()
  })

  test('is remembered for a minute, or as long as the lease would have lasted', async () => {
    const store = redis(server.url)
    const key = freshKey()
    await take(store, key, 'anna', { ttlMs: 1_000 })
    await store.forceRelease(key)
    const markMs = async () => Number(await server.command('PTTL', `{${key}}:revoked`))
    expect(Math.abs((await markMs()) - 60_000)).toBeLessThan(1_000)
    await take(store, key, 'ben', { ttlMs: 300_000 })
    await store.forceRelease(key)
    expect(Math.abs((await markMs()) - 300_000)).toBeLessThan(1_000)
    expect(await store.wasRevoked?.(key, 'anna')).toBe(true)
    expect(await store.wasRevoked?.(key, 'ben')).toBe(true)
    await take(store, key, 'carl')
    await store.release(key, 'carl')
    expect(await store.wasRevoked?.(key, 'carl')).toBe(false)
    await store.close()
  })
})

describe('the connection for notices', () => {
  test('is closed when the last listener leaves, and opened again for the next', async () => {
    const store = redis(server.url)
    const leave = store.onNotice?.(() => {})
    await take(store, freshKey(), 'anna')
    await expect.poll(() => subscribers()).toBe(1)
    leave?.()
    await expect.poll(() => subscribers()).toBe(0)
    const told = listen(store)
    await take(store, freshKey(), 'ben')
    await expect.poll(() => told).toEqual([{ type: 'resync' }])
    await store.close()
    await expect.poll(() => subscribers()).toBe(0)
  })

  test('may fail without harm to anything, and is tried again', async () => {
    const own = await ownRedis()
    await own.command('ACL', 'SETUSER', 'default', '-subscribe')
    const store = redis(own.url)
    const told = listen(store)
    const key = freshKey()
    await take(store, key, 'anna')
    await sleep(300)
    expect(await store.renew(key, 'anna', 30_000)).toBe(true)
    expect(told).toEqual([])
    await own.command('ACL', 'SETUSER', 'default', '+subscribe')
    await expect.poll(() => told, { timeout: 6_000 }).toEqual([{ type: 'resync' }])
    await store.close()
  })

  test('is closed with the store while it is still being opened', async () => {
    const proxy = await startProxy(server.url)
    const [mine, theirs] = [new Redis(proxy.url), await createClient({ url: proxy.url }).connect()]
    theirs.on('error', () => {})
    for (const client of [mine, theirs]) {
      const store = redis(client)
      listen(store)
      await take(store, freshKey(), 'anna')
      proxy.blackhole(true)
      await sleep(120)
      await store.close()
      proxy.blackhole(false)
      await expect.poll(() => subscribers()).toBe(0)
    }
    mine.disconnect()
    theirs.destroy()
    await proxy.close()
  })

  test('is not opened by an answer that comes after the end', () => {
    let asked = 0
    const driver = (): Promise<never> => {
      asked++
      return Promise.reject(new Error('it was closed'))
    }
    const notices = new Notices({ env: virtualEnv(), wakeId: 'w', keyPrefix: '', driver, shards: undefined })
    notices.want()
    expect(asked).toBe(1)
    notices.close()
    notices.want()
    expect(asked).toBe(1)
  })

  /** Its clock stands still but for what the test lets pass; the connection is real. */
  const byHand = (url: string): { notices: Notices; time: VirtualEnv } => {
    const [time, client] = [virtualEnv(), new Redis(url).on('error', () => {})]
    const driver = () => Promise.resolve(driverOf(client, realEnv))
    const notices = new Notices({ env: time, wakeId: freshKey(), keyPrefix: '', driver, shards: undefined })
    onTestFinished(() => {
      notices.close()
      client.disconnect()
    })
    return { notices, time }
  }

  test('is not waited for longer than asked, nor twice', async () => {
    const own = await ownRedis()
    const { notices, time } = byHand(own.url)
    own.pause()
    onTestFinished(() => own.resume())
    const answers: boolean[] = []
    for (let caller = 0; caller < 2; caller++) void notices.wayOpened('k', 200).then((is) => answers.push(is))
    await time.advance(199)
    expect([answers, time.keepAliveTimers]).toEqual([[], 2])
    await time.advance(1)
    expect([answers, time.keepAliveTimers]).toEqual([[false, false], 0])
    expect(await notices.wayOpened('k', 200)).toBe(false)
    expect(time.pendingTimers).toBe(0)
    own.resume()
    await until(() => notices.wayTo('k') === 'channel')
    expect(await notices.wayOpened('k', 200)).toBe(true)
  })

  test('is tried again after a failure, without keeping the process alive, and not after its end', async () => {
    const own = await ownRedis()
    await own.command('ACL', 'SETUSER', 'default', '-subscribe')
    const { notices, time } = byHand(own.url)
    expect(await notices.wayOpened('k', 200)).toBe(false)
    expect([time.pendingTimers, time.keepAliveTimers]).toEqual([1, 0])
    notices.stop()
    expect(time.pendingTimers).toBe(0)
    await own.command('ACL', 'SETUSER', 'default', '+subscribe')
    own.pause()
    notices.want()
    await time.advance(0)
    notices.stop() // while it waits for the answer
    await time.advance(0)
    expect(time.pendingTimers).toBe(0)
    own.resume()
    expect(await notices.wayOpened('k', 200)).toBe(true)
  })
})
