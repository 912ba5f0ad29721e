import assert from 'node:assert/strict'
import type { Capabilities } from '../../core/store.js'
import type { Actor } from './actor.js'
import { pause } from './pause.js'
import { ownersOf, rule } from './scene.js'
import type { Rule, Scene } from './scene.js'

const isFair = ({ fair }: Capabilities): boolean => fair

/** Leaving the queue: the store itself grants to the head when permits come free. */
export const promotion: readonly Rule[] = [
  rule(
    'grants a released key to the head of the queue, which needs no further try',
    async (scene) => {
      const { anna, ben, newcomer } = await queued(scene)
      const first = await anna.take()
      await anna.release()
      assert.deepEqual(ownersOf(await scene.inspect()), [ben.owner])
      await newcomer.isRefused()
      assert.deepEqual((await scene.inspect())?.waiters, [])
      const token = await ben.take()
      assert.ok(scene.promised.capabilities.token === 'none' || token > first, 'with a larger token')
      assert.equal(await ben.renew(10_000), true)
      assert.equal(await ben.release(), true)
    },
    isFair,
  ),

  ...(['acquire', 'renew', 'release', 'inspect'] as const).map((call) =>
    rule(
      `grants an expired key to the head of the queue when any call meets it: ${call}`,
      async (scene) => {
        const { anna, ben, newcomer } = await queuedBeforeExpiry(scene)
        await pause(500)
        if (call === 'acquire') await newcomer.isRefused()
        if (call === 'renew') assert.equal(await anna.renew(10_000), false)
        if (call === 'release') assert.equal(await anna.release(), false)
        assert.deepEqual(ownersOf(await scene.inspect()), [ben.owner])
        const { holder } = await newcomer.isRefused()
        assert.equal(holder?.label, 'ben')
        assert.equal(await ben.release(), true)
      },
      isFair,
    ),
  ),

  rule(
    'grants a hand-over to the head of the queue, not to the next of the holder',
    async (scene) => {
      const { anna, ben, newcomer } = await queued(scene)
      const { released, next } = await anna.handOver(newcomer, { queueMs: 30_000 })
      assert.deepEqual([released, next.granted], [true, false])
      assert.deepEqual(ownersOf(await scene.inspect()), [ben.owner])
      await ben.release()
      assert.deepEqual(ownersOf(await scene.inspect()), [newcomer.owner])
    },
    isFair,
  ),

  rule(
    'grants to as many of the queue as there is room for',
    async ({ actor, inspect }) => {
      const all = 2 ** 30
      const reader = (label: string): Actor => actor(label, { wish: { limit: all } })
      const writer = (label: string): Actor => actor(label, { wish: { limit: all, permits: all } })
      const [first, ben, carl, second, dora] = [writer('1'), reader('ben'), reader('carl'), writer('2'), reader('dora')]
      await first.take()
      for (const [place, one] of [ben, carl, second, dora].entries()) assert.equal(await one.queueUp(), place)
      await first.release()
      assert.deepEqual(ownersOf(await inspect()), [ben.owner, carl.owner].sort())
      await ben.release()
      assert.deepEqual(ownersOf(await inspect()), [carl.owner])
      await carl.release()
      assert.deepEqual(ownersOf(await inspect()), [second.owner])
      await second.release()
      assert.deepEqual(ownersOf(await inspect()), [dora.owner])
    },
    isFair,
  ),

  rule(
    'serves the rest of the queue when its head gives up a request for many permits',
    async ({ actor, inspect }) => {
      const wish = { limit: 2 }
      const [anna, ben, carl] = [actor('anna', { wish }), actor('ben', { wish }), actor('carl', { wish })]
      await anna.take()
      await ben.queueUp({ permits: 2 })
      await carl.queueUp()
      await ben.release()
      assert.deepEqual(ownersOf(await inspect()), [anna.owner, carl.owner].sort())
    },
    isFair,
  ),

  rule(
    'passes over a waiter that died in the queue',
    async (scene) => {
      const { anna, ben, newcomer } = await queued(scene, 150)
      await newcomer.queueUp()
      await pause(400)
      await anna.release()
      assert.deepEqual(ownersOf(await scene.inspect()), [newcomer.owner])
      assert.equal(await ben.release(), false)
    },
    isFair,
  ),

  rule(
    'takes a key that was granted to a dead waiter back after its queueMs',
    async (scene) => {
      const { anna, ben, newcomer } = await queued(scene, 500)
      await newcomer.queueUp()
      // Ben is dead from here on, and asked for a lease of 30 s.
      await anna.release()
      await scene.eventually('the next is served', async () => (await newcomer.ask({ queueMs: 30_000 })).granted)
      assert.equal(await ben.renew(10_000), false)
    },
    ({ fair, crashRelease }) => fair && crashRelease === 'lease',
  ),

  rule(
    'gives a promoted request the lease it asks for when it asks again',
    async (scene) => {
      const { anna, ben } = await queued(scene, 5_000)
      await anna.release()
      await ben.take({ ttlMs: 60_000, queueMs: 5_000 })
      const [hold] = (await scene.inspect())?.holders ?? []
      assert.equal(hold?.owner, ben.owner)
      assert.ok((hold.remainingMs ?? 0) > 30_000, `${hold.remainingMs} ms are left of 60 s`)
    },
    isFair,
  ),
]

type People = Record<'anna' | 'ben' | 'newcomer', Actor>

const peopleFor = ({ actor }: Scene): People => ({
  anna: actor('anna'),
  ben: actor('ben'),
  newcomer: actor('newcomer'),
})

/** Anna holds, ben waits, and somebody else would like to. */
async function queued(scene: Scene, queueMs = 30_000): Promise<People> {
  const people = peopleFor(scene)
  await people.anna.take()
  await people.ben.queueUp({ queueMs })
  return people
}

/** The same, and anna's lease ends 300 ms after it began. */
function queuedBeforeExpiry(scene: Scene): Promise<People> {
  return scene.eventually('somebody queues up within the 300 ms of a lease', async () => {
    const people = peopleFor(scene)
    await people.anna.take({ ttlMs: 300 })
    const { granted } = await people.ben.ask({ queueMs: 30_000 })
    // The machine was busy, and the lease over: from the beginning.
    if (granted) await people.ben.release()
    return !granted && people
  })
}
