import assert from 'node:assert/strict'
import type { KeptValue, NewValue, Store, ValuesOf } from '../../core/store.js'
import { realEnv } from '../../core/env.js'
import { pause } from './pause.js'
import { rule } from './scene.js'
import type { Rule, Scene } from './scene.js'

const keepsValues: Rule['applies'] = (_can, has) => has.includes('values')

/** Long enough for the slowest machine. */
const longMs = 30_000

export const values: readonly Rule[] = [
  rule(
    'gives back the value that was set, and its token, to every client',
    async ({ store, another, key, promised }) => {
      const { scope } = promised.capabilities
      assert.ok(!valuesOf(store).live || scope === 'process', 'only one process can have values that are live')
      assert.equal(await valuesOf(store).get(key), undefined, 'at first there is none')
      assert.equal(await valuesOf(store).set(key, fresh('one', 7)), true)
      for (const client of [store, await another()]) {
        for (const exactly of [false, true]) isValue(await valuesOf(client).get(key, exactly), 'one', 7)
      }
    },
    keepsValues,
  ),

  rule(
    'replaces a value by one of the same or a larger token',
    async ({ store, key }) => {
      for (const [content, token] of [
        ['one', 7],
        ['two', 7],
        ['three', 8],
      ] as const) {
        assert.equal(await valuesOf(store).set(key, fresh(content, token)), true)
        isValue(await valuesOf(store).get(key), content, token)
      }
    },
    keepsValues,
  ),

  rule(
    'keeps a value when one of a smaller token comes late',
    async ({ store, another, key }) => {
      const micros = 800_000_000_000_000 // as many digits as a clock gives, less one
      await valuesOf(store).set(key, fresh('newer', micros * 10))
      for (const token of [micros * 10 - 1, micros, 9]) {
        assert.equal(
          await valuesOf(await another()).set(key, fresh('older', token)),
          false,
          `token ${token} is too late`,
        )
      }
      isValue(await valuesOf(store).get(key), 'newer', micros * 10)
    },
    keepsValues,
  ),

  rule(
    'forgets a value that was deleted, once',
    async ({ store, another, key }) => {
      assert.equal(await valuesOf(store).delete(key), false, 'there was none')
      await valuesOf(store).set(key, fresh('one', 7))
      assert.equal(await valuesOf(await another()).delete(key), true)
      assert.equal(await valuesOf(store).get(key), undefined)
      assert.equal(await valuesOf(store).get(key, true), undefined)
      assert.equal(await valuesOf(store).delete(key), false)
      assert.equal(await valuesOf(store).set(key, fresh('two', 8)), true, 'and it can be set again')
      isValue(await valuesOf(store).get(key), 'two', 8)
    },
    keepsValues,
  ),

  rule(
    'refuses what was computed under a lock that was granted before the deletion, and nothing else',
    async ({ store, another, key, actor }) => {
      for (const begin of ['nothing there', 'a value there']) {
        const anna = actor('anna')
        const before = await anna.take({ turns: 4 })
        if (begin === 'a value there') await valuesOf(store).set(key, fresh('one', before))
        await valuesOf(await another()).delete(key)
        assert.equal(await valuesOf(store).set(key, fresh('stale', before)), false, begin)
        assert.equal(await valuesOf(store).set(key, fresh('stale', before + 4)), false, 'nor by a hand-over of before')
        assert.equal(await valuesOf(store).get(key), undefined)
        await anna.release()
        const ben = actor('ben')
        const after = await ben.take()
        assert.equal(await valuesOf(store).set(key, fresh('new', after)), true)
        isValue(await valuesOf(store).get(key, true), 'new', after)
        await ben.release()
        await valuesOf(store).delete(key)
      }
    },
    (can, has) => has.includes('values') && can.token !== 'none',
  ),

  rule(
    'forgets a value when its time is over',
    async ({ store, key, eventually }) => {
      await setBriefly(store, key, { content: 'brief', token: 7, freshMs: 150, staleMs: 0 })
      await eventually('it is forgotten', async () => (await valuesOf(store).get(key)) === undefined)
      assert.equal(await valuesOf(store).get(key, true), undefined)
    },
    keepsValues,
  ),

  rule(
    'keeps a value without an end, beside one that has one',
    async ({ store, key, freshKey, eventually }) => {
      const brief = freshKey()
      await valuesOf(store).set(key, { ...fresh('for ever', 7), freshMs: null })
      await valuesOf(store).set(brief, { content: 'brief', token: 7, freshMs: 150, staleMs: 0 })
      await eventually('the other is forgotten', async () => (await valuesOf(store).get(brief)) === undefined)
      isValue(await valuesOf(store).get(key), 'for ever', 7)
      await valuesOf(store).delete(key)
    },
    keepsValues,
  ),

  rule(
    'tells for how long a value has been stale, by every way to ask, and forgets it then',
    async ({ store, another, key, eventually }) => {
      const value = { content: 'aging', token: 7, freshMs: 200, staleMs: longMs }
      await setBriefly(store, key, value)
      const stale = await eventually('it is stale', async () => {
        const found = await valuesOf(store).get(key, true)
        assert.ok(found, 'a stale value is still there')
        return found.staleMs > 0 && found.staleMs
      })
      await pause(50)
      for (const client of [store, await another()]) {
        const later = await valuesOf(client).get(key)
        assert.ok(
          later !== undefined && later.staleMs >= stale + 40,
          `stale for ${later?.staleMs} ms, not ${stale + 50}`,
        )
        assert.equal(later.content, 'aging')
      }
      await valuesOf(store).set(key, { ...value, freshMs: 1, staleMs: 150 })
      await eventually('it is forgotten', async () => (await valuesOf(store).get(key)) === undefined)
    },
    keepsValues,
  ),

  rule(
    'keeps the values of all keys apart, and any text whole',
    async ({ store, freshKey }) => {
      const stem = freshKey()
      const keys = ['', ':a', '}', '{a}', '{', ' ', '\n', 'ä', '😀', ':value', ':token', '\u0000'].map(
        (end) => stem + end,
      )
      const texts = ['', '\n', '7\n0\n', 'ä😀\u0000', ' "} \r\n', 'x'.repeat(300_000)]
      const contentOf = (at: number): string => texts[at] ?? `text ${at}`
      for (const [at, key] of keys.entries()) await valuesOf(store).set(key, fresh(contentOf(at), 7 + at))
      for (const [at, key] of keys.entries())
        isValue(await valuesOf(store).get(key, at % 2 === 1), contentOf(at), 7 + at)
      for (const key of keys) assert.equal(await valuesOf(store).delete(key), true)
    },
    keepsValues,
  ),

  rule(
    'keeps locks and values of a key out of each other’s way',
    async ({ store, key, actor, inspect }) => {
      await valuesOf(store).set(key, fresh('one', 7))
      assert.equal(await inspect(), undefined, 'a value is no hold')
      assert.deepEqual((await store.list(key, 100)).keys, [], 'nor a key in the list')
      const anna = actor('anna')
      await anna.take()
      isValue(await valuesOf(store).get(key), 'one', 7)
      await valuesOf(store).delete(key)
      assert.equal(await anna.holds(), true, 'what is deleted is the value')
      await valuesOf(store).set(key, fresh('two', Number.MAX_SAFE_INTEGER))
      assert.equal(await anna.release(), true)
      isValue(await valuesOf(store).get(key), 'two', Number.MAX_SAFE_INTEGER)
      await valuesOf(store).delete(key)
    },
    keepsValues,
  ),

  rule(
    'answers about values without a promise',
    ({ store, key }) => {
      const { get, set, delete: remove } = plain(store)
      for (const answer of [get(key), set(key, fresh('one', 7)), get(key, true), remove(key)]) {
        assert.ok(!(answer instanceof Promise), 'the answer is not a promise')
      }
    },
    ({ sync }, has) => sync && has.includes('values'),
  ),

  rule(
    'keeps the value itself within a process, and tells when it is there no more',
    async (scene) => {
      const { store, freshKey } = scene
      assert.equal(valuesOf(store).live, true)
      const ends: readonly ((key: string) => unknown)[] = [
        (key) => valuesOf(store).delete(key),
        (key) => valuesOf(store).set(key, fresh('another', 8)),
      ]
      for (const end of ends) {
        const key = freshKey()
        const content = { its: 'own' }
        await valuesOf(store).set(key, { ...fresh('', 7), content })
        const found = await valuesOf(store).get(key)
        assert.equal(found?.content, content, 'it is the value itself, not a copy')
        assert.equal(found.staleMs, 0)
        await end(key)
        assert.equal(found.staleMs, Infinity)
        assert.equal(found.content, undefined, 'and its content is let go')
      }
      await endsByItself(scene)
    },
    ({ scope, sync }, has) => has.includes('values') && scope === 'process' && sync,
  ),
]

