import assert from 'node:assert/strict'
import type { HolderInfo } from '../../core/store.js'
import { pause } from './pause.js'
import { ownersOf, rule } from './scene.js'
import type { Rule } from './scene.js'

export const inspection: readonly Rule[] = [
  rule('knows nothing of a key that nobody holds or waits for', async ({ actor, inspect, key, freshKey }) => {
    assert.equal(await inspect(key), undefined)
    const anna = actor('anna')
    await anna.take()
    assert.equal(await inspect(freshKey()), undefined)
    await anna.release()
    assert.equal(await inspect(key), undefined)
  }),

  rule('shows everything about a holder', async ({ actor, inspect, key, another }) => {
    const holder: HolderInfo = {
      host: 'host-7',
      pid: 4_711,
      label: 'nightly',
      since: 1_700_000_000_123,
      expireMs: 9_000,
    }
    const anna = actor('anna', { wish: { limit: 5, permits: 2, ttlMs: 20_000 } })
    await anna.take({ holder })
    const record = await (await another()).inspect(key)
    assert.deepEqual([record?.key, record?.limit, record?.waiters], [key, 5, []])
    const [shown, ...others] = record?.holders ?? []
    assert.ok(shown)
    assert.deepEqual(others, [])
    assert.deepEqual([shown.owner, shown.permits], [anna.owner, 2])
    assert.deepEqual(infoOf(shown), holder)
    assert.ok(shown.remainingMs !== undefined && shown.remainingMs > 0 && shown.remainingMs <= 20_000)
    assert.ok(Number.isSafeInteger(shown.token))
    await (await another()).inspect(key)
    assert.equal(await inspect().then(ownersOf).then(String), anna.owner, 'looking changes nothing')
  }),

  rule('shows a mutex as a key with one permit', async ({ actor, inspect }) => {
    const anna = actor('anna')
    await anna.take()
    const record = await inspect()
    assert.equal(record?.limit, 1)
    assert.equal(record.holders[0]?.permits, 1)
    assert.deepEqual(infoOf(record.holders[0]), infoOf(anna.holder), 'no label and no expireMs were given but these')
  }),

  rule(
    'gives names and labels back as they were, whatever characters they have',
    async ({ actor, inspect, freshKey }) => {
      for (const text of awkwardTexts) {
        const key = freshKey()
        const anna = actor('anna', { key })
        const holder = { host: `host ${text}`, pid: 1, label: text, since: 0 }
        await anna.take({ holder })
        const [shown] = (await inspect(key))?.holders ?? []
        assert.ok(shown)
        assert.deepEqual(infoOf(shown), infoOf(holder))
        const { holder: told } = await actor('ben', { key }).isRefused()
        assert.ok(told)
        assert.deepEqual(infoOf(told), infoOf(holder))
      }
    },
  ),

  rule('shows a holder without a label without a label', async ({ actor, inspect }) => {
    const anna = actor('anna')
    await anna.take({ holder: { ...anna.holder, label: undefined } })
    assert.equal((await inspect())?.holders[0]?.label, undefined)
  }),

  rule('never shows an expired hold', async ({ actor, inspect, freshKey }) => {
    const [alone, shared] = [freshKey(), freshKey()]
    const wish = { limit: 2 }
    const anna = actor('anna', { key: shared, wish })
    await actor('ben', { key: alone }).take({ ttlMs: 100 })
    await actor('ben', { key: shared, wish }).take({ ttlMs: 100 })
    await anna.take()
    // The first look after the end must be right: a look might be what drops what has ended.
    await pause(300)
    assert.equal(await inspect(alone), undefined)
    assert.deepEqual(ownersOf(await inspect(shared)), [anna.owner])
  }),

  rule(
    'shows who waits, in order',
    async ({ actor, inspect }) => {
      const [anna, ben, carl] = [actor('anna'), actor('ben'), actor('carl')]
      await anna.take()
      await ben.queueUp()
      await carl.queueUp({ holder: { ...carl.holder, label: undefined } })
      await ben.queueUp()
      const { waiters = [] } = (await inspect()) ?? {}
      assert.deepEqual(
        waiters.map((waiter) => ({ owner: waiter.owner, ...infoOf(waiter) })),
        [
          { owner: ben.owner, ...infoOf(ben.holder) },
          { owner: carl.owner, ...infoOf({ ...carl.holder, label: undefined }) },
        ],
      )
    },
    ({ fair }) => fair,
  ),
]

const awkwardTexts = [
  '',
  'a:b|c,d;e',
  '"quoted" \\ \'it\'',
  'line\nbreak\ttab',
  'Grüße 🦊 漢字',
  '{"json":1}',
  ' spaces ',
  '\u0000nul',
  '12',
]

/** The part that people gave, with undefined for what they did not. */
function infoOf({ host, pid, label, since, expireMs }: HolderInfo): HolderInfo {
  return { host, pid, label, since, expireMs }
}
