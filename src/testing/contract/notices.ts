import assert from 'node:assert/strict'
import type { Capabilities, Notice, Store } from '../../core/store.js'
import type { Actor } from './actor.js'
import { pause } from './pause.js'
import { rule } from './scene.js'
import type { Rule, Scene } from './scene.js'

const tells: Rule['applies'] = (_, has) => has.includes('onNotice')
const pushesGrants = ({ wake, fair }: Capabilities): boolean => wake === 'push' && fair

export const notices: readonly Rule[] = [
  rule(
    'tells a waiter of another client that it was granted the key, with its token',
    async (scene) => {
      const waiting = await scene.another()
      const heard = listen(waiting)
      await scene.eventually('a grant is told', async () => {
        const { anna, ben } = pairFor(scene, waiting)
        await anna.take()
        await ben.queueUp()
        await anna.release()
        const notice = await soon(() => heard.find((one) => one.type === 'granted' && one.owner === ben.owner))
        if (notice?.type !== 'granted') return false
        assert.equal(notice.key, ben.request().key)
        assert.equal(notice.token, await ben.take(), 'the token is that of the grant')
        return true
      })
    },
    pushesGrants,
  ),

  rule(
    'tells its own listeners of a forced release before the call is answered',
    async ({ actor, store, key }) => {
      const heard = listen(store)
      const wish = { limit: 2 }
      const [anna, ben] = [actor('anna', { wish }), actor('ben', { wish })]
      await anna.take()
      await ben.take()
      await store.forceRelease(key)
      for (const { owner } of [anna, ben]) {
        assert.ok(
          heard.some((one) => one.type === 'revoked' && one.key === key && one.owner === owner),
          'each of the holders is told of',
        )
      }
    },
    tells,
  ),

  rule(
    'tells a holder of another client of a forced release',
    async (scene) => {
      const holding = await scene.another()
      const heard = listen(holding)
      let heldForMs = 0
      await scene.eventually('a forced release is told', async () => {
        const one = scene.actor('anna', { store: holding, key: scene.freshKey() })
        await one.take()
        // A channel may be opened only for holds that last a while.
        heldForMs += 100
        await pause(heldForMs)
        await scene.store.forceRelease(one.request().key)
        return soon(() => heard.find((notice) => notice.type === 'revoked' && notice.owner === one.owner))
      })
    },
    tells,
  ),

  rule(
    'stops telling a listener that unsubscribed, and goes on telling the others',
    async ({ actor, store, key }) => {
      const [first, second] = [new Set<string>(), new Set<string>()]
      const unsubscribe = subscribe(store, (notice) => remember(notice, first))
      subscribe(store, (notice) => remember(notice, second))
      const [anna, ben] = [actor('anna'), actor('ben')]
      await anna.take()
      await store.forceRelease(key)
      unsubscribe()
      unsubscribe()
      await ben.take()
      await store.forceRelease(key)
      assert.deepEqual([...first], [anna.owner])
      assert.deepEqual([...second], [anna.owner, ben.owner])
    },
    tells,
  ),

  rule(
    'tells nobody of a grant when there was no waiter',
    async ({ actor, store }) => {
      const heard = listen(store)
      const anna = actor('anna')
      await anna.take()
      await anna.release()
      await pause(50)
      assert.deepEqual(
        heard.filter(({ type }) => type !== 'resync'),
        [],
      )
    },
    tells,
  ),
]

function subscribe(store: Store, listener: (notice: Notice) => void): () => void {
  const unsubscribe = store.onNotice?.(listener)
  assert.ok(unsubscribe, 'a store that pushes has onNotice, which returns the way to end it')
  return unsubscribe
}

/** All that the store tells from now on. */
function listen(store: Store): Notice[] {
  const heard: Notice[] = []
  subscribe(store, (notice) => void heard.push(notice))
  return heard
}

function remember(notice: Notice, owners: Set<string>): void {
  if (notice.type === 'revoked') owners.add(notice.owner)
}

function pairFor({ store, freshKey, actor }: Scene, waiting: Store): { anna: Actor; ben: Actor } {
  const key = freshKey()
  return { anna: actor('anna', { key, store }), ben: actor('ben', { key, store: waiting }) }
}

/** A notice may be missed while the channel opens: a short look, after which the caller tries all of it again. */
async function soon<T>(look: () => T | undefined): Promise<T | undefined> {
  for (let tries = 0; tries < 50; tries += 1) {
    const found = look()
    if (found !== undefined) return found
    await pause(10)
  }
  return undefined
}
