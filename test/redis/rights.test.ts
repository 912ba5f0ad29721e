import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import type { Notice } from '../../src/core/store.js'
import { redis } from '../../src/stores/redis/index.js'
import { scripts, valueScripts } from '../../src/stores/redis/scripts.js'
import { clientKinds } from './clients.js'
import { freshKey, ownRedis, request, take } from './support.js'

/** The line that the documentation of redis() shows. */
async function documentedRule(): Promise<string[]> {
  const text = await readFile(new URL('../../src/stores/redis/index.ts', import.meta.url), 'utf8')
  const block = /```text\n([^`]*)```/.exec(text)?.[1] ?? ''
  return block.replaceAll(/^ \*/gm, '').trim().split(/\s+/)
}

test('the rights are the same wherever they are told', async () => {
  const page = await readFile(new URL('../../docs/redis.md', import.meta.url), 'utf8')
  const shown = /```text\n(ACL [^`]*)```/.exec(page)?.[1] ?? ''
  expect(shown.trim().split(/\s+/)).toEqual(await documentedRule())
})

test('no right is given that nothing needs', async () => {
  const lua = Object.values({ ...scripts, ...valueScripts })
    .map(({ text }) => text)
    .join('\n')
  const calls = [...lua.matchAll(/redis\.p?call\('([A-Z]+)'/g)]
  const called = calls.map(([, command = '']) => `+${command.toLowerCase()}`)
  const byClient = ['+eval', '+evalsha', '+subscribe', '+scan']
  const words = (await documentedRule()).filter((word) => word.startsWith('+'))
  const given = words.map((word) => word.replace(/\|.*/, '')) // +pubsub|numsub
  expect(given.sort()).toEqual([...new Set([...called, ...byClient])].sort())
})

test.each([...clientKinds.map(({ name }) => name), 'our own connection'])(
  'the documented rights are enough, by %s, and nothing outside the prefix can be reached',
  async (name) => {
    const server = await ownRedis()
    const rule = await documentedRule()
    expect(rule.slice(0, 3)).toEqual(['ACL', 'SETUSER', 'app'])
    await server.command(...rule)
    await server.command('ACL', 'SETUSER', 'app', '+ping')
    const url = `redis://app:password@127.0.0.1:${server.port}`
    const opened = await clientKinds.find((kind) => kind.name === name)?.open(url, { enableReadyCheck: false })
    const store = redis(opened?.client ?? url)
    const told: Notice[] = []
    store.onNotice?.((notice) => told.push(notice))
    for (const ending of ['', '{tag}', 'stray}{']) {
      for (const limit of [1, 3]) {
        const key = freshKey(ending)
        await take(store, key, 'anna', { limit })
        const ben = request(key, 'ben', { limit, permits: limit, queueMs: 3_000, turns: 5 })
        expect(await store.acquire(ben)).toMatchObject({ granted: false, position: 0 })
        await store.acquire(request(key, 'anna', { limit, ttlMs: 60_000 }))
        expect(await store.renew(key, 'anna', 30_000)).toBe(true)
        expect(await store.inspect(key)).toBeDefined()
        const carl = request(key, 'carl', { limit, queueMs: 3_000 })
        expect(await store.release(key, 'anna', carl)).toMatchObject({ released: true, next: { granted: false } })
        await expect.poll(() => told.at(-1)).toMatchObject({ type: 'granted', key, owner: 'ben' })
        expect(await store.release(key, 'ben')).toBe(true)
        expect((await store.list(key, 10)).keys).toEqual([key])
        const value = { content: 'text', token: 2 ** 53 - 2, freshMs: 10_000, staleMs: 10_000 }
        expect(await store.values?.set(key, value)).toBe(true)
        expect(await store.values?.get(key)).toMatchObject({ content: 'text', staleMs: 0 })
        expect(await store.values?.delete(key)).toBe(true)
        expect(await store.forceRelease(key)).toBe(true)
        expect(await store.wasRevoked?.(key, 'carl')).toBe(true)
        await take(store, key, 'dora', { limit, ttlMs: 1 })
        await expect.poll(() => store.inspect(key)).toBeUndefined()
        await take(store, key, 'dora', { limit })
      }
    }
    await expect.poll(() => told).toContainEqual({ type: 'resync' })
    await expect(store.acquire(request('other:key', 'anna'))).rejects.toMatchObject({
      outcome: 'not-applied',
      message: expect.stringContaining('rights') as string,
    })
    await store.close()
    opened?.end()
    expect(String(await server.command('ACL', 'LOG'))).not.toMatch(/holdfast:/)
  },
)
