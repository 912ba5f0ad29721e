import { describe, expect, onTestFinished, test } from 'vitest'
import { StoreError } from '../../src/core/errors.js'
import type { Store } from '../../src/core/store.js'
import { redis } from '../../src/stores/redis/index.js'
import { answeringServer } from '../support/servers/answering.js'
import { clientKinds } from './clients.js'
import { request } from './support.js'

const value = { content: 'text', token: 1, freshMs: 1_000, staleMs: 0 }

/** Each call, and what its errors say that it was. */
const calls: readonly [operation: string, call: (store: Store) => unknown][] = [
  ['acquire', (store) => store.acquire(request('k', 'a'))],
  ['acquire', (store) => store.acquire(request('k', 'a', { again: true }))],
  ['acquire', (store) => Promise.all(['k', 'l'].map((key) => store.acquire(request(key, 'a', { again: true }))))],
  ['acquire', (store) => store.acquire(request('k', 'a', { limit: 3 }))],
  ['acquire', (store) => store.acquire(request('k', 'a', { adopts: 'b' }))],
  ['acquire', (store) => store.acquireAll?.([request('k', 'a'), request('l', 'b')])],
  ['renew', (store) => store.renew('k', 'a', 1_000)],
  ['release', (store) => store.release('k', 'a')],
  ['release', (store) => store.release('k', 'a', request('k', 'b'))],
  ['inspect', (store) => store.inspect('k')],
  ['inspect', (store) => store.wasRevoked?.('k', 'a')],
  ['list', (store) => store.list('', 10)],
  ['forceRelease', (store) => store.forceRelease('k')],
  ['resize', (store) => store.resize?.('k', 1, 2)],
  ['set', (store) => store.values?.set('k', value)],
  ['delete', (store) => store.values?.delete('k')],
]

describe.each(clientKinds)('by $name', ({ open }) => {
  const storeBefore = async (answer: unknown): Promise<Store> => {
    const { url } = await answeringServer(() => answer)
    const { client, end } = await open(url)
    onTestFinished(end)
    return redis(client)
  }

  const eachNamesItself = async (store: Store): Promise<void> => {
    for (const [operation, call] of calls) {
      const failure = await (async () => call(store))().catch((error: unknown) => error)
      expect(failure, operation).toBeInstanceOf(StoreError)
      expect((failure as Error).message).toContain(`The store failed to ${operation}`)
    }
  }

  test.each(['-ERR it is odd', 'what no script of ours says'])(
    'each call names itself when the answer is %j',
    async (answer) => {
      await eachNamesItself(await storeBefore(answer))
    },
  )

  test('each call names itself when the client was closed', async () => {
    const { url } = await answeringServer(() => 'PONG')
    const { client, end } = await open(url)
    const store = redis(client)
    await store.values?.get('k', true) // now it is open
    end()
    await eachNamesItself(store)
  })

  test.each([[['0x', []]], [['x0', []]], [['', []]], [['0', 'h']]])(
    'a page of keys is refused when it is %j',
    async (page) => {
      const store = await storeBefore(page)
      await expect(store.list('', 10)).rejects.toThrow('The store failed to list')
    },
  )

  test('a value is absent when the answer makes no sense, and an error says that it was asked for', async () => {
    const odd = await storeBefore('what no script of ours says')
    expect(await odd.values?.get('k', true)).toBeUndefined()
    expect(await odd.values?.get('k')).toEqual({ content: undefined, token: 0, staleMs: 0 })
    const { values } = await storeBefore('-ERR it is odd')
    await expect(values?.get('k')).rejects.toThrow('The store failed to get')
    await expect(values?.get('k', true)).rejects.toThrow('The store failed to get')
    const halfOdd = await storeBefore(['1\n{}', 'odd'])
    await expect(halfOdd.values?.get('k', true)).rejects.toThrow('The store failed to get')
  })
})
