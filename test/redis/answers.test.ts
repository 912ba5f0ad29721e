import { describe, expect, test } from 'vitest'
import type { Notice, Store } from '../../src/core/store.js'
import { redis } from '../../src/stores/redis/index.js'
import { slotOf } from '../../src/stores/redis/keys.js'
import { scripts } from '../../src/stores/redis/scripts.js'
import { rejection } from '../support/thrown.js'
import { ask, beside, lookAlike, refused } from './look-alike.js'
import { request } from './support.js'

// What the store asks of its client, and what it makes of each answer.

const tail = expect.stringMatching(/^[\w-]{22}\n\{"host":"here","pid":42,"since":1700000000000\}$/) as string

describe('a hold', () => {
  const starts: [string, (store: Store, answers: Map<string, unknown>) => unknown][] = [
    ['acquired', (store) => ask(store)],
    ['adopted', (store) => ask(store, { adopts: 'before' })],
    ['acquired with others', (store) => store.acquireAll?.([request('k', 'anna')])],
    ['handed on', (store) => store.release('k', 'before', request('k', 'anna'))],
  ]
  const ends: [string, (store: Store) => unknown][] = [
    ['released', (store) => store.release('k', 'anna')],
    ['found to be over by a renewal', (store) => store.renew('k', 'anna', 1_000)],
    ['taken over', (store) => store.acquire(request('k', 'anna 2', { adopts: 'anna' })).catch(() => undefined)],
  ]
  const startListening = () => {
    const started = lookAlike()
    const { answers, store } = started
    answers.set('acquireAll', [0, 77]).set('handoffMutex', [1, 77]).set('release', 1).set('renew', 0)
    store.onNotice?.(() => undefined)
    return started
  }

  test.each(starts)('that was %s is listened for after 50 ms', async (_, begin) => {
    const { env, store, answers, line } = startListening()
    await begin(store, answers)
    await env.advance(49)
    expect(line.asked).toBe(0)
    await env.advance(1)
    expect(line.asked).toBe(1)
  })

  test.each(ends)('that was %s before is not', async (_, end) => {
    const { env, store, answers, line } = startListening()
    await ask(store)
    answers.set('adoptMutex', refused)
    await end(store)
    await env.advance(60_000)
    expect(line.asked).toBe(0)
  })

  test('that was renewed is, and so is none that was refused', async () => {
    const { env, store, answers, line } = startListening()
    answers.set('acquireOnce', refused).set('acquireAll', [1, 150, 'theirs']).set('handoffMutex', [1, refused])
    await ask(store)
    await store.acquireAll?.([request('k', 'anna')])
    await store.release('k', 'before', request('k', 'anna'))
    await env.advance(60_000)
    expect(line.asked).toBe(0)
    answers.set('acquireOnce', 77).set('renew', 1)
    await ask(store)
    await store.renew('k', 'anna', 1_000)
    await env.advance(50)
    expect(line.asked).toBe(1)
  })
})

