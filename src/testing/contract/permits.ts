import assert from 'node:assert/strict'
import { ownersOf, refusesOption, remainingOf, rule } from './scene.js'
import type { Rule } from './scene.js'

/** A reader takes one of these, a writer all. */
const all = 2 ** 30

export const permits: readonly Rule[] = [
  rule('lets as many hold at once as there are permits', async ({ actor, inspect }) => {
    const wish = { limit: 3 }
    const [anna, ben, carl, dora] = ['anna', 'ben', 'carl', 'dora'].map((label) => actor(label, { wish }))
    assert.ok(anna && ben && carl && dora)
    for (const one of [anna, ben, carl]) await one.take()
    await dora.isRefused()
    assert.equal(await ben.release(), true)
    await dora.take()
    await ben.isRefused()
    assert.deepEqual(ownersOf(await inspect()), [anna.owner, carl.owner, dora.owner].sort())
  }),

  rule('grants exactly three of fifty requests for a pool of three', async ({ actor, inspect, store, another }) => {
    const clients = [store, await another()]
    const wish = { limit: 3 }
    const crowd = Array.from({ length: 50 }, (_, index) =>
      actor(`number ${index}`, { store: clients[index % 2] ?? store, wish }),
    )
    const answers = await Promise.all(crowd.map((one) => one.ask()))
    assert.equal(answers.filter(({ granted }) => granted).length, 3)
    assert.equal((await inspect())?.holders.length, 3)
  }),

  rule('counts the permits that each request takes', async ({ actor }) => {
    const wish = { limit: 5 }
    const [anna, ben, carl] = [actor('anna', { wish }), actor('ben', { wish }), actor('carl', { wish })]
    await anna.take({ permits: 3 })
    await ben.isRefused({ permits: 3 })
    await ben.take({ permits: 2 })
    await carl.isRefused({ permits: 1 })
    await ben.release()
    await carl.isRefused({ permits: 3 })
    await carl.take({ permits: 2 })
  }),

  rule('lets many readers in together, and a writer alone', async ({ actor }) => {
    const [reader, second, writer] = [actor('reader'), actor('second'), actor('writer')]
    await reader.take({ limit: all, permits: 1 })
    await second.take({ limit: all, permits: 1 })
    await writer.isRefused({ limit: all, permits: all })
    await reader.release()
    await writer.isRefused({ limit: all, permits: all })
    await second.release()
    await writer.take({ limit: all, permits: all })
    await reader.isRefused({ limit: all, permits: 1 })
    await writer.release()
    await reader.take({ limit: all, permits: 1 })
  }),

  rule('grants a holder of a full pool its own permit again, and no second one', async ({ actor, inspect }) => {
    const wish = { limit: 2 }
    const [anna, ben, carl] = [actor('anna', { wish }), actor('ben', { wish }), actor('carl', { wish })]
    const token = await anna.take()
    assert.equal(await anna.take(), token)
    await ben.take()
    assert.equal(await anna.take(), token)
    await carl.isRefused()
    assert.equal((await inspect())?.holders.length, 2)
    await anna.release()
    await carl.take()
  }),

  rule('takes back what a holder asks for no more, and lets the next in', async ({ actor, inspect }) => {
    const [writer, reader, second] = [actor('writer'), actor('reader'), actor('second')]
    const token = await writer.take({ limit: all, permits: all })
    await reader.isRefused({ limit: all })
    assert.equal(await writer.take({ limit: all }), token, 'it goes on under its token')
    await reader.take({ limit: all })
    await second.isRefused({ limit: all, permits: all })
    assert.equal(await writer.take({ limit: all, permits: all }), token, 'it gets no more than it has')
    assert.deepEqual(
      (await inspect())?.holders.map(({ permits }) => permits),
      [1, 1],
    )
    await second.isRefused({ limit: all, permits: all })
  }),

  rule('refuses a limit other than that of the holders, and names both', async ({ actor, inspect }) => {
    const anna = actor('anna')
    for (const [held, asked] of [
      [3, 5],
      [1, 4],
      [4, 1],
      [all, 1],
    ] as const) {
      await anna.take({ limit: held })
      await refusesOption(() => actor('ben').ask({ limit: asked }), [held, asked])
      assert.deepEqual(ownersOf(await inspect()), [anna.owner], 'the holder is not harmed')
      await anna.release()
    }
    await actor('carl').take({ limit: 7 })
  }),

  rule('refuses a request for more permits than there are, and creates nothing', async ({ actor, inspect }) => {
    await refusesOption(() => actor('anna').ask({ limit: 3, permits: 4 }), [3, 4])
    await refusesOption(() => actor('ben').ask({ limit: 1, permits: 2, queueMs: 1_000 }), [1, 2])
    assert.equal(await inspect(), undefined)
  }),

  rule('gives an expired permit back, and leaves the longer leases alone', async ({ actor, inspect, eventually }) => {
    const wish = { limit: 2 }
    const [anna, ben, carl] = [actor('anna', { wish }), actor('ben', { wish }), actor('carl', { wish })]
    await anna.take()
    await ben.take({ ttlMs: 150 })
    await eventually('the expired permit is granted to the next', async () => (await carl.ask()).granted)
    assert.deepEqual(ownersOf(await inspect()), [anna.owner, carl.owner].sort())
    await actor('dora', { wish }).isRefused()
    assert.equal(await ben.release(), false)
    assert.equal(await ben.renew(10_000), false)
    assert.equal((await inspect())?.holders.length, 2)
  }),

  rule('tells when the first permit of a full pool comes free', async ({ actor }) => {
    const wish = { limit: 2 }
    await actor('anna', { wish }).take({ ttlMs: 30_000 })
    await actor('ben', { wish }).take({ ttlMs: 5_000 })
    const { freeInMs } = await actor('carl', { wish }).isRefused()
    assert.ok(freeInMs === undefined || freeInMs <= 5_000, `not ${freeInMs} ms`)
  }),

  rule("renews one holder's lease in a pool, and nobody else's", async ({ actor, inspect }) => {
    const wish = { limit: 2 }
    const [anna, ben] = [actor('anna', { wish }), actor('ben', { wish })]
    await anna.take({ ttlMs: 20_000 })
    await ben.take({ ttlMs: 20_000 })
    assert.equal(await ben.renew(60_000), true)
    const record = await inspect()
    assert.ok(remainingOf(record, anna.owner) <= 20_000)
    assert.ok(remainingOf(record, ben.owner) > 30_000)
    assert.equal(await actor('carl', { wish }).renew(60_000), false)
  }),
]
