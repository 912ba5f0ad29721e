import { createHoldfast } from 'holdfast'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { InvalidOptionError } from '../../src/core/errors.js'
import { redis } from '../../src/stores/redis/index.js'
import { freshKey, request, take } from './support.js'

const url = inject('redisUrl')
const foreign = new Redis(url)
const store = redis(url)
afterAll(async () => {
  await store.close()
  foreign.disconnect()
})
beforeAll(() => foreign.ping())

describe('beside programs that use SET key value NX PX', () => {
  test('a key that they hold is refused, without a holder, until their PX ends', async () => {
    const key = freshKey()
    await foreign.set(key, 'random-value', 'PX', 20_000, 'NX')
    const answer = await store.acquire(request(key, 'anna'))
    expect(answer).toEqual({ granted: false, freeInMs: expect.closeTo(20_000, -3) as number })
    await foreign.del(key)
    await take(store, key, 'anna')
  })

  test('a key that we hold refuses their SET, and is theirs after our release', async () => {
    const key = freshKey()
    await take(store, key, 'anna')
    expect(await foreign.set(key, 'random-value', 'PX', 20_000, 'NX')).toBeNull()
    expect(await store.release(key, 'anna')).toBe(true)
    expect(await foreign.set(key, 'random-value', 'PX', 20_000, 'NX')).toBe('OK')
  })

  test('a pool refuses their SET as well', async () => {
    const key = freshKey()
    await take(store, key, 'anna', { limit: 3 })
    expect(await foreign.set(key, 'random-value', 'PX', 20_000, 'NX')).toBeNull()
  })

  test('a key without an end has no freeInMs', async () => {
    const key = freshKey()
    await foreign.set(key, 'immortal')
    expect(await store.acquire(request(key, 'anna'))).toEqual({ granted: false })
    expect(await store.acquire(request(key, 'anna', { limit: 3 }))).toEqual({ granted: false })
    await foreign.del(key)
  })

  test.each([
    ['a value of theirs', 'x'],
    ['an empty value', ''],
    ['the owner itself as value', 'anna'],
    ['lines that look a little like ours', 'a\nb\nc\nd'],
    ['lines that look almost like ours', 'anna2\n17\nwake\n[]'],
  ])('%s is neither released nor renewed by us, but shown, and ended by force', async (_, value) => {
    const key = freshKey()
    await foreign.set(key, value, 'PX', 20_000)
    expect(await store.release(key, 'anna')).toBe(false)
    expect(await store.renew(key, 'anna', 60_000)).toBe(false)
    expect(await foreign.get(key)).toBe(value)
    const record = await store.inspect(key)
    expect(record).toMatchObject({ key, limit: 1, waiters: [], holders: [{ token: 0, permits: 1, host: '' }] })
    expect(record?.holders[0]?.remainingMs).toBeGreaterThan(10_000)
    expect(await store.forceRelease(key)).toBe(true)
    expect(await foreign.exists(key)).toBe(0)
  })

  test.each(['hash', 'list'])('a %s of theirs is held by somebody who does not say who', async (type) => {
    const key = freshKey()
    if (type === 'hash') await foreign.hset(key, 'field', 'value')
    else await foreign.rpush(key, 'value')
    for (const limit of [1, 3]) expect(await store.acquire(request(key, 'anna', { limit }))).toEqual({ granted: false })
    expect(await store.renew(key, 'anna', 1_000)).toBe(false)
    expect(await store.release(key, 'anna')).toBe(false)
    expect((await store.inspect(key))?.holders).toHaveLength(1)
    expect(await store.forceRelease(key)).toBe(true)
  })
})

