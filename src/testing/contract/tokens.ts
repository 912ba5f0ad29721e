import assert from 'node:assert/strict'
import type { Capabilities } from '../../core/store.js'
import { pause } from './pause.js'
import { rule } from './scene.js'
import type { Rule } from './scene.js'

const hasTokens = ({ token }: Capabilities): boolean => token !== 'none'

export const tokens: readonly Rule[] = [
  rule(
    'gives tokens that are whole numbers from 1 to 2^53 - 1',
    async ({ actor }) => {
      const token = await actor('anna').take()
      assert.ok(Number.isSafeInteger(token) && token > 0, `not ${token}`)
    },
    hasTokens,
  ),

  rule(
    'gives a larger token with every grant, however fast they follow each other',
    async ({ actor, store, another }) => {
      const clients = [store, await another()]
      let last = 0
      for (let round = 0; round < 60; round += 1) {
        const one = actor(`number ${round}`, { store: clients[round % 2] ?? store })
        last = larger(last, await one.take())
        assert.equal(await one.release(), true)
      }
    },
    hasTokens,
  ),

  rule(
    'gives a larger token after a lease ended',
    async ({ actor, inspect, eventually }) => {
      const [anna, ben, carl] = [actor('anna'), actor('ben'), actor('carl')]
      const first = await anna.take({ ttlMs: 100 })
      const second = await eventually('an expired key is granted to the next', async () => {
        const answer = await ben.ask({ ttlMs: 100 })
        return answer.granted && answer.token
      })
      larger(first, second)
      await eventually('the key is forgotten', async () => (await inspect()) === undefined)
      larger(second, await carl.take())
    },
    hasTokens,
  ),

  rule(
    'gives a larger token to an owner that lost its hold and asks again',
    async ({ actor }) => {
      const anna = actor('anna')
      const first = await anna.take({ ttlMs: 100 })
      await pause(300)
      const second = larger(first, await anna.take())
      await anna.release()
      larger(second, await anna.take())
    },
    hasTokens,
  ),

  rule(
    'gives a larger token after a forced release',
    async ({ actor, store, key }) => {
      const first = await actor('anna').take()
      await store.forceRelease(key)
      larger(first, await actor('ben').take())
    },
    hasTokens,
  ),

  rule(
    'gives a larger token with a hand-over',
    async ({ actor }) => {
      const [anna, ben] = [actor('anna'), actor('ben')]
      const first = await anna.take()
      const { next } = await anna.handOver(ben)
      assert.ok(next.granted)
      larger(first, next.token)
      assert.equal(await ben.take(), next.token, 'and it stays the same while held')
    },
    hasTokens,
  ),

  rule(
    'gives each holder of a pool a token of its own, larger than those before',
    async ({ actor }) => {
      const wish = { limit: 3 }
      const first = await actor('anna', { wish }).take()
      const second = larger(first, await actor('ben', { wish }).take())
      larger(second, await actor('carl', { wish }).take())
    },
    hasTokens,
  ),

  rule(
    'gives a larger token when a key changes between mutex and pool',
    async ({ actor }) => {
      let last = 0
      for (const limit of [1, 4, 1, 2 ** 30, 1]) {
        const one = actor(`limit ${limit}`, { wish: { limit } })
        last = larger(last, await one.take())
        await one.release()
      }
    },
    hasTokens,
  ),

  rule(
    'shows the token of a holder in inspect',
    async ({ actor, inspect }) => {
      const token = await actor('anna').take()
      assert.equal((await inspect())?.holders[0]?.token, token)
    },
    hasTokens,
  ),
]

function larger(before: number, token: number): number {
  assert.ok(token > before, `the token ${token} is larger than ${before}`)
  return token
}
