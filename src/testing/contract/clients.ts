import assert from 'node:assert/strict'
import type { Capabilities } from '../../core/store.js'
import { ownersOf, rule } from './scene.js'
import type { Rule } from './scene.js'

const isShared = ({ scope }: Capabilities): boolean => scope !== 'process'

export const clients: readonly Rule[] = [
  rule(
    'excludes two clients from each other, in both directions',
    async ({ actor, inspect, another, store, key }) => {
      const second = await another()
      assert.notEqual(second, store, 'the second client is one of its own')
      const [anna, ben] = [actor('anna'), actor('ben', { store: second })]
      await anna.take()
      await ben.isRefused()
      assert.deepEqual(ownersOf(await second.inspect(key)), [anna.owner])
      await anna.release()
      await ben.take()
      await anna.isRefused()
      assert.deepEqual(ownersOf(await inspect()), [ben.owner])
      assert.equal(await store.forceRelease(key), true)
      assert.equal(await ben.renew(10_000), false)
    },
    isShared,
  ),

  rule(
    'leaves what is held when a client closes, and the other clients at work',
    async ({ actor, inspect, another }) => {
      const second = await another()
      const [anna, ben] = [actor('anna', { store: second }), actor('ben')]
      await anna.take()
      await second.close()
      await second.close()
      await ben.isRefused()
      assert.deepEqual(ownersOf(await inspect()), [anna.owner])
    },
    isShared,
  ),

  rule('closes as often as it is told', async ({ actor, store }) => {
    await actor('anna').take()
    await store.close()
    await store.close()
  }),

  rule('closes without having been used', async ({ store }) => {
    await store.close()
  }),
]
