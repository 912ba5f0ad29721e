import { describe, expect, test } from 'vitest'
import { rejection } from '../support/thrown.js'
import { ask, beside, lookAlike, refused } from './look-alike.js'
import { request } from './support.js'

// What the store asks of its client, and what it makes of each answer.

const tail = expect.stringMatching(/^[\w-]{22}\n\{"host":"here","pid":42,"since":1700000000000\}$/) as string

describe('a request for a mutex', () => {
  test('that does not wait goes by the shortest script, the others by the whole one', async () => {
    const { store, sent, names } = lookAlike()
    expect(await ask(store)).toEqual({ granted: true, token: 77 })
    expect(sent).toEqual([
      { script: 'acquireOnce', keys: beside.slice(0, 2), args: ['anna\n', '30000', '3630000', tail] },
    ])
    names()
    await ask(store, { queueMs: 0.4, turns: 16 })
    const args = ['anna\n', '30000', '3630000', tail, '0', '16', '']
    expect(sent).toEqual([{ script: 'acquireMutex', keys: beside, args }])
    names()
    await ask(store, { limit: 3, permits: 2 })
    expect(sent).toEqual([{ script: 'acquirePool', keys: beside, args: [...args.slice(0, 5), '0', '', '3', '2'] }])
  })

  test('goes by the whole script too where the short one cannot tell, and always where the server does not know it', async () => {
    const { store, names, answers } = lookAlike()
    answers.set('acquireOnce', null)
    expect(await ask(store)).toEqual({ granted: true, token: 77 })
    await ask(store)
    expect(names()).toEqual(['acquireOnce', 'acquireMutex', 'acquireOnce', 'acquireMutex'])
    answers.set('acquireOnce', 0)
    expect(await ask(store)).toEqual({ granted: true, token: 77 })
    expect(await ask(store)).toEqual({ granted: true, token: 77 })
    expect(names()).toEqual(['acquireOnce', 'acquireMutex', 'acquireMutex'])
  })

  test('may be refused, and says so', async () => {
    const { store, answers } = lookAlike()
    answers.set('acquireOnce', refused)
    expect(await ask(store)).toEqual({ granted: false, freeInMs: 150 })
  })

  test('may take the place of another owner', async () => {
    const { store, sent, names } = lookAlike()
    await ask(store, { adopts: 'before' })
    await ask(store, { adopts: 'before', limit: 3, permits: 2 })
    expect(sent.map(({ script, args }) => [script, args.length, args.at(-1)])).toEqual([
      ['adoptMutex', 8, 'before\n'],
      ['adoptPool', 10, 'before\n'],
    ])
    names()
  })
})

