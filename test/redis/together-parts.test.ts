import { describe, expect, test } from 'vitest'
import type { Driver, Shards } from '../../src/stores/redis/client.js'
import { slotOf } from '../../src/stores/redis/keys.js'
import { scripts } from '../../src/stores/redis/scripts.js'
import { type Ask, Together } from '../../src/stores/redis/together.js'
import { emptyDriver } from './fleet.js'

// together.test.ts shows the same on real servers; here it is what goes into one call, and what becomes of each answer.

interface Sent {
  readonly sha: string
  readonly keys: readonly string[]
  readonly args: readonly string[]
}

/** What was sent, by drivers that answer as `answer` says. */
function start(options: { keyPrefix?: string; shards?: Shards } = {}) {
  const sent: Sent[] = []
  const server = { answer: ({ keys }: Sent): Promise<unknown> => Promise.resolve(keys.map((key) => `of ${key}`)) }
  const driver: Driver = {
    ...emptyDriver,
    evalsha: (sha, keys, args) => {
      const call = { sha, keys, args }
      sent.push(call)
      return server.answer(call)
    },
    eval: (text, keys, args) => {
      const call = { sha: text, keys, args }
      sent.push(call)
      return server.answer(call)
    },
  }
  const together = new Together({ keyPrefix: '', shards: undefined, ...options })
  const wishOf = (key: string): Ask => ({ driver, key, keys: [key], args: [`arg ${key}`] })
  const askEach = (...keys: string[]): Promise<unknown>[] => keys.map((key) => together.ask(wishOf(key)))
  const ask = (...keys: string[]): Promise<unknown[]> => Promise.all(askEach(...keys))
  return { sent, server, together, ask, askEach }
}

const nextTick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
const { sha, text } = scripts.acquireTogether

describe('requests of one tick', () => {
  test('go in one call, and each gets its own answer', async () => {
    const { sent, ask } = start()
    expect(await ask('a', 'b', 'c')).toEqual(['of a', 'of b', 'of c'])
    expect(sent).toEqual([{ sha, keys: ['a', 'b', 'c'], args: ['KEYS', 'arg a', 'arg b', 'arg c'] }])
    expect(await ask('d', 'e')).toEqual(['of d', 'of e'])
    expect(sent).toHaveLength(2)
  })

  test('are asked alone where there is one, and where the server has none of our scripts they bring it', async () => {
    const { sent, server, ask } = start()
    expect(await ask('a')).toEqual([undefined])
    expect(sent).toEqual([])
    const { answer } = server
    server.answer = (call) =>
      call.sha === sha ? Promise.reject(new Error('NOSCRIPT No matching script')) : answer(call)
    expect(await ask('a', 'b')).toEqual(['of a', 'of b'])
    expect(sent.map((call) => call.sha)).toEqual([sha, text])
  })

  test('wait for the end of the tick, or until 250 are there, or until they have to go', async () => {
    const { sent, together, ask } = start()
    together.flush()
    const first = ask('a', 'b')
    expect(sent).toEqual([])
    together.flush()
    expect(sent).toHaveLength(1)
    await first
    const keys = Array.from({ length: 251 }, (_, index) => String(index))
    const asked = ask(...keys)
    expect(sent.slice(1)).toMatchObject([{ keys: keys.slice(0, 250) }])
    expect((await asked).slice(249)).toEqual(['of 249', undefined])
    await nextTick()
    expect(sent).toHaveLength(2)
  })
})

describe('a call for several keys', () => {
  test.each([
    [
      'half of it failed',
      ['of a', ['#failed'], [Buffer.from('#failed')], 'of d'],
      ['of a', undefined, undefined, 'of d'],
    ],
    ['what failed looks otherwise', [['#limit', 3], ['failed'], [], null], [['#limit', 3], ['failed'], [], null]],
  ])('may answer some of them only: %s', async (_, replies, expected) => {
    const { sent, server, ask } = start()
    server.answer = () => Promise.resolve(replies)
    expect(await ask('a', 'b', 'c', 'd')).toEqual(expected)
    await ask('a', 'b', 'c', 'd')
    expect(sent).toHaveLength(2)
  })

  test.each([
    ['more than half of it failed', (): Promise<unknown> => Promise.resolve(['of a', ['#failed'], ['#failed']])],
    ['there are too few answers', (): Promise<unknown> => Promise.resolve(['of a'])],
    ['it is no list', (): Promise<unknown> => Promise.resolve('OK')],
    ['it is refused', (): Promise<unknown> => Promise.reject(new Error('CROSSSLOT Keys in request'))],
    ['it is not understood', (): Promise<unknown> => Promise.reject(new Error('ERR not supported by the proxy'))],
  ])('is not tried again where %s', async (_, answer) => {
    const { sent, server, ask } = start()
    server.answer = answer
    expect((await ask('a', 'b', 'c')).slice(1)).toEqual([undefined, undefined])
    expect(await ask('a', 'b', 'c')).toEqual([undefined, undefined, undefined])
    expect(sent).toHaveLength(1)
  })

  test.each(
    'READONLY LOADING CLUSTERDOWN MASTERDOWN TRYAGAIN BUSY OOM MOVED ASK NOREPLICAS MISCONF'
      .split(' ')
      .map((word) => [word]),
  )('is tried again after %s, which passes', async (word) => {
    const { sent, server, ask } = start()
    server.answer = () => Promise.reject(new Error(`${word} of the server`))
    expect(await ask('a', 'b')).toEqual([undefined, undefined])
    await ask('a', 'b')
    expect(sent).toHaveLength(2)
  })

  test('that got no answer fails each of them, and is tried again', async () => {
    const { sent, server, askEach } = start()
    const lost = new Error('Connection is closed.')
    server.answer = () => Promise.reject(lost)
    for (let turn = 1; turn <= 2; turn++) {
      expect(await Promise.allSettled(askEach('a', 'b'))).toEqual(Array(2).fill({ status: 'rejected', reason: lost }))
      expect(sent).toHaveLength(turn)
    }
  })
})

describe('on a Cluster', () => {
  const owners = new Map([
    [slotOf('app:a'), 'one'],
    [slotOf('app:b'), 'two'],
    [slotOf('app:c'), 'one'],
  ])
  const shards: Shards = {
    ownerOf: (slot) => owners.get(slot),
    subscriber: () => Promise.reject(new Error('not asked for')),
  }

  test('there is one call for each master, whose keys are no KEYS but one', async () => {
    const { sent, server, ask } = start({ keyPrefix: 'app:', shards })
    server.answer = () => Promise.resolve(['first', 'second'])
    expect(await ask('a', 'b', 'unknown', 'c')).toEqual(['first', undefined, undefined, 'second'])
    expect(sent).toEqual([{ sha, keys: ['a'], args: ['ARGV', 'arg a', 'arg c', 'app:a', 'app:c'] }])
  })
})
