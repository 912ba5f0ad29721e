import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { redis } from '../../src/stores/redis/index.js'
import { isAuxKey } from '../../src/stores/redis/keys.js'
import type { ValuesOf } from '../../src/core/store.js'
import { until } from '../support/until.js'
import { freshKey, take } from './support.js'

const url = inject('redisUrl')
const foreign = new Redis(url)
const store = redis(url)
const values = store.values as ValuesOf<'async'> // it says that it has them: test/stores.test.ts
afterAll(async () => {
  await store.close()
  foreign.disconnect()
})
beforeAll(() => foreign.ping())

test('a value is a plain string beside the lock, that ends by itself', async () => {
  const key = freshKey()
  await values.set(key, { content: 'text\n', token: 7, freshMs: 20_000, staleMs: 0 })
  const name = `{${key}}:value`
  expect(isAuxKey(name, '')).toBe(true)
  expect(await foreign.get(name)).toBe('7\n0\ntext\n')
  expect(await foreign.pttl(name)).toBeGreaterThan(10_000)
  await values.set(key, { content: 'text', token: 7, freshMs: 20_000, staleMs: 60_000 })
  expect(await foreign.get(name)).toBe('7\n60000\ntext')
  expect(await foreign.pttl(name)).toBeGreaterThan(70_000)
  await values.delete(key)
  expect(await foreign.exists(name)).toBe(0)
})

test('a value lasts for whole milliseconds, one at least, and one without an end is never stale', async () => {
  const key = freshKey()
  const name = `{${key}}:value`
  expect(await values.set(key, { content: 'text', token: 7, freshMs: 20_000.2, staleMs: 9_999.2 })).toBe(true)
  expect(await foreign.get(name)).toBe('7\n10000\ntext')
  expect(await foreign.pttl(name)).toBeGreaterThan(25_000)
  expect(await values.set(key, { content: 'text', token: 7, freshMs: 0, staleMs: 20_000 })).toBe(true)
  expect(await foreign.pttl(name)).toBeGreaterThan(15_000)
  expect(await values.set(key, { content: 'text', token: 7, freshMs: 0, staleMs: 0 })).toBe(true)
  expect(await values.set(freshKey(), { content: 'text', token: 7, freshMs: null, staleMs: 20_000 })).toBe(true)
  expect(await values.set(key, { content: 'text', token: 8, freshMs: null, staleMs: 20_000 })).toBe(true)
  expect([await foreign.get(name), await foreign.pttl(name)]).toEqual(['8\n0\ntext', -1])
  expect(await values.set(key, { content: 'late', token: 7, freshMs: null, staleMs: 0 })).toBe(false)
  expect(await values.get(key)).toEqual({ content: 'text', token: 8, staleMs: 0 })
  expect([await values.delete(key), await values.delete(key)]).toEqual([true, false])
})

test('a value says for how long it has been stale, and that a deletion left none', async () => {
  const key = freshKey()
  const name = `{${key}}:value`
  await foreign.set(name, '7\n60000\ntext', 'PX', 70_000)
  for (const exactly of [false, true]) {
    expect(await values.get(key, exactly)).toEqual({ content: 'text', token: 7, staleMs: 0 })
  }
  await foreign.pexpire(name, 50_000)
  for (const exactly of [false, true]) {
    const value = await values.get(key, exactly)
    expect(value?.content).toBe('text')
    expect(Math.abs((value?.staleMs ?? 0) - 10_000)).toBeLessThan(5_000)
  }
  await foreign.set(name, '7', 'PX', 20_000)
  for (const exactly of [false, true]) expect(await values.get(key, exactly)).toBeUndefined()
  await foreign.del(name)
  for (const exactly of [false, true]) expect(await values.get(key, exactly)).toBeUndefined()
})