describe('a request that waits', () => {
  test('stands in no queue while it could not be told, and asks for a place when it can', async () => {
    const { store, sent, answers, line } = lookAlike()
    answers.set('acquireMutex', refused)
    store.onNotice?.(() => undefined)
    expect(await ask(store, { queueMs: 3_000.5 })).toEqual({ granted: false, freeInMs: 150 })
    expect(sent.map(({ args }) => args[4])).toEqual(['0', '3001'])
    expect(line.channels).toHaveLength(1)
    expect(await ask(store, { queueMs: 3_000 })).toEqual({ granted: false, freeInMs: 150 })
    expect(sent.map(({ args }) => args[4])).toEqual(['0', '3001', '3000'])
    expect(line.asked).toBe(1)
  })

  test('says that notices reach it, when one did of late', async () => {
    const { env, store, sent, answers, line } = lookAlike()
    answers.set('acquireMutex', refused)
    await ask(store, { queueMs: 3_000 })
    line.deliver('granted\nanna\n78\nk')
    await ask(store, { queueMs: 3_000 })
    env.stall(5_000)
    await ask(store, { queueMs: 3_000 })
    expect(sent.map(({ args }) => args[6])).toEqual(['', '', '1', ''])
  })

  test('that is granted at once needs to be told nothing', async () => {
    const { store, names, line } = lookAlike()
    expect(await ask(store, { queueMs: 3_000 })).toEqual({ granted: true, token: 77 })
    expect([names(), line.asked]).toEqual([['acquireMutex'], 0])
  })

  test.each([
    [undefined, 1_000],
    [10_000, 1_000],
    [400, 200],
  ])('with %o ms to go waits %i ms for the way at most', async (limitMs, patienceMs) => {
    const { env, store, names, answers, line } = lookAlike()
    answers.set('acquireMutex', refused)
    line.opens = () => new Promise(() => undefined)
    let answer: unknown
    void ask(store, { queueMs: 3_000, ...(limitMs !== undefined && { limitMs }) }).then((given) => (answer = given))
    await env.advance(patienceMs - 1)
    expect(answer).toBeUndefined()
    await env.advance(1)
    expect(answer).toEqual({ granted: false, freeInMs: 150 })
    expect(names()).toEqual(['acquireMutex'])
  })

  test('and asks again goes together with others, at the end of the tick or before a release', async () => {
    const { store, sent, names, answers } = lookAlike()
    answers.set('acquireTogether', [refused, 78])
    const again = { again: true }
    const pool = { ...again, limit: 3, permits: 2 }
    const asked = [ask(store, again), store.acquire(request('other', 'anna', pool))]
    expect(names()).toEqual([])
    const released = store.release('k', 'nobody')
    const wish = ['anna\n', '30000', '3630000', tail, '0', '0', '']
    expect(sent[0]?.args).toEqual(['KEYS', ...wish, '1', '1', ...wish, '3', '2'])
    expect(names()).toEqual(['acquireTogether', 'release'])
    expect(await Promise.all(asked)).toEqual([
      { granted: false, freeInMs: 150 },
      { granted: true, token: 78 },
    ])
    await rejection(released) // 77 is no boolean
    expect(await ask(store, again)).toEqual({ granted: true, token: 77 })
    expect(names()).toEqual(['acquireMutex'])
  })

  test('and asks again on a Cluster goes with those of one master, by the names that it knows', async () => {
    const { store, sent, answers } = lookAlike({ keyPrefix: 'app:', slots: Array<string[]>(16_384).fill(['one']) })
    answers.set('acquireTogether', [refused, 78])
    const other = request('other', 'anna', { again: true })
    await Promise.all([ask(store, { again: true }), store.acquire(other)])
    expect(sent).toMatchObject([{ script: 'acquireTogether', keys: ['k'] }])
    expect(sent[0]?.args[0]).toBe('ARGV')
    expect(sent[0]?.args).toEqual(expect.arrayContaining(['app:k', 'app:{app:k}:token', 'app:other']))
  })

  test('and fails together with others is told so as if alone', async () => {
    const { store, answers } = lookAlike()
    answers.set('acquireTogether', new Error('Connection is closed.'))
    for (const result of await Promise.allSettled([1, 2].map(() => ask(store, { again: true })))) {
      expect(result).toMatchObject({ reason: { operation: 'acquire', outcome: 'unknown' } })
    }
  })
})

describe('a release', () => {
  test('goes with the owner, and with the next request by one script', async () => {
    const { store, sent, answers } = lookAlike()
    answers.set('release', 1)
    answers.set('handoffMutex', [1, 78])
    answers.set('handoffPool', [0, refused])
    expect(await store.release('k', 'anna')).toBe(true)
    expect(await store.release('k', 'anna', request('k', 'ben'))).toEqual({
      released: true,
      next: { granted: true, token: 78 },
    })
    expect(await store.release('k', 'anna', request('k', 'ben', { limit: 2 }))).toMatchObject({ released: false })
    const wish = ['ben\n', '30000', '3630000', tail, '0', '0', '']
    expect(sent).toEqual([
      { script: 'release', keys: beside, args: ['anna\n'] },
      { script: 'handoffMutex', keys: beside, args: ['anna\n', ...wish] },
      { script: 'handoffPool', keys: beside, args: ['anna\n', ...wish, '2', '1'] },
    ])
  })

  test('opens the way for the next that has to wait', async () => {
    const { env, store, answers, line } = lookAlike()
    answers.set('handoffMutex', [1, refused])
    await store.release('k', 'anna', request('k', 'ben'))
    expect(line.asked).toBe(0)
    await store.release('k', 'anna', request('k', 'ben', { queueMs: 3_000 }))
    await env.advance(0)
    expect(line.channels).toHaveLength(1)
  })

  test('for the next of another key is refused', async () => {
    const { store, sent } = lookAlike()
    const error = await rejection(store.release('k', 'anna', request('other', 'ben')))
    expect(error).toMatchObject({ code: 'STORE_FAILED', operation: 'release', outcome: 'not-applied' })
    expect(error.message).toContain('the next request has to be for the same key')
    const wish = request('k', 'ben', { limit: 2, permits: 3 })
    expect(await rejection(store.release('k', 'anna', wish))).toMatchObject({ code: 'INVALID_OPTION' })
    expect(sent).toEqual([])
  })
})
