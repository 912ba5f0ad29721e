import assert from 'node:assert/strict'
import type { AcquireRequest, AnswerToAll, Store } from '../../core/store.js'
import type { Actor, ActorOptions } from './actor.js'
import { ownersOf, refusesOption, remainingOf, rule } from './scene.js'
import type { Rule, Scene } from './scene.js'

const takesAll: Rule['applies'] = (_can, has) => has.includes('acquireAll')

/** Two keys, and somebody with an owner for each. */
function pairOf({ key, actor }: Scene, label: string, wish: ActorOptions['wish'] = {}): [a: Actor, b: Actor] {
  return [actor(label, { wish }), actor(label, { key: `${key}-b`, wish })]
}

/** Several keys in one step. */
export const several: readonly Rule[] = [
  rule(
    'grants several keys in one step, each with a token of its own key',
    async (scene) => {
      const [a, b] = pairOf(scene, 'anna', { ttlMs: 20_000 })
      const before = await a.take()
      assert.equal(await a.release(), true)
      const [first] = await takeAll(scene.store, [a, b])
      if (scene.promised.capabilities.token !== 'none') assert.ok(first > before, 'the token of a key grows')
      for (const one of [a, b]) {
        const { key } = one.request()
        const record = await scene.inspect(key)
        assert.deepEqual(ownersOf(record), [one.owner])
        const leftMs = remainingOf(record, one.owner)
        assert.ok(leftMs > 0 && leftMs <= 20_000, 'for as long as was asked')
        assert.equal(record?.holders[0]?.label, 'anna')
        assert.equal(await one.release(), true)
        assert.equal(await scene.inspect(key), undefined)
      }
    },
    takesAll,
  ),

  rule(
    'grants none of several keys when one is held, and says which',
    async (scene) => {
      const [a, b] = pairOf(scene, 'anna')
      const ben = scene.actor('ben', { key: b.request().key, store: await scene.another() })
      await ben.take()
      const answer = await askAll(scene.store, [a, b])
      assert.ok(answer !== undefined && !answer.granted, 'it is refused')
      assert.deepEqual([answer.index, answer.holder?.label], [1, 'ben'])
      assert.equal(await scene.inspect(a.request().key), undefined, 'the free key stays free')
      assert.deepEqual(ownersOf(await scene.inspect(b.request().key)), [ben.owner])
      const [c, d] = pairOf(scene, 'carl')
      const other = await askAll(scene.store, [d, c])
      assert.ok(other !== undefined && !other.granted)
      assert.equal(other.index, 0, 'the index counts in the order of the requests')
    },
    takesAll,
  ),

  rule(
    'grants the same owners several keys again, with the same tokens and a new lease',
    async (scene) => {
      const [a, b] = pairOf(scene, 'anna')
      const tokens = await takeAll(scene.store, [a, b], { ttlMs: 5_000 })
      assert.deepEqual(await takeAll(await scene.another(), [a, b], { ttlMs: 60_000 }), tokens)
      assert.ok(
        remainingOf(await scene.inspect(b.request().key), b.owner) > 30_000,
        'the lease counts from the latest grant',
      )
      assert.equal(await b.release(), true)
      const [again] = await takeAll(scene.store, [a, b])
      assert.equal(again, tokens[0], 'also where one of them is gone')
    },
    takesAll,
  ),

  rule(
    'keeps what an owner holds when another of several keys is refused',
    async (scene) => {
      const [a, b] = pairOf(scene, 'anna')
      const token = await a.take()
      await scene.actor('ben', { key: b.request().key }).take()
      assert.equal((await askAll(scene.store, [a, b]))?.granted, false)
      assert.equal(await a.take(), token)
    },
    takesAll,
  ),

  rule(
    'stands in no queue for several keys, and passes nobody who does',
    async (scene) => {
      const [a, b] = pairOf(scene, 'anna')
      const [ben, carl] = ['ben', 'carl'].map((label) => scene.actor(label, { key: b.request().key }))
      assert.ok(ben && carl)
      await ben.take()
      await carl.queueUp()
      assert.notEqual((await askAll(scene.store, [a, b]))?.granted, true)
      assert.deepEqual(
        (await scene.inspect(b.request().key))?.waiters.map(({ owner }) => owner),
        [carl.owner],
      )
      assert.equal(await ben.renew(300), true)
      await scene.eventually('the holder is replaced', async () => {
        const answer = await askAll(scene.store, [a, b])
        assert.notEqual(answer?.granted, true, 'who waits comes first')
        return carl.holds()
      })
      assert.equal(await scene.inspect(a.request().key), undefined)
    },
    ({ fair }, has) => fair && has.includes('acquireAll'),
  ),

  rule(
    'lets exactly one have several keys for which many ask at once, in any order',
    async (scene) => {
      const clients = [scene.store, await scene.another()]
      const asked = Array.from({ length: 24 }, async (_, index) => {
        const pair = pairOf(scene, `number ${index}`)
        return askAll(clients[index % 2] ?? scene.store, index % 3 === 0 ? pair.reverse() : pair)
      })
      const answers = await Promise.all(asked)
      assert.equal(answers.filter((answer) => answer?.granted === true).length, 1)
      const [first] = (await scene.inspect())?.holders ?? []
      const [second] = (await scene.inspect(`${scene.key}-b`))?.holders ?? []
      assert.ok(first && second, 'both keys are held')
      assert.equal(first.label, second.label, 'by the same one')
    },
    takesAll,
  ),

  rule(
    'refuses several keys when one is a pool at its holders, and takes none',
    async (scene) => {
      const [a, b] = pairOf(scene, 'anna')
      await scene.actor('ben', { key: b.request().key, wish: { limit: 3 } }).take()
      await refusesOption(() => askAll(scene.store, [a, b]), [3])
      assert.equal(await scene.inspect(a.request().key), undefined)
    },
    takesAll,
  ),
]

async function askAll(
  store: Store,
  actors: readonly Actor[],
  wish?: Partial<AcquireRequest>,
): Promise<AnswerToAll | undefined> {
  return store.acquireAll?.(actors.map((actor) => actor.request(wish)))
}

/** Asks for all, and must get it. Returns the tokens. */
async function takeAll(
  store: Store,
  actors: readonly Actor[],
  wish?: Partial<AcquireRequest>,
): Promise<[number, ...number[]]> {
  const answer = await askAll(store, actors, wish)
  assert.ok(answer?.granted === true, 'what is free must be granted')
  const [first, ...rest] = answer.tokens
  assert.ok(first !== undefined && rest.length === actors.length - 1, 'there is a token for each request')
  return [first, ...rest]
}
