import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { InvalidKeyError, StoreError } from '../../src/core/errors.js'
import type { Store } from '../../src/core/store.js'
import { redis } from '../../src/stores/redis/index.js'
import { type RedisServer, startRedis } from '../support/servers/redis.js'
import { freshKey, request, take } from './support.js'

let server: RedisServer
let client: Redis
let store: Store
beforeAll(async () => {
  server = await startRedis()
  client = new Redis(server.url)
  store = redis(client)
  await client.ping()
})
afterAll(async () => {
  await store.close()
  client.disconnect()
  await server.stop()
})

describe('a call that cannot be right', () => {
  const taken = '{holdfast:a}:token'

  test.each([
    ['acquire', () => store.acquire(request(taken, 'a'))],
    ['acquireAll', () => store.acquireAll?.([request(freshKey(), 'a'), request(taken, 'b')])],
    ['renew', () => store.renew(taken, 'a', 1_000)],
    ['release', () => store.release(taken, 'a')],
    ['release', () => store.release(taken, 'a', request(taken, 'b'))],
  ])('rejects where it is asked for: %s with the name of something else', async (_, call) => {
    let answer: unknown
    expect(() => void (answer = call())).not.toThrow()
    await expect(answer).rejects.toBeInstanceOf(InvalidKeyError)
  })

  test('is a release that brings along who asks for another key', async () => {
    const failure: unknown = await Promise.resolve(store.release(freshKey(), 'a', request(freshKey(), 'b'))).catch(
      (error: unknown) => error,
    )
    expect(failure).toBeInstanceOf(StoreError)
    expect(failure).toMatchObject({ outcome: 'not-applied' })
    expect((failure as Error).message).toBe('The store failed to release: the next request has to be for the same key')
  })
})

test('several keys are no matter of one command when one of them is a pool', async () => {
  const keys = [freshKey(), freshKey()] as const
  const mutex = request(keys[0], 'a')
  expect(await store.acquireAll?.([mutex, request(keys[1], 'b', { limit: 2 })])).toBeUndefined()
  expect(await store.acquireAll?.([request(keys[1], 'b', { limit: 2 }), mutex])).toBeUndefined()
  expect(await client.exists(...keys)).toBe(0)
  expect(await store.acquireAll?.([mutex, request(keys[1], 'b')])).toMatchObject({ granted: true })
})

test('who does not wait opens no way for notices, and who waits opens one', async () => {
  const own = redis(client)
  onTestFinished(() => own.close())
  own.onNotice?.(() => undefined)
  const key = freshKey()
  const channels = async (): Promise<number> => Number(/pubsub_channels:(\d+)/.exec(await client.info('stats'))?.[1])
  const before = await channels()
  await take(store, key, 'holder')
  expect(await own.acquire(request(key, 'tries'))).not.toHaveProperty('position')
  expect(await channels()).toBe(before)
  expect(await own.acquire(request(key, 'waits', { queueMs: 3_000 }))).toMatchObject({ granted: false, position: 0 })
  expect(await channels()).toBe(before + 1)
})

describe('the list of keys', () => {
  test('comes in pages of about as many as were asked for, and each key once', async () => {
    const names = Array.from({ length: 400 }, (_, index) => `paged:${index}`)
    await Promise.all(names.map((name) => store.acquire(request(name, 'a'))))
    const found: string[] = []
    let pages = 0
    for (let cursor: string | undefined, last = false; !last; last = cursor === undefined) {
      const page = await store.list('paged:', 20, cursor)
      expect(page.keys.length).toBeLessThan(60)
      found.push(...page.keys)
      cursor = page.cursor
      pages++
    }
    expect(new Set(found)).toEqual(new Set(names))
    expect(pages).toBeGreaterThan(6)
  })

  test('ends after some steps where next to nothing is found, and goes on from there', async () => {
    await client.eval(`for i = 1, 40000 do redis.call('SET', 'other:' .. i, '') end`, 0)
    const page = await store.list('none:', 1)
    expect(page.keys).toEqual([])
    expect(page.cursor).toMatch(/^0:[1-9]\d*$/)
    const steps = async (): Promise<number> =>
      Number(/cmdstat_scan:calls=(\d+)/.exec(await client.info('commandstats'))?.[1] ?? 0)
    const before = await steps()
    await store.list('none:', 1)
    expect((await steps()) - before).toBe(20)
    let cursor = page.cursor
    for (let turn = 0; turn < 10 && cursor !== undefined; turn++) cursor = (await store.list('none:', 1, cursor)).cursor
    expect(cursor).toBeUndefined()
    expect((await store.list('other:', 5, 'no cursor')).keys.length).toBeGreaterThanOrEqual(5)
  })
})
