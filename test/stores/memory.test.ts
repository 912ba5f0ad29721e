import { describe, expect, test } from 'vitest'
import type { AcquireRequest, Notice } from '../../src/core/store.js'
import { memory } from '../../src/stores/memory/memory.js'
import { virtualEnv } from '../../src/testing/virtual-env.js'
import { request } from '../redis/support.js'

function setUp() {
  const time = virtualEnv()
  const store = memory({ env: time })
  const told: Notice[] = []
  store.onNotice?.((notice) => told.push(notice))
  /** What the answer says, in short: the token, or false. */
  const ask = (key: string, owner: string, wish: Partial<AcquireRequest> = {}): number | false => {
    const answer = store.acquire(request(key, owner, wish))
    return answer.granted && answer.token
  }
  const holders = (key: string): string[] => (store.inspect(key)?.holders ?? []).map(({ owner }) => owner)
  const waiters = (key: string): string[] => (store.inspect(key)?.waiters ?? []).map(({ owner }) => owner)
  return { time, store, told, ask, holders, waiters }
}

describe('a lease in memory', () => {
  test('ends when it is over, and not before', async () => {
    const { time, ask, store, holders } = setUp()
    ask('k', 'a', { ttlMs: 100 })
    expect(store.inspect('k')).toMatchObject({ key: 'k', limit: 1, holders: [{ owner: 'a', remainingMs: 100 }] })
    await time.advance(99)
    expect(holders('k')).toEqual(['a'])
    expect(store.acquire(request('k', 'b'))).toMatchObject({ granted: false, freeInMs: 1, holder: { host: 'here' } })
    time.stall(1) // its timer has not fired yet
    expect(holders('k')).toEqual([])
    expect(store.renew('k', 'a', 100)).toBe(false)
    expect(store.release('k', 'a')).toBe(false)
    expect(store.forceRelease('k')).toBe(false)
    expect(ask('k', 'b')).toBeGreaterThan(0)
  })

  test('is set anew by a renewal and by asking again, longer or shorter', async () => {
    const { time, ask, store, holders } = setUp()
    const token = ask('k', 'a', { ttlMs: 100 })
    expect(store.renew('k', 'a', 1_000)).toBe(true)
    await time.advance(999)
    expect(holders('k')).toEqual(['a'])
    expect(store.renew('k', 'a', 50)).toBe(true)
    await time.advance(49)
    expect(holders('k')).toEqual(['a'])
    expect(ask('k', 'a', { ttlMs: 200 })).toBe(token)
    await time.advance(199)
    expect(holders('k')).toEqual(['a'])
    await time.advance(1)
    expect(time.pendingTimers).toBe(0)
    expect(holders('k')).toEqual([])
    expect(store.renew('k', 'b', 50)).toBe(false)
  })

  test('may be none: until released', async () => {
    const { time, ask, store } = setUp()
    ask('k', 'a', { ttlMs: null })
    expect(time.pendingTimers).toBe(0)
    expect(store.inspect('k')?.holders[0]?.remainingMs).toBeUndefined()
    expect(store.acquire(request('k', 'b'))).toMatchObject({ granted: false, freeInMs: undefined, position: undefined })
    ask('k', 'a', { ttlMs: 50 })
    ask('k', 'a', { ttlMs: null })
    await time.advance(1_000)
    expect(store.release('k', 'a')).toBe(true)
  })

  test('needs one timer a key, set anew only when the end comes sooner, and none after the release', async () => {
    const { time, ask, store } = setUp()
    let set = 0
    const setTimer = time.setTimer.bind(time)
    time.setTimer = (...args) => (set++, setTimer(...args))
    ask('k', 'a', { ttlMs: 1_000 })
    for (let times = 0; times < 10; times++) store.renew('k', 'a', 2_000)
    expect(set).toBe(1)
    store.renew('k', 'a', 500)
    expect(set).toBe(2)
    expect(time.pendingTimers).toBe(1)
    await time.advance(499)
    store.renew('k', 'a', 2_000)
    await time.advance(1) // looks, and sets the next
    expect(time.pendingTimers).toBe(1)
    store.release('k', 'a')
    expect(time.pendingTimers).toBe(0)
    ask('k', 'a', { ttlMs: 1_000 })
    expect(time.pendingTimers).toBe(1)
    store.close()
    expect(time.pendingTimers).toBe(0)
  })

  test('is watched by a timer for as long as it lasts, which keeps no process alive', async () => {
    const { time, ask, store } = setUp()
    const set: unknown[] = []
    const setTimer = time.setTimer.bind(time)
    time.setTimer = (due, ms, keepAlive) => (set.push([ms, keepAlive]), setTimer(due, ms, keepAlive))
    ask('k', 'a', { ttlMs: 1_000 })
    await time.advance(300)
    store.renew('k', 'a', 400)
    time.stall(500)
    store.renew('other', 'a', 400)
    await time.advance(1_000)
    expect(set).toEqual([
      [1_000, false],
      [400, false],
    ])
  })

  test('is over for each permit by itself', async () => {
    const { time, ask, store, holders } = setUp()
    ask('k', 'a', { limit: 3, ttlMs: 300 })
    ask('k', 'b', { limit: 3, ttlMs: 100 })
    ask('k', 'c', { limit: 3, ttlMs: null })
    expect(store.acquire(request('k', 'd', { limit: 3 }))).toMatchObject({ granted: false, freeInMs: 100 })
    await time.advance(100)
    expect(holders('k')).toEqual(['a', 'c'])
    expect(time.pendingTimers).toBe(1)
    await time.advance(200)
    expect(holders('k')).toEqual(['c'])
    expect(time.pendingTimers).toBe(0)
  })
})