async function endsByItself({ store, key, eventually }: Scene): Promise<void> {
  await valuesOf(store).set(key, { content: {}, token: 7, freshMs: 100, staleMs: 100 })
  const found = await valuesOf(store).get(key)
  await eventually('it is stale', () => found !== undefined && found.staleMs > 0)
  await eventually('it is over', () => found?.staleMs === Infinity)
}

/** On a slow machine it may be stale before it can be looked at. */
async function setBriefly(
  store: Store,
  key: string,
  value: NewValue & { content: string; freshMs: number },
): Promise<void> {
  const startMs = realEnv.nowMs()
  await valuesOf(store).set(key, value)
  const found = await valuesOf(store).get(key)
  if (realEnv.nowMs() - startMs < value.freshMs) isValue(found, value.content, value.token)
}

function fresh(content: string, token: number): NewValue {
  return { content, token, freshMs: longMs, staleMs: 0 }
}

function valuesOf({ values: kept }: Store): ValuesOf<'async'> {
  assert.ok(kept, 'a store that has values has `values`')
  return kept
}

/** The same, whatever it answers with. */
function plain(store: Store): Record<'get' | 'set' | 'delete', (...args: unknown[]) => unknown> {
  const kept = valuesOf(store)
  return {
    get: (...args) => kept.get(...(args as Parameters<typeof kept.get>)),
    set: (...args) => kept.set(...(args as Parameters<typeof kept.set>)),
    delete: (...args) => kept.delete(...(args as Parameters<typeof kept.delete>)),
  }
}

function isValue(found: KeptValue | undefined, content: string, token: number): void {
  assert.ok(found !== undefined, 'the value is there')
  assert.equal(found.content, content)
  assert.equal(found.token, token)
  assert.equal(found.staleMs, 0, 'it is fresh')
}
