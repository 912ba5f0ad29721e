import assert from 'node:assert/strict'
import type { Actor } from './actor.js'
import { pause } from './pause.js'
import { ownersOf, remainingOf, rule } from './scene.js'
import type { Rule, Scene } from './scene.js'

export const ownership: readonly Rule[] = [
  rule('lets only the owner renew', async ({ actor, inspect }) => {
    const anna = actor('anna')
    await anna.take({ ttlMs: 20_000 })
    assert.equal(await actor('ben').renew(600_000), false)
    assert.ok(remainingOf(await inspect(), anna.owner) <= 20_000, 'a stranger prolongs nothing')
    assert.equal(await anna.renew(20_000), true)
  }),

  rule('lets only the owner release', async ({ actor, inspect }) => {
    const anna = actor('anna')
    await anna.take()
    assert.equal(await actor('ben').release(), false)
    assert.deepEqual(ownersOf(await inspect()), [anna.owner])
    assert.equal(await anna.release(), true)
  }),

  rule('answers false to a second release, which harms nobody', async ({ actor }) => {
    const [anna, ben] = [actor('anna'), actor('ben')]
    await anna.take()
    assert.equal(await anna.release(), true)
    assert.equal(await anna.release(), false)
    await ben.take()
    assert.equal(await anna.release(), false)
    assert.equal(await ben.holds(), true)
  }),

  rule(
    'answers false to renewal and release of a key that nobody holds, and creates nothing',
    async ({ actor, inspect }) => {
      const anna = actor('anna')
      assert.equal(await anna.renew(1_000), false)
      assert.equal(await anna.release(), false)
      assert.equal(await inspect(), undefined)
    },
  ),

  rule('refuses renewal and release by an owner whose key was taken over', async (scene) => {
    const { stale, holder } = await takeover(scene)
    assert.equal(await stale.renew(20_000), false)
    assert.equal(await stale.release(), false)
    assert.deepEqual(ownersOf(await scene.inspect()), [holder.owner])
    assert.equal(await holder.renew(20_000), true)
  }),

  rule('refuses an owner that asks again after its key was taken over', async (scene) => {
    const { stale, holder } = await takeover(scene)
    await stale.isRefused()
    assert.deepEqual(ownersOf(await scene.inspect()), [holder.owner])
  }),

  rule('never revives an expired hold by renewal', async ({ actor, inspect }) => {
    const anna = actor('anna')
    await anna.take({ ttlMs: 100 })
    // Nobody looks in between: a look might be what ends it.
    await pause(300)
    assert.equal(await anna.renew(20_000), false)
    assert.equal(await inspect(), undefined)
  }),

  rule('answers false to the release of an expired hold', async ({ actor }) => {
    const anna = actor('anna')
    await anna.take({ ttlMs: 100 })
    await pause(300)
    assert.equal(await anna.release(), false)
  }),

  rule(
    'never revives a hold by renewal after its release or forced release',
    async ({ actor, inspect, store, key }) => {
      const anna = actor('anna')
      await anna.take()
      await anna.release()
      assert.equal(await anna.renew(20_000), false)
      await anna.take()
      assert.equal(await store.forceRelease(key), true)
      assert.equal(await anna.renew(20_000), false)
      assert.equal(await inspect(), undefined)
    },
  ),

  rule('leaves nothing when renewals race with the release', async ({ actor, inspect, another }) => {
    const anna = actor('anna')
    const twin = actor('anna', { store: await another(), owner: anna.owner })
    await anna.take()
    await Promise.all([anna.renew(20_000), anna.release(), anna.renew(20_000), twin.renew(20_000)])
    assert.equal(await anna.renew(20_000), false)
    assert.equal(await inspect(), undefined)
  }),
]

/** Somebody whose lease ended, and the one who holds since. */
async function takeover({ actor, eventually }: Scene): Promise<{ stale: Actor; holder: Actor }> {
  const [stale, holder] = [actor('stale'), actor('holder')]
  await stale.take({ ttlMs: 100 })
  await eventually('an expired key is granted to the next', async () => (await holder.ask()).granted)
  return { stale, holder }
}