describe('a queue in memory', () => {
  const queueMs = 1_000

  test('is served in order, and each who is granted is told, save who asked', () => {
    const { ask, store, told, waiters } = setUp()
    ask('k', 'a')
    for (const owner of ['b', 'c', 'd']) expect(ask('k', owner, { queueMs })).toBe(false)
    expect(waiters('k')).toEqual(['b', 'c', 'd'])
    expect(store.acquire(request('k', 'c', { queueMs }))).toMatchObject({ position: 1 })
    expect(store.release('k', 'a')).toBe(true)
    const token = store.inspect('k')?.holders[0]?.token
    expect(told).toEqual([{ type: 'granted', key: 'k', owner: 'b', token }])
    expect(store.release('k', 'c')).toBe(true) // leaves
    expect(waiters('k')).toEqual(['d'])
    expect(store.release('k', 'c')).toBe(false)
    const { released, next } = store.release('k', 'b', request('k', 'd', { queueMs }))
    expect(released).toBe(true)
    expect(next).toMatchObject({ granted: true })
    expect(told).toHaveLength(1)
  })

  test('gives a place for as long as it was asked for, and again when it is asked for again', async () => {
    const { time, ask, store, waiters } = setUp()
    ask('k', 'a', { ttlMs: null })
    ask('k', 'b', { queueMs })
    ask('k', 'c', { queueMs: 2 * queueMs })
    await time.advance(900)
    ask('k', 'b', { queueMs })
    await time.advance(999)
    expect(waiters('k')).toEqual(['b', 'c'])
    await time.advance(1)
    expect(waiters('k')).toEqual(['c'])
    await time.advance(100)
    expect(waiters('k')).toEqual([])
    expect(store.release('k', 'a')).toBe(true)
    expect(store.inspect('k')).toBeUndefined()
  })

  test('lets nobody pass who came later, also where there is room', () => {
    const { ask, store, waiters, holders } = setUp()
    ask('k', 'a', { limit: 3, permits: 2 })
    expect(ask('k', 'b', { limit: 3, permits: 2, queueMs })).toBe(false)
    expect(ask('k', 'c', { limit: 3, permits: 1 })).toBe(false)
    expect(ask('k', 'c', { limit: 3, permits: 1, queueMs })).toBe(false)
    expect(store.acquire(request('k', 'b', { limit: 3, permits: 1, queueMs }))).toMatchObject({ granted: true })
    expect(waiters('k')).toEqual(['c'])
    expect(holders('k')).toEqual(['a', 'b'])
    store.release('k', 'b')
    expect(holders('k')).toEqual(['a', 'c'])
  })

  test('is served when a lease ends, though nobody asks', async () => {
    const { time, ask, told } = setUp()
    ask('k', 'a', { ttlMs: 100 })
    ask('k', 'b', { queueMs, ttlMs: 500 })
    await time.advance(100)
    expect(told).toMatchObject([{ type: 'granted', owner: 'b' }])
  })

  test('is served when a lease ends, though nobody waited when another permit was released', async () => {
    const { time, ask, store, told } = setUp()
    ask('k', 'a', { limit: 2, ttlMs: 300 })
    ask('k', 'b', { limit: 2, ttlMs: null })
    store.release('k', 'b')
    ask('k', 'c', { limit: 2, ttlMs: null })
    ask('k', 'd', { limit: 2, ttlMs: null, queueMs: 1_000 })
    await time.advance(300)
    expect(told).toMatchObject([{ type: 'granted', owner: 'd' }])
  })

  test('is served when its head gives up, or has ended', async () => {
    const { time, ask, store, holders } = setUp()
    for (const leave of [() => void store.release('k', 'b'), () => time.stall(600)]) {
      ask('k', 'a', { limit: 2, ttlMs: null })
      ask('k', 'b', { limit: 2, permits: 2, queueMs: 500 })
      ask('k', 'c', { limit: 2, queueMs })
      leave()
      expect(holders('k')).toEqual(['a', 'c'])
      expect(store.forceRelease('k')).toBe(true)
      await time.advance(1)
    }
  })
})

