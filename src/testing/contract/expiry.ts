import assert from 'node:assert/strict'
import { realEnv } from '../../core/env.js'
import { pause } from './pause.js'
import { remainingOf, rule } from './scene.js'
import type { Rule } from './scene.js'

/** What clocks of whole milliseconds, read at different moments, may differ by. */
const clockGrainMs = 10

export const expiry: readonly Rule[] = [
  rule('frees a key whose lease ended, and not before', async ({ actor, eventually }) => {
    const [anna, ben] = [actor('anna'), actor('ben')]
    const startMs = realEnv.nowMs()
    await anna.take({ ttlMs: 300 })
    await eventually('an expired key is granted to the next', async () => (await ben.ask()).granted)
    // Ben's grant came after the end of the lease, which began after startMs: a slow machine makes this longer only.
    const passedMs = realEnv.nowMs() - startMs
    assert.ok(passedMs >= 300 - clockGrainMs, `the lease of 300 ms was over after ${passedMs} ms`)
    assert.equal(await anna.holds(), false)
  }),

  rule('keeps a renewed hold beyond its first lease', async ({ actor, freshKey, eventually }) => {
    const anna = await eventually('a lease of 300 ms is renewed before it ends', async () => {
      const one = actor('anna', { key: freshKey() })
      const startMs = realEnv.nowMs()
      await one.take({ ttlMs: 300 })
      const renewed = await one.renew(20_000)
      // On a busy machine the lease may have ended before the renewal came: then it is right to refuse.
      assert.ok(renewed || realEnv.nowMs() - startMs >= 300 - clockGrainMs, 'a renewal within the lease succeeds')
      return renewed && one
    })
    await pause(400)
    assert.equal(await anna.holds(), true)
  }),

  rule('sets the lease by renewal, counted from now, longer or shorter', async ({ actor, inspect, eventually }) => {
    const [anna, ben] = [actor('anna'), actor('ben')]
    await anna.take({ ttlMs: 20_000 })
    assert.equal(await anna.renew(60_000), true)
    const longer = remainingOf(await inspect(), anna.owner)
    assert.ok(longer > 30_000 && longer <= 60_000, `after renewal for 60 s, ${longer} ms are left`)
    assert.equal(await anna.renew(200), true)
    await eventually('a lease renewed for 200 ms ends', async () => (await ben.ask()).granted)
  }),

  rule('shows how much of the lease is left, and looking prolongs nothing', async ({ actor, inspect }) => {
    const anna = actor('anna')
    await anna.take({ ttlMs: 20_000 })
    const before = remainingOf(await inspect(), anna.owner)
    assert.ok(before <= 20_000 && before > 10_000, `of a fresh lease of 20 s, ${before} ms are left`)
    await pause(60)
    const after = remainingOf(await inspect(), anna.owner)
    assert.ok(after <= before - 60 + clockGrainMs, `60 ms later ${after} ms are left of ${before} ms`)
  }),

  rule('keeps a lease of 30 days', async ({ actor }) => {
    const dayMs = 86_400_000
    const anna = actor('anna', { wish: { ttlMs: 30 * dayMs } })
    await anna.take()
    // Node's setTimeout fires after 1 ms when asked for more than 2^31 - 1 ms, which is 24.8 days.
    await pause(50)
    const { freeInMs } = await actor('ben').isRefused()
    assert.ok(freeInMs === undefined || freeInMs > 29 * dayMs)
    assert.equal(await anna.renew(30 * dayMs), true)
    assert.equal(await anna.release(), true)
  }),

  rule(
    'gives a hold without a lease the end that a renewal asks for',
    async ({ actor, eventually }) => {
      const [anna, ben] = [actor('anna'), actor('ben')]
      await anna.take({ ttlMs: null })
      assert.equal(await anna.renew(100), true)
      await eventually('its lease ends', async () => (await ben.ask()).granted)
    },
    ({ crashRelease }) => crashRelease === 'instant',
  ),

  rule(
    'keeps a hold without a lease until it is released',
    async ({ actor, inspect }) => {
      const [anna, ben] = [actor('anna'), actor('ben')]
      await anna.take({ ttlMs: null })
      await pause(50)
      const { freeInMs } = await ben.isRefused()
      assert.equal(freeInMs, undefined, 'nobody can tell when it comes free')
      assert.equal((await inspect())?.holders[0]?.remainingMs, undefined)
      assert.equal(await anna.release(), true)
      await ben.take()
    },
    ({ crashRelease }) => crashRelease === 'instant',
  ),

  rule("takes no notice of the holder's clock", async ({ actor }) => {
    const anna = actor('anna')
    await anna.take({ holder: { ...anna.holder, since: 1, expireMs: 1 } })
    await actor('ben').isRefused({ holder: { ...anna.holder, since: realEnv.wallMs() + 86_400_000 } })
    assert.equal(await anna.holds(), true)
  }),
]
