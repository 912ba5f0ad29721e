import { setTimeout as sleep } from 'node:timers/promises'
import { StoreError } from 'holdfast'
import { blocking } from 'holdfast/blocking'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type ProxyProcess, startProxyProcess } from './proxy-process.js'
import { startRedis, type RedisServer } from '../support/servers/redis.js'
import { until } from '../support/until.js'
import { freshKey, open, thrownBy, url, warmLock } from './support.js'

describe('a silent server', () => {
  let redis: RedisServer
  let proxy: ProxyProcess
  beforeEach(async () => {
    redis = await startRedis()
    proxy = await startProxyProcess(redis.url)
  })
  afterEach(async () => {
    await proxy.close()
    await redis.stop()
  })

  it('is a StoreError within the limit of the ttl', async () => {
    const key = freshKey()
    const lock = warmLock(open(proxy.url), { ttl: 900 }, key)
    lock.acquireSync().release()
    await proxy.blackhole(true)
    const startMs = performance.now()
    const error = thrownBy(() => lock.acquireSync())
    expect(performance.now() - startMs).toBeLessThan(2500)
    expect(error).toBeInstanceOf(StoreError)
    expect(error).toMatchObject({ operation: 'acquire', outcome: 'unknown', key })
  })

  it('does not block the loop for the clean-up after a failure', async () => {
    const lock = warmLock(open(proxy.url), { ttl: '3s' })
    await proxy.blackhole(true)
    expect(() => lock.acquireSync()).toThrow(StoreError)
    let longestMs = 0
    for (let beforeMs = performance.now(), rounds = 0; rounds < 150; rounds++) {
      await sleep(10)
      longestMs = Math.max(longestMs, performance.now() - beforeMs)
      beforeMs = performance.now()
    }
    expect(longestMs).toBeLessThan(700)
  })

  it('is a StoreError within the limit of storeTimeout, and serves again when it is back', async () => {
    const store = blocking(proxy.url, { storeTimeout: '150ms' })
    store.inspect('warm')
    await proxy.blackhole(true)
    const startMs = performance.now()
    expect(() => store.inspect('k')).toThrow('150 ms')
    expect(performance.now() - startMs).toBeLessThan(1500)
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(149)
    await proxy.blackhole(false)
    await until(() => works(() => store.inspect('k')))
    store.close()
  })

  it('gives a late answer to nobody', async () => {
    const store = blocking(proxy.url, { storeTimeout: '100ms' })
    const key = freshKey()
    store.inspect('warm')
    await proxy.delayMs(300)
    expect(() => store.acquire(request(key, 'anna'))).toThrow(StoreError)
    await proxy.delayMs(0)
    await until(() => works(() => store.inspect(key)))
    expect(store.renew(key, 'ben', 1000)).toBe(false)
    // The late grant is not renewed by the worker; whoever asks again gets what was granted.
    expect(store.acquire(request(key, 'anna')).granted).toBe(true)
    expect(store.acquire(request(key, 'ben')).granted).toBe(false)
    store.close()
  })

  it('lets a late grant end with its lease', async () => {
    const store = blocking(proxy.url, { storeTimeout: '100ms' })
    const key = freshKey()
    store.inspect('warm')
    await proxy.delayMs(200)
    expect(() => store.acquire({ ...request(key, 'anna'), ttlMs: 600 })).toThrow(StoreError)
    await proxy.delayMs(0)
    await until(async () => (await redis.command('EXISTS', key)) === 1)
    await sleep(1000)
    expect(await redis.command('EXISTS', key)).toBe(0)
    store.close()
  })

  it('ends a hold at its deadline, though renewals block', async () => {
    const lease = warmLock(open(proxy.url), { ttl: 600, onLost: 'warn' }).acquireSync()
    const endedMs = new Promise<number>((resolve) =>
      lease.signal.addEventListener('abort', () => resolve(performance.now())),
    )
    await proxy.blackhole(true)
    const startMs = performance.now()
    expect((await endedMs) - startMs).toBeLessThan(1200)
    expect(lease.signal.reason).toMatchObject({ code: 'LOCK_LOST' })
  })
})

describe('a server that is down', () => {
  it('is a StoreError quickly, and serves as soon as it is back', async () => {
    const redis = await startRedis()
    await redis.kill()
    const { lock } = open(redis.url)
    const handle = lock(freshKey(), { ttl: '3s' })
    const startMs = performance.now()
    expect(thrownBy(() => handle.acquireSync())).toMatchObject({ code: 'STORE_FAILED', outcome: 'not-applied' })
    expect(performance.now() - startMs).toBeLessThan(3000)
    await redis.restart({ keepData: false })
    await until(() => works(() => handle.acquireSync().release()))
    await redis.stop()
  })

  it('tells no secret', async () => {
    const redis = await startRedis({ password: 'right-pass-word' })
    const wrong = redis.url.replace('right-pass-word', 'wr%40ng-pass-word')
    const refused = thrownBy(() => blocking(wrong).inspect('k'))
    await redis.stop()
    const down = thrownBy(() => blocking(redis.url).inspect('k'))
    const junk = thrownBy(() => blocking(`${redis.url}/junk`).inspect('k'))
    for (const error of [refused, down, junk]) {
      const texts = [error, (error as Error).stack, (error as Error).cause, JSON.stringify(error)].map(String)
      expect(texts.join()).not.toMatch(/right-pass-word|ng-pass-word/)
    }
    expect(refused).toBeInstanceOf(StoreError)
    expect(typeof (refused as StoreError).cause).toBe('string')
  })
})

describe('the errors of the store', () => {
  it('come across with what they say', () => {
    const store = blocking(url)
    const error = thrownBy(() => store.acquire({ ...request(freshKey(), 'anna'), ttlMs: null }))
    expect(error).toMatchObject({ name: 'InvalidOptionError', code: 'INVALID_OPTION' })
    const impossible = thrownBy(() => store.acquire({ ...request(freshKey(), 'anna'), permits: 2 }))
    expect(String(impossible)).toContain('2 permits')
    store.close()
  })
})

function request(key: string, owner: string) {
  const holder = { host: 'here', pid: 1, label: undefined, since: Date.now() }
  return { key, owner, ttlMs: 20_000, limit: 1, permits: 1, queueMs: 0, holder }
}

function works(act: () => unknown): boolean {
  try {
    act()
    return true
  } catch (error) {
    if (error instanceof StoreError) return false
    throw error
  }
}