describe('a hold of several permits in memory', () => {
  test('gives some back when it asks again for fewer, to those who wait', () => {
    const { ask, holders, told } = setUp()
    const token = ask('k', 'a', { limit: 4, permits: 3 })
    expect(ask('k', 'b', { limit: 4, permits: 2, queueMs: 1_000 })).toBe(false)
    expect(ask('k', 'a', { limit: 4, permits: 3 })).toBe(token)
    expect(told).toEqual([])
    expect(ask('k', 'a', { limit: 4, permits: 2 })).toBe(token)
    expect(holders('k')).toEqual(['a', 'b'])
    expect(told).toMatchObject([{ type: 'granted', owner: 'b' }])
    expect(ask('k', 'a', { limit: 4, permits: 4 })).toBe(token) // never more
    expect(ask('k', 'c', { limit: 4 })).toBe(false)
    expect(ask('k', 'a', { limit: 4, permits: 1 })).toBe(token)
    expect(ask('k', 'c', { limit: 4 })).toBeGreaterThan(0)
  })
})

describe('another limit in memory', () => {
  test('lets those wait on whom it has room for, and sends away whom it never has', () => {
    const { ask, store, waiters } = setUp()
    ask('k', 'a', { limit: 5, permits: 5 })
    for (const permits of [3, 4, 2]) ask('k', `for ${permits}`, { limit: 5, permits, queueMs: 1_000 })
    store.resize?.('k', 5, 3)
    expect(waiters('k')).toEqual(['for 3', 'for 2'])
  })

  test('may be given to a key that is free, whatever it had, and goes for it alone', () => {
    const { ask, store } = setUp()
    ask('k', 'a', { limit: 2 })
    expect(() => store.resize?.('k', 3, 4)).toThrow('The key has 2 permits at its holders, and 3 in this request')
    store.release('k', 'a')
    store.resize?.('k', 3, 4)
    expect(ask('k', 'b', { limit: 3 })).toBeGreaterThan(0)
    expect(store.inspect('k')?.limit).toBe(4)
    expect(() => ask('k', 'c', { limit: 2 })).toThrow('The key has 4 permits at its holders, and 2 in this request')
    store.resize?.('k', 4, 6) // in use: what it had before goes on
    expect([ask('k', 'c', { limit: 3 }), ask('k', 'd', { limit: 4 })].every(Boolean)).toBe(true)
  })
})

describe('the limits that a key in memory had', () => {
  test('go on to mean the one it has when it is resized in use, and are forgotten when nobody uses it', () => {
    const { ask, store } = setUp()
    store.resize?.('k', 2, 3)
    ask('k', 'a', { limit: 7 })
    store.resize?.('k', 7, 9)
    expect(ask('k', 'b', { limit: 2 })).toBeGreaterThan(0)
    store.release('k', 'a')
    store.release('k', 'b')
    store.resize?.('k', 5, 4)
    ask('k', 'c', { limit: 2 })
    expect(store.inspect('k')?.limit).toBe(2)
  })
})

describe('several keys in memory', () => {
  test('are granted together where each has room, held or not', () => {
    const { ask, store, holders } = setUp()
    ask('a', 'before', { limit: 2 })
    ask('b', 'before', { limit: 2 })
    const wish = { limit: 2 }
    const both = [request('a', 'x', wish), request('b', 'y', wish)]
    expect(store.acquireAll?.(both)).toMatchObject({ granted: true })
    expect([holders('a'), holders('b')]).toEqual([
      ['before', 'x'],
      ['before', 'y'],
    ])
    const more = [request('c', 'z', wish), request('a', 'z', wish)]
    expect(store.acquireAll?.(more)).toMatchObject({ granted: false, holder: { host: 'here' } })
    expect(holders('c')).toEqual([])
  })
})

describe('a hold in memory that changes hands', () => {
  test('is given to who asks for the same limit, and to nobody else', () => {
    const { ask, store, holders } = setUp()
    const adopt = (key: string, adopts: string, limit: number) =>
      store.acquire(request(key, 'taker', { limit, adopts, ttlMs: 500 }))
    ask('k', 'giver', { limit: 2, ttlMs: 300 })
    expect(adopt('k', 'giver', 3)).toMatchObject({ granted: false, freeInMs: 300, holder: { host: 'here' } })
    expect(adopt('k', 'nobody', 2)).toMatchObject({ granted: false })
    expect(holders('k')).toEqual(['giver'])
    expect(adopt('k', 'giver', 2)).toMatchObject({ granted: true })
    expect(holders('k')).toEqual(['taker'])
    expect(adopt('free', 'giver', 2)).toEqual({ granted: false })
  })
})

