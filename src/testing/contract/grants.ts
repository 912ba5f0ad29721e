import assert from 'node:assert/strict'
import type { Actor } from './actor.js'
import { pause } from './pause.js'
import { ownersOf, remainingOf, rule } from './scene.js'
import type { Rule, Scene } from './scene.js'

export const grants: readonly Rule[] = [
  rule('grants a free key, and refuses it to others until it is released', async ({ actor }) => {
    const [anna, ben] = [actor('anna'), actor('ben')]
    await anna.take()
    await ben.isRefused()
    assert.equal(await anna.release(), true)
    await ben.take()
    await anna.isRefused()
  }),

  rule('tells who holds the key, and by when it comes free', async ({ actor }) => {
    const anna = actor('anna')
    await anna.take({ ttlMs: 20_000 })
    const { holder, freeInMs } = await actor('ben').isRefused()
    assert.ok(holder, 'a holder that says who it is is shown')
    const { host, pid, label, since } = anna.holder
    assert.deepEqual(
      { host: holder.host, pid: holder.pid, label: holder.label, since: holder.since },
      { host, pid, label, since },
    )
    // Absent where the store cannot tell.
    if (freeInMs === undefined) return
    assert.ok(freeInMs >= 0 && freeInMs <= 20_000, `freeInMs is within the lease, not ${freeInMs}`)
  }),

  rule('grants the same owner what it holds already, with the same token', async ({ actor, inspect }) => {
    const anna = actor('anna')
    const token = await anna.take()
    assert.equal(await anna.take(), token)
    assert.equal(await anna.take(), token)
    assert.deepEqual(ownersOf(await inspect()), [anna.owner])
    assert.equal(await anna.release(), true, 'one release ends it, however often it was asked for')
    assert.equal(await inspect(), undefined)
  }),

  rule('starts the lease anew when the same owner asks again', async ({ actor, inspect }) => {
    const anna = actor('anna')
    await anna.take({ ttlMs: 5_000 })
    await anna.take({ ttlMs: 60_000 })
    assert.ok(remainingOf(await inspect(), anna.owner) > 30_000, 'the lease counts from the latest grant')
  }),

  rule('treats two copies of a request as one', async ({ actor, inspect, another }) => {
    const anna = actor('anna')
    const copy = (await another()).acquire(anna.request())
    const [first, second] = await Promise.all([anna.take(), copy])
    assert.deepEqual(second, { granted: true, token: first })
    assert.equal(await anna.release(), true)
    assert.equal(await anna.release(), false)
    assert.equal(await inspect(), undefined)
  }),

  rule('grants exactly one of fifty requests made at once', async (scene) => {
    const crowd = await crowdOf(50, scene)
    const answers = await Promise.all(crowd.map((one) => one.ask()))
    assert.equal(answers.filter(({ granted }) => granted).length, 1)
    assert.equal((await scene.inspect())?.holders.length, 1)
  }),

  rule('never lets two hold at once while many take turns', async (scene) => {
    let inside = 0
    const tokens: number[] = []
    const work = async (one: Actor): Promise<void> => {
      for (let answer = await one.ask(); !answer.granted; answer = await one.ask()) await pause(1)
      inside += 1
      assert.equal(inside, 1, 'nobody else is inside')
      tokens.push(await one.take())
      await pause(0)
      inside -= 1
      assert.equal(await one.release(), true)
    }
    await Promise.all((await crowdOf(24, scene)).map(work))
    assert.equal(tokens.length, 24)
    if (scene.promised.capabilities.token === 'none') return
    const sorted = [...new Set(tokens)].sort((a, b) => a - b)
    assert.deepEqual(tokens, sorted, 'each turn had a larger token than the one before')
  }),

  rule('forgets a refused request that did not queue', async ({ actor, inspect }) => {
    const [anna, ben, carl] = [actor('anna'), actor('ben'), actor('carl')]
    await anna.take()
    await ben.isRefused()
    assert.deepEqual((await inspect())?.waiters, [])
    await anna.release()
    assert.equal(await inspect(), undefined)
    await carl.take()
  }),
]

/** Half of them through one client, half through another. */
async function crowdOf(size: number, { actor, store, another }: Scene): Promise<Actor[]> {
  const clients = [store, await another()]
  return Array.from({ length: size }, (_, index) => actor(`number ${index}`, { store: clients[index % 2] ?? store }))
}