describe('several keys', () => {
  test('are asked for by one script, where all are mutexes', async () => {
    const { store, sent, answers } = lookAlike()
    answers.set('acquireAll', [0, 77, 78])
    const requests = [request('k', 'anna'), request('l', 'ben')]
    expect(await store.acquireAll?.(requests)).toEqual({ granted: true, tokens: [77, 78] })
    expect(sent[0]?.keys).toEqual(['k', '{k}:token', '{k}:queue', 'l', '{l}:token', '{l}:queue'])
    expect(sent[0]?.args).toEqual(['anna\n', '30000', '3630000', tail, 'ben\n', '30000', '3630000', tail])
    expect(await store.acquireAll?.([request('k', 'anna'), request('l', 'ben', { limit: 2 })])).toBeUndefined()
    expect(sent).toHaveLength(1)
    answers.set('acquireAll', null) // somebody stands in a queue
    expect(await store.acquireAll?.(requests)).toBeUndefined()
  })

  test('are asked for one by one where the server finds them in several places, or the Cluster has them so', async () => {
    const { store, answers } = lookAlike()
    const requests = [request('k', 'anna'), request('l', 'ben')]
    answers.set('acquireAll', new Error("CROSSSLOT Keys in request don't hash to the same slot"))
    expect(await store.acquireAll?.(requests)).toBeUndefined()
    answers.set('acquireAll', new Error('OOM command not allowed'))
    expect(await rejection(Promise.resolve(store.acquireAll?.(requests)))).toMatchObject({ outcome: 'not-applied' })
    const wrong = [request('k', 'anna', { ttlMs: 0 })]
    expect(await rejection(Promise.resolve(store.acquireAll?.(wrong)))).toMatchObject({ code: 'INVALID_OPTION' })
    const cluster = lookAlike({ slots: [], keyPrefix: '{p}' })
    cluster.answers.set('acquireAll', [0, 77, 78])
    expect(await cluster.store.acquireAll?.(requests)).toMatchObject({ granted: true })
    const apart = lookAlike({ slots: [] })
    expect(slotOf('k')).not.toBe(slotOf('l'))
    expect(await apart.store.acquireAll?.(requests)).toBeUndefined()
    expect(apart.sent).toEqual([])
  })
})