describe('a hand-over in memory', () => {
  test('answers for the release and for the request, whatever became of either', () => {
    const { ask, store } = setUp()
    ask('k', 'a')
    expect(store.release('k', 'x', request('k', 'b'))).toMatchObject({ released: false, next: { granted: false } })
    expect(store.release('k', 'a', request('k', 'b'))).toMatchObject({ released: true, next: { granted: true } })
    expect(store.release('none', 'a', request('none', 'b'))).toMatchObject({ released: false, next: { granted: true } })
  })
})

describe('a forced release in memory', () => {
  test('ends all holds, tells of each, and serves the queue after that', () => {
    const { ask, store, told, holders } = setUp()
    ask('k', 'a', { limit: 2 })
    ask('k', 'b', { limit: 2 })
    ask('k', 'c', { limit: 2, queueMs: 1_000 })
    expect(store.forceRelease('k')).toBe(true)
    expect(told.map((notice) => [notice.type, 'owner' in notice && notice.owner])).toEqual([
      ['revoked', 'a'],
      ['revoked', 'b'],
      ['granted', 'c'],
    ])
    expect(holders('k')).toEqual(['c'])
    expect(store.forceRelease('other')).toBe(false)
  })
})

describe('the permits of a key in memory', () => {
  test('have to be asked for alike while somebody holds or waits, and may differ after that', () => {
    const { ask, store } = setUp()
    expect(() => ask('k', 'a', { limit: 2, permits: 3 })).toThrow('3 permits can never be met: the limit is 2')
    expect(store.inspect('k')).toBeUndefined()
    ask('k', 'a', { limit: 2 })
    expect(() => ask('k', 'b', { limit: 3 })).toThrow('2 permits at its holders, and 3 in this request')
    store.release('k', 'a')
    expect(ask('k', 'b', { limit: 1 })).toBeGreaterThan(0)
    expect(store.inspect('k')?.limit).toBe(1)
    store.release('k', 'b')
    ask('k', 'c', { limit: 2, ttlMs: 100 })
    expect(store.inspect('k')).toMatchObject({ limit: 2, holders: [{ permits: 1 }] })
    expect(ask('k', 'd', { limit: 2 })).toBeGreaterThan(0)
    expect(ask('k', 'e', { limit: 2 })).toBe(false)
  })

  test('may differ once the lease of those before has ended, though nobody has looked', () => {
    const { ask, time, store } = setUp()
    ask('k', 'a', { limit: 2, ttlMs: 100 })
    time.stall(100)
    expect(ask('k', 'b', { limit: 5, permits: 4 })).toBeGreaterThan(0)
    expect(store.inspect('k')?.limit).toBe(5)
  })
})

describe('the tokens of memory', () => {
  test('begin with the wall clock, and leave room for hand-overs within a process', () => {
    const { time, ask, store } = setUp()
    const first = Math.floor(time.wallMs() * 1_000) + 1
    expect(ask('k', 'a', { turns: 16 })).toBe(first)
    store.release('k', 'a')
    expect(ask('other', 'a')).toBe(first + 17)
    expect(ask('third', 'a', { turns: 0 })).toBe(first + 18)
  })
})

describe('the list of keys in memory', () => {
  test('is sorted, in pages, of what is held or waited for', async () => {
    const { time, ask, store } = setUp()
    for (const key of ['p:c', 'p:a', 'q:x', 'p:b', 'p:gone', 'p:over']) ask(key, 'a', { ttlMs: null })
    store.release('p:gone', 'a')
    ask('p:over', 'a', { ttlMs: 50 })
    await time.advance(50)
    expect(store.list('p:', 2)).toEqual({ keys: ['p:a', 'p:b'], cursor: 'p:b' })
    expect(store.list('p:', 2, 'p:b')).toEqual({ keys: ['p:c'], cursor: undefined })
    expect(store.list('p:', 3)).toEqual({ keys: ['p:a', 'p:b', 'p:c'], cursor: undefined })
    expect(store.list('p:', 0)).toEqual({ keys: ['p:a'], cursor: 'p:a' })
    expect(store.list('', 10).keys).toEqual(['p:a', 'p:b', 'p:c', 'q:x'])
  })
})

test('a listener that ended is told no more', () => {
  const { store, ask } = setUp()
  const told: Notice[] = []
  const end = store.onNotice?.((notice) => told.push(notice))
  ask('k', 'a')
  store.forceRelease('k')
  end?.()
  ask('k', 'a')
  store.forceRelease('k')
  expect(told).toHaveLength(1)
})