test('a value is refused when the lock was granted to another since, though that one’s value has ended', async () => {
  const key = freshKey()
  const before = await take(store, key, 'anna')
  await store.release(key, 'anna')
  const token = await take(store, key, 'ben')
  await values.delete(key)
  await store.release(key, 'ben')
  const after = await take(store, key, 'carl')
  expect(await values.set(key, { content: 'brief', token: after, freshMs: 20, staleMs: 0 })).toBe(true)
  await until(async () => (await values.get(key)) === undefined)
  for (const old of [before, token]) {
    expect(await values.set(key, { content: 'old', token: old, freshMs: null, staleMs: 0 })).toBe(false)
  }
  expect(await values.get(key)).toBeUndefined()
  expect(await values.set(key, { content: 'new', token: after, freshMs: 20_000, staleMs: 0 })).toBe(true)
})

test('a deletion leaves a mark only where somebody may still be computing, and for an hour at most', async () => {
  const key = freshKey()
  const token = await take(store, key, 'anna')
  await values.set(key, { content: 'text', token, freshMs: null, staleMs: 0 })
  expect(await foreign.pttl(`{${key}}:value`)).toBe(-1)
  await values.delete(key)
  expect(Number(await foreign.get(`{${key}}:value`))).toBeGreaterThan(token)
  expect(await foreign.pttl(`{${key}}:value`)).toBeLessThanOrEqual(3_600_000)
})

test('a deletion keeps the mark that somebody waits, and the next token is larger', async () => {
  const key = freshKey()
  const marked = `{${key}}:token`
  const ahead = (Date.now() + 60_000) * 1000 // of a server whose clock was ahead
  await foreign.set(marked, `${ahead}\n`, 'PX', 20_000)
  await values.delete(key)
  expect(await foreign.get(marked)).toBe(`${ahead + 1}\n`)
  await foreign.set(marked, `${ahead + 1}`, 'PX', 20_000)
  const token = await take(store, key, 'anna')
  expect(token).toBe(ahead + 2)
  expect(await values.set(key, { content: 'new', token, freshMs: 20_000, staleMs: 0 })).toBe(true)
})

test.each([
  ['no header', 'text'],
  ['an empty text', ''],
  ['half a header', '7\ntext'],
  ['no token', 'x\n0\ntext'],
  ['a token below 1', '0\n0\ntext'],
  ['a token too large', '99999999999999999\n0\ntext'],
  ['a negative time', '7\n-1\ntext'],
])('what stands there with %s is unreadable, and can be replaced', async (_, text) => {
  const key = freshKey()
  await foreign.set(`{${key}}:value`, text, 'PX', 20_000)
  for (const exactly of [false, true]) {
    expect(await values.get(key, exactly)).toEqual({ content: undefined, token: 0, staleMs: 0 })
  }
  expect(await values.set(key, { content: 'new', token: 8, freshMs: 20_000, staleMs: 0 })).toBe(true)
  expect(await values.get(key)).toEqual({ content: 'new', token: 8, staleMs: 0 })
})

test('a fresh value is had by one GET', async () => {
  const key = freshKey()
  await values.set(key, { content: 'text', token: 7, freshMs: 20_000, staleMs: 0 })
  const monitor = await foreign.monitor()
  const seen: string[] = []
  monitor.on('monitor', (_time: string, args: string[]) => {
    if (args.some((arg) => arg.includes(key) || arg === 'the end')) seen.push(args[0]?.toLowerCase() ?? '')
  })
  await values.get(key)
  await foreign.echo('the end')
  await expect.poll(() => seen).toEqual(['get', 'echo'])
  monitor.disconnect()
})

test('a value of another program is none that can be read, and one without an end is never stale', async () => {
  const key = freshKey()
  for (const text of ['7\n12', '7\n0', '0\n0\ntext', '7\n-1\ntext', '7\n0.5\ntext', 'x\n0\ntext']) {
    await foreign.set(`{${key}}:value`, text)
    expect(await values.get(key), text).toEqual({ content: undefined, token: 0, staleMs: 0 })
    expect(await values.get(key, true), text).toEqual({ content: undefined, token: 0, staleMs: 0 })
  }
  await values.set(key, { content: 'text', token: 8, freshMs: null, staleMs: 0 })
  expect(await values.get(key, true)).toEqual({ content: 'text', token: 8, staleMs: 0 })
})
