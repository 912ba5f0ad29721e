import assert from 'node:assert/strict'
import { pause } from './pause.js'
import { ownersOf, refusesOption, rule } from './scene.js'
import type { Rule } from './scene.js'

export const handoff: readonly Rule[] = [
  rule('hands a key over in one step', async ({ actor, inspect }) => {
    const [anna, ben] = [actor('anna'), actor('ben')]
    await anna.take()
    const { released, next } = await anna.handOver(ben)
    assert.deepEqual([released, next.granted], [true, true])
    assert.deepEqual(ownersOf(await inspect()), [ben.owner])
    assert.equal(await anna.release(), false)
    assert.equal(await ben.release(), true)
    assert.equal(await inspect(), undefined)
  }),

  rule('lets nobody in between the release and the next', async ({ actor, another }) => {
    const outsider = actor('outsider', { store: await another() })
    let holder = actor('first')
    let turns = 0
    const ask = async (): Promise<void> => {
      while (turns < 40) {
        await Promise.all(Array.from({ length: 8 }, () => outsider.isRefused()))
        await pause(0)
      }
    }
    const handOver = async (): Promise<void> => {
      for (; turns < 40; turns += 1) {
        const next = actor(`turn ${turns}`)
        const answer = await holder.handOver(next)
        assert.deepEqual([answer.released, answer.next.granted], [true, true])
        holder = next
        await pause(0)
      }
    }
    await holder.take()
    // Whichever fails first ends the other too.
    const stop = (): void => void (turns = 40)
    await Promise.all([ask(), handOver()]).finally(stop)
  }),

  rule('answers a repeated hand-over with the same grant', async ({ actor, inspect }) => {
    const [anna, ben] = [actor('anna'), actor('ben')]
    await anna.take()
    const first = await anna.handOver(ben)
    const again = await anna.handOver(ben)
    assert.equal(again.released, false, 'it was released by the first')
    assert.deepEqual(again.next, first.next)
    assert.deepEqual(ownersOf(await inspect()), [ben.owner])
  }),

  rule('refuses the next when another holds, and releases nothing that is not its own', async ({ actor, inspect }) => {
    const [anna, ben, carl] = [actor('anna'), actor('ben'), actor('carl')]
    await ben.take()
    const { released, next } = await anna.handOver(carl)
    assert.deepEqual([released, next.granted], [false, false])
    assert.deepEqual(ownersOf(await inspect()), [ben.owner])
  }),

  rule('makes the next request also when the hold is gone already', async ({ actor, inspect }) => {
    const [anna, ben] = [actor('anna'), actor('ben')]
    await anna.take({ ttlMs: 100 })
    await pause(300)
    const { released, next } = await anna.handOver(ben)
    assert.deepEqual([released, next.granted], [false, true])
    assert.deepEqual(ownersOf(await inspect()), [ben.owner])
  }),

  rule('releases also when the next has to wait for more permits', async ({ actor, inspect }) => {
    const wish = { limit: 3 }
    const [anna, ben, carl] = [actor('anna', { wish }), actor('ben', { wish }), actor('carl', { wish })]
    await anna.take()
    await ben.take({ permits: 2 })
    const { released, next } = await anna.handOver(carl, { permits: 2 })
    assert.deepEqual([released, next.granted], [true, false])
    assert.deepEqual(ownersOf(await inspect()), [ben.owner])
    await actor('dora', { wish }).take()
  }),

  rule('gives the next the lease and the permits it asks for', async ({ actor, inspect }) => {
    const wish = { limit: 4 }
    const [anna, ben] = [actor('anna', { wish }), actor('ben', { wish })]
    await anna.take({ ttlMs: 60_000 })
    await anna.handOver(ben, { permits: 3, ttlMs: 20_000 })
    const [hold] = (await inspect())?.holders ?? []
    assert.deepEqual([hold?.owner, hold?.permits, hold?.label], [ben.owner, 3, 'ben'])
    assert.ok((hold?.remainingMs ?? Infinity) <= 20_000)
  }),

  rule('fails with the error of the next when it is impossible', async ({ actor }) => {
    const anna = actor('anna')
    await anna.take()
    await refusesOption(() => anna.handOver(actor('ben'), { permits: 2 }), [1, 2])
  }),
]
