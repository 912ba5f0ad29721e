import assert from 'node:assert/strict'
import { realEnv } from '../../core/env.js'
import { pause } from './pause.js'
import { rule } from './scene.js'
import type { Rule } from './scene.js'

const renewsItself: Rule['applies'] = (_, has) => has.includes('selfRenewal')

/** Stores that renew by themselves, beside the core. */
export const selfRenewal: readonly Rule[] = [
  rule(
    'renews a hold by itself, and says when it last did',
    async ({ actor, store, key, eventually }) => {
      const anna = actor('anna', { selfRenewing: true })
      const beforeMs = realEnv.nowMs()
      await anna.take({ ttlMs: 1_000 })
      await pause(2_500)
      assert.equal(await anna.holds(), true, 'after two leases and a half')
      const first = await eventually('a renewal is told', () => store.selfRenewal?.renewedAtMs(key, anna.owner))
      assert.ok(first > beforeMs && first <= realEnv.nowMs(), 'by the clock of this process')
      await eventually('a later renewal is told', () => {
        const latest = store.selfRenewal?.renewedAtMs(key, anna.owner)
        return latest !== undefined && latest > first
      })
      assert.equal(await anna.release(), true)
      assert.equal(await anna.holds(), false)
    },
    renewsItself,
  ),

  rule(
    'renews a hold no more when it was told to stop, though the holder does once',
    async ({ actor, store, key, eventually }) => {
      const anna = actor('anna', { selfRenewing: true })
      await anna.take({ ttlMs: 1_000 })
      store.selfRenewal?.stop(key, anna.owner)
      await eventually('the lease ends', async () => !(await anna.holds()))
      await anna.take({ ttlMs: 1_000 })
      store.selfRenewal?.stop(key, anna.owner)
      await anna.renew(1_000)
      await eventually('the renewed lease ends', async () => !(await anna.holds()))
    },
    renewsItself,
  ),

  rule(
    'renews no hold beyond its expire limit',
    async ({ actor, eventually }) => {
      const anna = actor('anna', { selfRenewing: true })
      await anna.take({ ttlMs: 1_000, holder: { ...anna.holder, since: realEnv.wallMs(), expireMs: 1_500 } })
      await eventually('the limit ends the hold', async () => !(await anna.holds()))
    },
    renewsItself,
  ),
]
