import assert from 'node:assert/strict'
import type { Store } from '../../core/store.js'
import { ownersOf, refusesOption, rule } from './scene.js'
import type { Rule, Scene } from './scene.js'

type Check = (scene: Scene, resize: NonNullable<Store['resize']>) => Promise<void>

/** Rules of stores that can give a key another limit while somebody holds. */
function resizeRule(name: string, check: Check, applies: Rule['applies'] = () => true): Rule {
  return rule(
    name,
    async (scene) => {
      const { store } = scene
      await check(scene, (key, from, to) => Promise.resolve(store.resize?.(key, from, to)))
    },
    (can, has) => has.includes('resize') && applies(can, has),
  )
}

export const resizing: readonly Rule[] = [
  resizeRule('lets more hold at once after a key was given more permits', async ({ actor, key, inspect }, resize) => {
    const wish = { limit: 2 }
    const [anna, ben, carl] = [actor('anna', { wish }), actor('ben', { wish }), actor('carl', { wish })]
    await anna.take()
    await ben.take()
    await carl.isRefused()
    await resize(key, 2, 3)
    await carl.take()
    await actor('dora', { wish }).isRefused()
    assert.equal((await inspect())?.limit, 3)
    assert.deepEqual(ownersOf(await inspect()), [anna.owner, ben.owner, carl.owner].sort())
  }),

  resizeRule(
    'grants to who waits when a key is given more permits',
    async ({ actor, key, eventually }, resize) => {
      const wish = { limit: 2 }
      const people = ['anna', 'ben', 'carl', 'dora', 'emil'].map((label) => actor(label, { wish }))
      const [anna, ben, carl, dora, emil] = people
      assert.ok(anna && ben && carl && dora && emil)
      for (const one of [anna, ben]) await one.take()
      for (const one of [carl, dora, emil]) await one.queueUp()
      await resize(key, 2, 4)
      await eventually('both hold who came first', async () => (await carl.holds()) && dora.holds())
      assert.equal(await emil.holds(), false)
    },
    ({ fair }) => fair,
  ),

  resizeRule(
    'lets holders go on when a key is given fewer permits, and grants none before there is room',
    async (scene, resize) => {
      const { actor, key, inspect } = scene
      const wish = { limit: 4 }
      const holders = ['anna', 'ben', 'carl', 'dora'].map((label) => actor(label, { wish }))
      const last = actor('emil', { wish })
      for (const one of holders) await one.take()
      await resize(key, 4, 2)
      for (const one of holders) assert.equal(await one.renew(20_000), true)
      assert.equal((await inspect())?.holders.length, 4)
      for (const one of holders.slice(0, 2)) {
        await one.release()
        await last.isRefused()
      }
      await holders[2]?.release()
      await last.take()
      await actor('fritz', { wish }).isRefused()
    },
  ),

  resizeRule(
    'takes requests with any limit that a resized key had for the same',
    async ({ actor, another, key }, resize) => {
      await actor('anna').take({ limit: 2 })
      await resize(key, 2, 5)
      const store = await another()
      await actor('ben', { store }).take({ limit: 2 })
      await actor('carl', { store }).take({ limit: 5 })
      await resize(key, 2, 4)
      await actor('dora', { store }).take({ limit: 4 })
      for (const limit of [2, 5, 4]) {
        const asking = actor(`asks of ${limit}`).isRefused({ limit })
        await assert.doesNotReject(asking, `a limit of ${limit} is taken for the one it has now`)
      }
      await refusesOption(() => actor('emil').ask({ limit: 3 }), [3, 4])
    },
  ),

  resizeRule(
    'remembers that a key was resized when nobody holds it',
    async ({ actor, store, key, inspect }, resize) => {
      const wish = { limit: 2 }
      await resize(key, 2, 3)
      assert.equal(await inspect(), undefined)
      assert.deepEqual((await store.list(key, 10)).keys, [])
      const people = ['anna', 'ben', 'carl'].map((label) => actor(label, { wish }))
      for (let round = 0; round < 2; round++) {
        for (const one of people) await one.take()
        await actor('dora', { wish }).isRefused()
        for (const one of people) await one.release()
      }
      assert.equal(await inspect(), undefined)
      await resize(key, 2, 1)
      await people[0]?.take()
      await people[1]?.isRefused()
    },
  ),

  resizeRule(
    'does not resize a key for who does not know its limit, and names both',
    async ({ actor, key, inspect }, resize) => {
      const wish = { limit: 3 }
      await actor('anna', { wish }).take()
      await refusesOption(() => Promise.resolve(resize(key, 5, 8)), [3, 5])
      assert.equal((await inspect())?.limit, 3)
      for (const label of ['ben', 'carl']) await actor(label, { wish }).take()
      await actor('dora', { wish }).isRefused()
    },
  ),

  resizeRule('refuses a request for more permits than a resized key has, and names both', async (scene, resize) => {
    const { actor, key, promised, eventually } = scene
    const wish = { limit: 4 }
    const [anna, ben, carl] = [actor('anna', { wish }), actor('ben', { wish }), actor('carl', { wish })]
    await anna.take({ permits: 2 })
    if (promised.capabilities.fair) {
      await ben.queueUp({ permits: 3 })
      await carl.queueUp({ permits: 1 })
    }
    await resize(key, 4, 2)
    await refusesOption(() => ben.ask({ permits: 3, queueMs: 5_000 }), [2, 3])
    await anna.release()
    await eventually("it is in nobody's way", async () => (await carl.ask({ permits: 1 })).granted)
  }),
]
