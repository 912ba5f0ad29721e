import assert from 'node:assert/strict'
import type { Capabilities } from '../../core/store.js'
import { pause } from './pause.js'
import { ownersOf, rule } from './scene.js'
import type { Rule, Scene } from './scene.js'

const isFair = ({ fair }: Capabilities): boolean => fair

/** Standing in the queue: who comes first is served first. */
export const queue: readonly Rule[] = [
  rule(
    'serves requests in the order they came',
    async ({ actor, inspect, store, another }) => {
      const clients = [store, await another()]
      let holder = actor('first')
      await holder.take()
      const waiters = Array.from({ length: 6 }, (_, index) =>
        actor(`number ${index}`, { store: clients[index % 2] ?? store }),
      )
      for (const [place, waiter] of waiters.entries()) assert.equal(await waiter.queueUp(), place)
      for (const waiter of waiters) {
        assert.equal(await holder.release(), true)
        assert.deepEqual(ownersOf(await inspect()), [waiter.owner])
        holder = waiter
      }
      assert.equal(await holder.release(), true)
      assert.equal(await inspect(), undefined)
    },
    isFair,
  ),

  rule(
    'keeps the place of a request that is made again',
    async (scene) => {
      const { anna, ben, carl } = await heldByAnna(scene)
      assert.equal(await ben.queueUp(), 0)
      assert.equal(await carl.queueUp(), 1)
      assert.equal(await ben.queueUp(), 0)
      assert.equal(await carl.queueUp(), 1)
      await anna.release()
      assert.deepEqual(ownersOf(await scene.inspect()), [ben.owner])
      assert.equal(await carl.queueUp(), 0)
    },
    isFair,
  ),

  rule(
    'renews the place of a request that is made again',
    async (scene) => {
      const { ben, carl } = await heldByAnna(scene)
      await ben.queueUp({ queueMs: 150 })
      assert.equal(await ben.queueUp({ queueMs: 30_000 }), 0)
      assert.equal(await carl.queueUp(), 1)
      await pause(400)
      assert.equal(await carl.queueUp(), 1, 'ben still stands before carl')
    },
    isFair,
  ),

  rule(
    'drops a waiter that has not asked for longer than its own queueMs',
    async (scene) => {
      const { anna, ben, carl } = await heldByAnna(scene)
      await ben.queueUp({ queueMs: 150 })
      await carl.queueUp()
      await scene.eventually('carl moves up', async () => (await carl.queueUp()) === 0)
      assert.deepEqual(
        (await scene.inspect())?.waiters.map(({ owner }) => owner),
        [carl.owner],
      )
      await anna.release()
      assert.equal(await carl.holds(), true)
    },
    isFair,
  ),

  rule(
    'takes a waiter out of the queue when it releases',
    async (scene) => {
      const { anna, ben, carl } = await heldByAnna(scene)
      await ben.queueUp()
      await carl.queueUp()
      assert.equal(await ben.release(), true)
      assert.equal(await ben.release(), false)
      assert.equal(await carl.queueUp(), 0)
      assert.equal(await anna.holds(), true)
      await anna.release()
      assert.deepEqual(ownersOf(await scene.inspect()), [carl.owner])
    },
    isFair,
  ),

  rule(
    'refuses renewal by a waiter, which holds nothing',
    async (scene) => {
      const { anna, ben } = await heldByAnna(scene)
      await ben.queueUp()
      assert.equal(await ben.renew(10_000), false)
      assert.deepEqual(ownersOf(await scene.inspect()), [anna.owner])
      assert.equal(await ben.queueUp(), 0)
    },
    isFair,
  ),

  rule(
    'leaves nothing behind when the waiters gave up',
    async (scene) => {
      const { anna, ben, carl } = await heldByAnna(scene)
      await ben.queueUp()
      await carl.queueUp({ queueMs: 100 })
      await ben.release()
      await pause(300)
      await anna.release()
      assert.equal(await scene.inspect(), undefined)
    },
    isFair,
  ),

  rule(
    'queues no request that did not ask to queue',
    async (scene) => {
      const { anna, ben, carl } = await heldByAnna(scene)
      const { position } = await ben.isRefused({ queueMs: 0 })
      assert.equal(position, undefined)
      assert.equal(await carl.queueUp(), 0)
      await anna.release()
      assert.equal(await carl.holds(), true)
    },
    isFair,
  ),

  rule(
    'lets no newcomer overtake a request for many permits',
    async ({ actor, inspect }) => {
      const wish = { limit: 3 }
      const [anna, ben, carl] = [actor('anna', { wish }), actor('ben', { wish }), actor('carl', { wish })]
      await anna.take({ permits: 2 })
      assert.equal(await ben.queueUp({ permits: 3 }), 0)
      await carl.isRefused()
      assert.equal(await carl.queueUp(), 1)
      await anna.release()
      assert.deepEqual(ownersOf(await inspect()), [ben.owner])
      await ben.release()
      assert.deepEqual(ownersOf(await inspect()), [carl.owner])
    },
    isFair,
  ),
]

type People = Record<'anna' | 'ben' | 'carl', ReturnType<Scene['actor']>>

async function heldByAnna({ actor }: Scene): Promise<People> {
  const people = { anna: actor('anna'), ben: actor('ben'), carl: actor('carl') }
  await people.anna.take()
  return people
}