describe('any call', () => {
  test('rejects what cannot be, and throws nothing', async () => {
    const { store, sent } = lookAlike()
    for (const call of [ask(store, { permits: 2 }), ask(store, { ttlMs: null }), store.renew('k', 'anna', 0)]) {
      expect(await rejection(call)).toMatchObject({ code: 'INVALID_OPTION' })
    }
    for (const call of [
      store.acquire(request('{k}:token', 'anna')),
      store.renew('{k}:queue', 'anna', 1_000),
      store.release('{k}:waiters', 'anna'),
    ]) {
      expect(await rejection(call)).toMatchObject({
        code: 'INVALID_KEY',
        message: expect.stringMatching(
          /^\{k\}:\w+ is, with the prefix, the name of what is kept beside another key; /,
        ) as string,
      })
    }
    expect(sent).toEqual([])
  })

  test('finds the names of a key, though it was another before', async () => {
    const { store, sent, answers } = lookAlike({ keyPrefix: 'app:' })
    answers.set('inspect', null)
    for (const key of ['k', 'k', 'l', 'k']) await store.inspect(key)
    expect(sent.map(({ args }) => args)).toEqual([[], [], [], []])
    expect(sent.map(({ keys }) => keys.slice(0, 2))).toEqual(
      ['k', 'k', 'l', 'k'].map((key) => [key, `{app:${key}}:token`]),
    )
  })

  test('names what it asked for when it fails, and no secret', async () => {
    const { store, answers } = lookAlike()
    for (const script of Object.keys(scripts)) answers.set(script, new Error('ERR no s3cret'))
    const calls: [string, Promise<unknown> | undefined][] = [
      ['acquire', ask(store)],
      ['acquire', ask(store, { adopts: 'before' })],
      ['acquire', store.acquireAll?.([request('k', 'anna')])],
      ['renew', store.renew('k', 'anna', 1_000)],
      ['release', store.release('k', 'anna')],
      ['release', store.release('k', 'anna', request('k', 'ben'))],
      ['inspect', store.inspect('k')],
      ['inspect', store.wasRevoked?.('k', 'anna')],
      ['forceRelease', store.forceRelease('k')],
      ['resize', Promise.resolve(store.resize?.('k', 2, 3))],
      ['list', store.list('k', 10)],
    ]
    for (const [operation, call] of calls) {
      const error = await rejection(Promise.resolve(call))
      expect(error).toMatchObject({ code: 'STORE_FAILED', operation, outcome: 'not-applied' })
      expect(error.message).toBe(`The store failed to ${operation}: Redis answered ERR no ***`)
    }
  })

  test('names what it asked for when the reply makes no sense, or when it comes after the end', async () => {
    const { store, answers } = lookAlike()
    for (const script of Object.keys(scripts)) answers.set(script, ['nonsense'])
    const callsOf: () => [string, Promise<unknown> | undefined][] = () => [
      ['acquire', ask(store)],
      ['acquire', ask(store, { queueMs: 3_000 })],
      ['acquire', ask(store, { again: true })],
      ['acquire', store.acquireAll?.([request('k', 'anna')])],
      ['renew', store.renew('k', 'anna', 1_000)],
      ['release', store.release('k', 'anna')],
      ['inspect', Promise.resolve().then(() => store.inspect('k'))],
      ['inspect', Promise.resolve().then(() => store.wasRevoked?.('k', 'anna'))],
      ['resize', Promise.resolve(store.resize?.('k', 2, 3))],
    ]
    for (const [operation, call] of callsOf()) {
      const { message } = await rejection(Promise.resolve(call))
      expect(message).toBe(`The store failed to ${operation}: Redis gave a reply of an unexpected form`)
    }
    await store.close()
    for (const [operation, call] of [...callsOf(), ['list', store.list('k', 10)] as const]) {
      const { message } = await rejection(Promise.resolve(call))
      expect(message).toBe(`The store failed to ${operation}: the store is closed`)
    }
  })

  test('that does one thing to a key is one script', async () => {
    const { store, sent, answers } = lookAlike()
    const told: Notice[] = []
    store.onNotice?.((notice) => told.push(notice))
    answers.set('renew', 1).set('forceRelease', [1, 'anna', 'ben']).set('wasRevoked', 0).set('resize', 1)
    expect(await store.renew('k', 'anna', 0.5)).toBe(true)
    expect(await store.forceRelease('k')).toBe(true)
    expect(told).toEqual(['anna', 'ben'].map((owner) => ({ type: 'revoked', key: 'k', owner })))
    expect(await store.wasRevoked?.('k', 'anna')).toBe(false)
    await store.resize?.('k', 2, 3)
    expect(sent).toEqual([
      { script: 'renew', keys: beside, args: ['anna\n', '1', '3600001'] },
      { script: 'forceRelease', keys: [...beside, '{k}:revoked'], args: [expect.stringMatching(/^[\w-]{22}$/)] },
      { script: 'wasRevoked', keys: ['{k}:revoked'], args: ['anna'] },
      { script: 'resize', keys: beside, args: ['2', '3'] },
    ])
    answers.set('resize', ['#limit', 4])
    expect(await rejection(Promise.resolve(store.resize?.('k', 2, 3)))).toMatchObject({ code: 'INVALID_OPTION' })
  })

  test('needs no connection that has to be made', () => {
    const { store } = lookAlike()
    expect(store.ready?.('acquire')).toBeUndefined()
  })

  test('waits for a connection that a URL asks for', async () => {
    const store = redis('redis://127.0.0.1:1')
    expect(await rejection(Promise.resolve(store.ready?.('renew')))).toMatchObject({
      operation: 'renew',
      message: expect.stringContaining('there is no connection to redis://127.0.0.1:1: ') as string,
    })
    await store.close()
  })

  test('is refused after the end, when nothing is left open', async () => {
    const { env, store, sent, line } = lookAlike()
    store.onNotice?.(() => undefined)
    await ask(store)
    await env.advance(50)
    await ask(store)
    await store.close()
    expect([line.closed, env.pendingTimers]).toEqual([1, 0])
    expect((await rejection(ask(store))).message).toBe('The store failed to acquire: the store is closed')
    expect(sent).toHaveLength(2)
  })

  test('may be planned by what the store promises', () => {
    const { name, capabilities } = lookAlike().store
    expect([name, capabilities]).toEqual([
      'redis',
      {
        ...{ scope: 'network', crashRelease: 'lease', fair: true, wake: 'push', token: 'clock' },
        ...{ consistency: 'single-node', sync: false, adopts: true },
      },
    ])
  })
})