describe('what stands in Redis', () => {
  test('a mutex is one string with a lease, its lines owner, token, wake id and holder', async () => {
    const key = freshKey()
    const holder = { host: 'box', pid: 7, label: 'two\nlines "quoted"', since: 1_700_000_000_123, expireMs: 5_000 }
    const token = await take(store, key, 'anna', { holder })
    const [owner, storedToken, wakeId, ...rest] = ((await foreign.get(key)) ?? '').split('\n')
    expect([owner, storedToken, rest.length]).toEqual(['anna', String(token), 1])
    expect(wakeId).toMatch(/^[\w-]{22}$/)
    expect(JSON.parse(rest[0] ?? '')).toEqual(holder)
    expect(await foreign.pttl(key)).toBeGreaterThan(25_000)
    expect((await store.inspect(key))?.holders).toEqual([
      { ...holder, owner: 'anna', token, permits: 1, remainingMs: expect.closeTo(30_000, -4) as number },
    ])
    expect((await store.acquire(request(key, 'ben'))) as object).toMatchObject({ granted: false, holder })
  })

  test('nothing is kept for ever', async () => {
    const key = freshKey()
    await take(store, key, 'anna', { limit: 2 })
    await store.forceRelease(key)
    await take(store, key, 'ben')
    await store.release(key, 'ben')
    await take(store, key, 'carl', { limit: 5 })
    const names = [...(await foreign.keys(`*${key}*`))]
    expect(names.sort()).toEqual([key, `{${key}}:leases`, `{${key}}:revoked`, `{${key}}:token`].sort())
    for (const name of names) {
      expect(await foreign.pttl(name)).toBeGreaterThan(0)
      expect(await foreign.pttl(name)).toBeLessThanOrEqual(30_000 + 3_600_000)
    }
  })

  test('the database of the URL is used', async () => {
    const key = freshKey()
    const third = redis(`${url}/3`)
    await take(third, key, 'anna')
    expect(await store.inspect(key)).toBeUndefined()
    await foreign.select(3)
    expect(await foreign.exists(key)).toBe(1)
    await foreign.select(0)
    await third.release(key, 'anna')
    await third.close()
  })

  test('a database that is not there is an error, not database 0', async () => {
    const wrong = redis(`${url}/9999`)
    await expect(wrong.acquire(request(freshKey(), 'anna'))).rejects.toMatchObject({
      code: 'STORE_FAILED',
      outcome: 'not-applied',
      message: expect.stringContaining('DB index') as string,
    })
    await wrong.close()
  })

  test('list shows held keys, also those with braces or pattern signs, and never what stands beside them', async () => {
    const prefix = `${freshKey()}[a-z]*?\\:`
    const keys = ['plain', 'x{tag}y', 'stray}{', '*', 'token'].map((name) => prefix + name)
    for (const [index, key] of keys.entries()) await take(store, key, 'anna', { limit: index + 1 })
    await foreign.set(`${prefix.replace('[a-z]', 'b')}no`, 'x', 'PX', 20_000)
    const found: string[] = []
    let cursor: string | undefined
    do {
      const page = await store.list(prefix, 2, cursor)
      found.push(...page.keys)
      cursor = page.cursor
    } while (cursor !== undefined)
    expect([...new Set(found)].sort()).toEqual([...keys].sort())
  })

  test('list leaves them out where the prefix is a tag itself', async () => {
    const prefix = `{${freshKey()}}:`
    await take(store, `${prefix}a`, 'anna')
    expect((await store.list(prefix, 10_000)).keys).toEqual([`${prefix}a`])
    await take(store, prefix.slice(0, -1), 'anna')
    const { keys } = await store.list(prefix.slice(0, -1), 10_000)
    expect([...keys].sort()).toEqual([prefix.slice(0, -1), `${prefix}a`])
  })
})

describe('a key with a limit', () => {
  test('rejects another limit while it is held, naming both', async () => {
    const key = freshKey()
    await take(store, key, 'anna', { limit: 3 })
    for (const limit of [1, 4]) {
      const refused = store.acquire(request(key, 'ben', { limit }))
      await expect(refused).rejects.toThrow(InvalidOptionError)
      await expect(refused).rejects.toThrow(new RegExp(`\\b${limit}\\b.*\\b3\\b`))
    }
    await store.release(key, 'anna')
    await take(store, key, 'ben')
    await expect(store.acquire(request(key, 'anna', { limit: 3 }))).rejects.toThrow(/\b3\b.*\b1\b/)
    await store.release(key, 'ben')
    await take(store, key, 'anna', { limit: 4 })
  })

  test('may be told another limit after its holders expired', async () => {
    const key = freshKey()
    await take(store, key, 'anna', { limit: 3, ttlMs: 20 })
    await expect
      .poll(async () => store.acquire(request(key, 'ben', { limit: 4 })).catch(() => undefined))
      .toMatchObject({
        granted: true,
      })
  })

  test('refuses what exceeds the limit, and leases without an end', async () => {
    await expect(store.acquire(request(freshKey(), 'anna', { limit: 2, permits: 3 }))).rejects.toThrow(/\b3\b.*\b2\b/)
    for (const ttlMs of [null, 0, Number.NaN]) {
      await expect(store.acquire(request(freshKey(), 'anna', { ttlMs }))).rejects.toThrow(InvalidOptionError)
    }
  })
})

describe('the name of what stands beside another key', () => {
  test.each([
    ['', 'key', (key: string) => [`{${key}}:token`, `{${key}}:queue`, `{${key}}:revoked`]],
    ['', '{tag}key', (key: string) => [`{tag}:token:${key}`, `{tag}:leases:${key}`]],
    ['{app}:', 'key', (key: string) => [`token:{app}:${key}`, `waiters:{app}:${key}`]],
  ] as const)('cannot be locked: prefix "%s", key "%s"', async (prefix, ending, namesBeside) => {
    const { lock, close } = createHoldfast({ store: url, prefix })
    const key = ending.replace('key', freshKey())
    const lease = await lock(key).acquire()
    for (const name of namesBeside(key)) {
      const handle = lock(name)
      for (const call of [() => handle.acquire(), () => handle.forceRelease(), () => handle.inspect()]) {
        await expect(call()).rejects.toMatchObject({
          code: 'INVALID_KEY',
          key: name,
          message: expect.stringContaining('another prefix') as string,
        })
      }
    }
    expect(await lease.release()).toBe(true)
    const next = await lock(key).acquire()
    expect(next.token).toBeGreaterThan(lease.token)
    await next.release()
    await (await lock(`${key}:token`).acquire()).release() // others may end as they like
    await close()
  })
})
