import assert from 'node:assert/strict'
import type { Store } from '../../core/store.js'
import { rule } from './scene.js'
import type { Rule } from './scene.js'

export const listing: readonly Rule[] = [
  rule('lists every held key exactly once, page by page', async ({ actor, store, key, another }) => {
    const keys = Array.from({ length: 25 }, (_, index) => `${key}:${index}`)
    await Promise.all(keys.map((one) => actor('anna', { key: one }).take()))
    for (const client of [store, await another()]) {
      const pages = await pagesOf(client, `${key}:`, 5)
      assert.deepEqual(pages.flat().sort(), [...keys].sort())
      // `limit` is "about": a page may hold a few more, not the lot.
      for (const page of pages) assert.ok(page.length <= 15, `a page for 5 has ${page.length} keys`)
    }
    assert.deepEqual((await pagesOf(store, `${key}:`, 1_000)).flat().sort(), [...keys].sort())
  }),

  rule('takes a prefix literally, whatever characters it has', async ({ actor, store, key }) => {
    for (const special of ['*', '?', '[a-z]', '\\', '%', '_', '^$', '{}', '.', 'Ä']) {
      const prefix = `${key}${special}`
      await actor('anna', { key: `${prefix}:mine` }).take()
      await actor('ben', { key: `${key}x:other` }).take()
      assert.deepEqual((await pagesOf(store, prefix, 100)).flat(), [`${prefix}:mine`])
      await store.forceRelease(`${key}x:other`)
    }
  }),

  rule('tells small letters from capitals in a prefix', async ({ actor, store, key }) => {
    await actor('anna', { key: `${key}:a1` }).take()
    await actor('ben', { key: `${key}:A1` }).take()
    assert.deepEqual((await pagesOf(store, `${key}:a`, 100)).flat(), [`${key}:a1`])
  }),

  rule('lists a key once and by its own name, however many hold it or wait for it', async ({ actor, store, key }) => {
    const pool = `${key}:pool`
    for (const label of ['anna', 'ben', 'carl']) await actor(label, { key: pool, wish: { limit: 3 } }).take()
    await actor('dora', { key: pool, wish: { limit: 3, queueMs: 20_000 } }).isRefused()
    const mutex = `${key}:mutex`
    await actor('anna', { key: mutex }).take()
    await actor('ben', { key: mutex, wish: { queueMs: 20_000 } }).isRefused()
    assert.deepEqual((await pagesOf(store, key, 100)).flat().sort(), [mutex, pool])
  }),

  rule('lists no key that was released or whose lease ended', async ({ actor, store, key, eventually }) => {
    const [anna, ben, carl] = [`${key}:1`, `${key}:2`, `${key}:3`].map((one) => actor('somebody', { key: one }))
    assert.ok(anna && ben && carl)
    await anna.take()
    await ben.take()
    await carl.take({ ttlMs: 100 })
    await ben.release()
    await eventually('only the held key is listed', async () => {
      const listed = (await pagesOf(store, key, 100)).flat()
      assert.ok(listed.includes(`${key}:1`) && !listed.includes(`${key}:2`))
      return listed.length === 1
    })
  }),

  rule('lists nothing after a thousand keys were held and released', async ({ actor, store, key, inspect }) => {
    const people = Array.from({ length: 1_000 }, (_, index) => actor('anna', { key: `${key}:${index}` }))
    await Promise.all(people.map((one) => one.take()))
    assert.equal((await pagesOf(store, key, 250)).flat().length, 1_000)
    await Promise.all(people.map((one) => one.release()))
    assert.deepEqual((await pagesOf(store, key, 250)).flat(), [])
    assert.equal(await inspect(`${key}:0`), undefined)
  }),
]

/** Follows the cursor to the end. */
async function pagesOf(store: Store, prefix: string, limit: number): Promise<(readonly string[])[]> {
  const pages: (readonly string[])[] = []
  let cursor: string | undefined
  do {
    assert.ok(pages.length < 100_000, 'the cursor comes to an end')
    const page = await store.list(prefix, limit, cursor)
    pages.push(page.keys)
    cursor = page.cursor
  } while (cursor !== undefined)
  return pages
}
