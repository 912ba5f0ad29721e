import assert from 'node:assert/strict'
import { pause } from './pause.js'
import { ownersOf, remainingOf, rule } from './scene.js'
import type { Rule } from './scene.js'

/** Limits whose records differ: of one holder, and of several. */
const kinds = [
  { name: 'a lock', wish: {} },
  { name: 'a pool', wish: { limit: 3 } },
  { name: 'a pool, several permits', wish: { limit: 3, permits: 2 } },
]

/** A request that takes over the hold of another owner. */
export const adoption: readonly Rule[] = [
  ...kinds.map(({ name, wish }) =>
    adopting(`puts one owner in the place of another, under a new token: ${name}`, async ({ actor, inspect }) => {
      const [anna, ben] = [actor('anna', { wish }), actor('ben', { wish })]
      const given = await anna.take()
      const token = await ben.take({ adopts: anna.owner })
      assert.ok(token > given, 'its token is larger')
      const record = await inspect()
      assert.deepEqual(ownersOf(record), [ben.owner])
      assert.deepEqual(
        record?.holders.map((hold) => [hold.token, hold.permits, hold.label]),
        [[token, ben.request().permits, 'ben']],
      )
      assert.equal(await anna.renew(10_000), false)
      assert.equal(await anna.release(), false)
      assert.equal(await ben.release(), true)
      assert.equal(await inspect(), undefined)
    }),
  ),

  ...kinds.map(({ name, wish }) =>
    adopting(`gives it to one of many: ${name}`, async ({ actor, another, inspect }) => {
      const elsewhere = await another()
      const anna = actor('anna', { wish })
      await anna.take()
      const others = Array.from({ length: 10 }, (_, at) =>
        actor(`adopter ${at}`, at % 2 === 0 ? { wish, store: elsewhere } : { wish }),
      )
      const answers = await Promise.all(others.map((other) => other.ask({ adopts: anna.owner })))
      assert.equal(answers.filter(({ granted }) => granted).length, 1)
      assert.equal((await inspect())?.holders.length, 1)
    }),
  ),

  ...kinds.map(({ name, wish }) =>
    adopting(`is refused when neither of the two holds, however free the key: ${name}`, async ({ actor, inspect }) => {
      const [anna, ben, carl] = [actor('anna', { wish }), actor('ben', { wish }), actor('carl', { wish })]
      await ben.isRefused({ adopts: anna.owner })
      await anna.take({ ttlMs: 100 })
      await pause(300)
      await ben.isRefused({ adopts: anna.owner })
      await carl.take()
      await ben.isRefused({ adopts: anna.owner })
      assert.deepEqual(ownersOf(await inspect()), [carl.owner])
    }),
  ),

  ...kinds.map(({ name, wish }) =>
    adopting(`answers who asks again with the same token, and renews: ${name}`, async ({ actor, inspect }) => {
      const [anna, ben] = [actor('anna', { wish }), actor('ben', { wish })]
      await anna.take({ ttlMs: 5_000 })
      const token = await ben.take({ adopts: anna.owner, ttlMs: 10_000 })
      assert.equal(await ben.take({ adopts: anna.owner, ttlMs: 20_000 }), token)
      assert.ok(remainingOf(await inspect(), ben.owner) > 15_000)
    }),
  ),

  ...kinds.map(({ name, wish }) =>
    adopting(`lets nobody in who waits: ${name}`, async ({ actor, inspect, eventually }) => {
      const [anna, ben] = [actor('anna', { wish }), actor('ben', { wish })]
      const waiter = actor('waiter', { wish: { ...wish, permits: wish.limit ?? 1 } })
      await anna.take()
      if ((await waiter.isRefused({ queueMs: 30_000 })).position === undefined)
        await waiter.isRefused({ queueMs: 30_000 })
      await ben.take({ adopts: anna.owner })
      assert.deepEqual(ownersOf(await inspect()), [ben.owner])
      await ben.release()
      await eventually('the waiter has its turn', async () => (await waiter.ask({ queueMs: 30_000 })).granted)
    }),
  ),

  adopting('ends a lease of the new length, and frees the key then', async ({ actor, inspect, eventually }) => {
    const [anna, ben, carl, dora] = [actor('anna'), actor('ben'), actor('carl'), actor('dora')]
    await anna.take({ ttlMs: 60_000 })
    await ben.take({ adopts: anna.owner, ttlMs: 30_000 })
    assert.ok(remainingOf(await inspect(), ben.owner) <= 30_000)
    await carl.take({ adopts: ben.owner, ttlMs: 300 })
    await eventually('the key is free', async () => (await dora.ask()).granted)
  }),
]

function adopting(name: string, check: Rule['check']): Rule {
  return rule(name, check, ({ adopts }) => adopts === true)
}
