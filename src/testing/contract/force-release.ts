import assert from 'node:assert/strict'
import { ownersOf, rule } from './scene.js'
import type { Rule } from './scene.js'

export const forceRelease: readonly Rule[] = [
  rule(
    'frees a key by force, whoever holds it, and says whether anybody did',
    async ({ actor, store, key, inspect }) => {
      const [anna, ben] = [actor('anna'), actor('ben')]
      assert.equal(await store.forceRelease(key), false)
      await anna.take()
      assert.equal(await store.forceRelease(key), true)
      assert.equal(await store.forceRelease(key), false)
      assert.equal(await inspect(), undefined)
      await ben.take()
      assert.equal(await anna.release(), false)
      assert.equal(await anna.renew(10_000), false)
      assert.equal(await ben.holds(), true)
    },
  ),

  rule('answers false to a forced release of an expired hold', async ({ actor, store, key, inspect, eventually }) => {
    await actor('anna').take({ ttlMs: 100 })
    await eventually('the lease ends', async () => (await inspect()) === undefined)
    assert.equal(await store.forceRelease(key), false)
  }),

  rule('ends every hold of a pool by force', async ({ actor, another, key, inspect }) => {
    const wish = { limit: 3 }
    const people = ['anna', 'ben', 'carl'].map((label) => actor(label, { wish }))
    for (const one of people) await one.take()
    assert.equal(await (await another()).forceRelease(key), true)
    assert.equal(await inspect(), undefined)
    for (const one of people) assert.equal(await one.release(), false)
  }),

  rule('frees nothing but the key it is told', async ({ actor, store, key, freshKey }) => {
    const [anna, ben] = [actor('anna'), actor('ben', { key: freshKey() })]
    await anna.take()
    await ben.take()
    assert.equal(await store.forceRelease(key), true)
    assert.equal(await ben.holds(), true)
  }),

  rule(
    'tells an owner that its hold was ended by force',
    async ({ actor, store, key, another }) => {
      const wasRevoked = async (owner: string): Promise<unknown> => store.wasRevoked?.(key, owner)
      const [anna, ben] = [actor('anna'), actor('ben')]
      await anna.take()
      assert.equal(await wasRevoked(anna.owner), false, 'not while it holds')
      await (await another()).forceRelease(key)
      assert.equal(await anna.renew(10_000), false)
      assert.equal(await wasRevoked(anna.owner), true)
      await ben.take()
      assert.equal(await wasRevoked(anna.owner), true, 'the next holder does not change that')
      assert.equal(await wasRevoked(ben.owner), false)
      await ben.release()
      assert.equal(await wasRevoked(ben.owner), false, 'an ordinary release is not a forced one')
    },
    (_, has) => has.includes('wasRevoked'),
  ),

  rule(
    'grants a key freed by force to the head of the queue',
    async ({ actor, store, key, inspect }) => {
      const [anna, ben] = [actor('anna'), actor('ben')]
      await anna.take()
      await ben.queueUp()
      assert.equal(await store.forceRelease(key), true)
      assert.deepEqual(ownersOf(await inspect()), [ben.owner])
    },
    ({ fair }) => fair,
  ),
]
