import { setMaxListeners } from 'node:events'
import { createHoldfast, InvalidOptionError, memory, StoreError } from 'holdfast'
import { virtualEnv } from 'holdfast/testing'
import { describe, expect, test } from 'vitest'
import type { NoticeListener } from '../../src/core/store.js'
import { rejection, world } from '../support/world.js'

type World = ReturnType<typeof world>
const key = 'holdfast:p'
const polled = () => world({ storeTimeout: 1_000 }, { fair: false, wake: 'poll' })
const calls = ({ store }: World, name: string): number =>
  store.calls.filter(({ operation }) => operation === name).length
const standing = ({ records }: World): number => records.inspect(key)?.waiters.length ?? 0

/** All permits of `max` are with another process. */
async function fill({ other }: World, max: number) {
  const theirs = other().pool('p', { max, ttl: '1m' })
  return await Promise.all(Array.from({ length: max }, () => theirs.acquire()))
}

describe('those of one process who wait for a pool', () => {
  test('stand at the store as many as could be granted at once, and no more than 64', async () => {
    const all = world()
    const { holdfast, time } = all
    for (const [max, lanes] of [
      [3, 3],
      [100, 64],
    ] as const) {
      const held = await fill(all, max)
      const abort = new AbortController()
      setMaxListeners(0, abort.signal)
      const before = calls(all, 'acquire')
      const waiting = holdfast.pool('p', { max, wait: true, signal: abort.signal })
      const waits = Array.from({ length: 110 }, () => rejection(waiting.acquire()))
      await time.advance(10)
      expect(calls(all, 'acquire') - before).toBe(lanes)
      expect(standing(all)).toBe(lanes)
      expect((await holdfast.pool('p', { max }).inspect())?.waiters).toHaveLength(110)
      abort.abort()
      await Promise.all(waits)
      await time.advance(1)
      expect(standing(all)).toBe(0)
      for (const lease of held) await lease.release()
    }
  })

  test('stand there for what they ask: a large request keeps those behind it from standing there', async () => {
    const all = world()
    const { holdfast, time } = all
    const held = await fill(all, 4)
    const order: string[] = []
    const take = (name: string, permits: number) =>
      holdfast.pool('p', { max: 4, permits, wait: true }).run(async () => {
        order.push(name)
        await holdfast.pool('other', { max: 4 }).run(() => undefined)
      })
    const waits = [take('three', 3), take('one', 1), take('two', 2), take('last', 1)]
    await time.advance(10)
    expect(standing(all)).toBe(2)
    for (const lease of held) await lease.release()
    await time.advance(2_000)
    await Promise.all(waits)
    expect(order).toEqual(['three', 'one', 'two', 'last'])
    expect(standing(all)).toBe(0)
  })

  test('are granted by notices, in order, and leave nothing', async () => {
    const all = world()
    const { holdfast, time } = all
    const held = await fill(all, 2)
    const order: number[] = []
    const pool = holdfast.pool('p', { max: 2, wait: true })
    const waits = [0, 1, 2, 3].map(async (index) => {
      const lease = await pool.acquire()
      order.push(index)
      return lease
    })
    await time.advance(10)
    const asked = calls(all, 'acquire')
    await held[0]?.release()
    await time.advance(1)
    expect(order).toEqual([0])
    expect(calls(all, 'acquire')).toBe(asked + 1) // of the one who moved up
    await held[1]?.release()
    await time.advance(1)
    expect(order).toEqual([0, 1])
    const leases = await Promise.all(waits.slice(0, 2))
    const tokens = leases.map(({ token }) => token)
    for (const lease of leases) await lease.release()
    const rest = await Promise.all(waits.slice(2))
    expect(order).toEqual([0, 1, 2, 3])
    expect(Math.min(...rest.map(({ token }) => token))).toBeGreaterThan(Math.min(...tokens))
    for (const lease of rest) await lease.release()
    await time.advance(1)
    expect(all.records.inspect(key)).toBeUndefined()
    expect(time.pendingTimers).toBe(0)
  })

  test('give up in time, keep the place of those before them, and pass theirs on', async () => {
    const all = world()
    const { holdfast, time } = all
    const held = await fill(all, 2)
    const pool = (wait: number | true) => holdfast.pool('p', { max: 2, wait }).acquire()
    const hasty = rejection(pool(500))
    const patient = pool(true)
    await time.advance(501)
    expect(await hasty).toMatchObject({ code: 'POOL_FULL', waitedMs: 500 })
    expect(standing(all)).toBe(1)
    await held[1]?.release()
    await time.advance(1)
    expect((await patient).active).toBe(true)
  })

  test('are told at once when all permits came free by force', async () => {
    const all = world()
    const { holdfast, time } = all
    await fill(all, 2)
    const waits = [1, 2].map(() => holdfast.pool('p', { max: 2, wait: true }).acquire())
    await time.advance(10)
    await holdfast.pool('p', { max: 2 }).forceRelease()
    await time.advance(1)
    for (const wait of waits) expect((await wait).active).toBe(true)
  })

  test('ask again when notices may have been missed, each of them', async () => {
    const all = world()
    const { store, time, records } = all
    const listeners: NoticeListener[] = []
    const onNotice = (listener: NoticeListener): (() => void) => {
      listeners.push(listener)
      return () => undefined
    }
    const { pool } = createHoldfast({ store: { ...store, onNotice }, env: time })
    await fill(all, 2)
    const waits = [1, 2, 3].map(() => pool('p', { max: 2, wait: true }).acquire())
    await time.advance(10)
    records.forceRelease(key)
    const before = calls(all, 'acquire')
    listeners[0]?.({ type: 'resync' })
    await time.advance(1)
    expect(calls(all, 'acquire') - before).toBe(3) // the two, and the third for its own place
    expect((await waits[0])?.active && (await waits[1])?.active).toBe(true)
    waits[2]?.catch(() => undefined)
  })
})

describe('a release in a pool, where somebody of the process waits', () => {
  test('hands the permit over without a call of the store, where there is one for that', async () => {
    const all = world()
    const { holdfast, time } = all
    const pool = holdfast.pool('p', { max: 1_000, permits: 1_000, wait: true })
    const first = await pool.acquire()
    const waits = [1, 2].map(() => pool.acquire())
    await time.advance(10)
    const before = calls(all, 'release')
    await first.release()
    const second = await waits[0]
    expect(calls(all, 'release') - before).toBeLessThanOrEqual(1)
    expect(second?.token).toBe(first.token + 1)
    await second?.release()
    expect((await waits[1])?.active).toBe(true)
    await (await waits[1])?.release()
    await time.advance(1)
    expect(standing(all)).toBe(0)
  })

  test('brings one along on a store without a queue', async () => {
    const all = polled()
    const { holdfast, time } = all
    const first = await holdfast.pool('p', { max: 2, permits: 2 }).acquire()
    const waiting = holdfast.pool('p', { max: 2, wait: true }).acquire()
    await time.advance(3_000) // asks every 125 to 250 ms by now
    const before = calls(all, 'acquire')
    await first.release()
    await time.advance(1)
    expect((await waiting).active).toBe(true)
    expect(calls(all, 'acquire')).toBe(before)
  })

  test('makes one ask at once on a store without a queue, when it cannot be brought along', async () => {
    const all = polled()
    const { holdfast, store, time } = all
    const first = await holdfast.pool('p', { max: 2, permits: 2 }).acquire()
    const waiting = holdfast.pool('p', { max: 2, wait: true }).acquire()
    await time.advance(3_000)
    store.next('acquire', { replyDelayMs: 40 })
    const before = calls(all, 'acquire')
    await time.advanceUntil(() => calls(all, 'acquire') > before, 1_000)
    await first.release() // its question is under way, and was refused
    await time.advance(41)
    expect((await waiting).active).toBe(true)
  })
})

describe('those who wait for a pool whose store is slow or fails', () => {
  test('wait for the first answer, though their time is over', async () => {
    const { holdfast, store, time } = world({ storeTimeout: 500 })
    const pool = holdfast.pool('p', { max: 2, wait: 20 })
    store.next('acquire', { replyDelayMs: 50 })
    const granted = pool.acquire()
    await time.advance(50)
    expect((await granted).active).toBe(true)
    store.next('acquire', { request: 'lost', rejectAfterMs: 50 })
    const failed = rejection(pool.acquire())
    await time.advance(50)
    expect(await failed).toBeInstanceOf(StoreError)
  })

  test('are refused by the first answer, when their time is over', async () => {
    const all = world()
    const { holdfast, store, time } = all
    await fill(all, 2)
    store.next('acquire', { replyDelayMs: 50 })
    const waiting = rejection(holdfast.pool('p', { max: 2, wait: 20 }).acquire())
    let told = false
    void waiting.then(() => (told = true))
    await time.advance(49)
    expect(told).toBe(false)
    await time.advance(1)
    expect(await waiting).toMatchObject({ code: 'POOL_FULL', waitedMs: 50 })
  })

  test('fail together when it stays down, and each alone for what it asked', async () => {
    const { holdfast, store, time } = world({ storeTimeout: 500 })
    store.always('acquire', { fail: 'unknown' })
    const pool = holdfast.pool('p', { max: 2, wait: '1m' })
    const waits = [1, 2, 3].map(() => rejection(pool.acquire()))
    await time.advance(450)
    expect(time.keepAliveTimers).toBe(1)
    await time.advance(600)
    for (const wait of waits) expect(await wait).toMatchObject({ code: 'STORE_FAILED', operation: 'acquire', key: 'p' })
    expect(time.keepAliveTimers).toBe(0)
    const acquire = (): Promise<never> => Promise.reject(new InvalidOptionError('2 permits at its holders'))
    const { pool: strange } = createHoldfast({ store: { ...store, acquire }, env: time })
    const failed = rejection(strange('p', { max: 3, wait: true }).acquire())
    await time.advance(1)
    expect(await failed).toMatchObject({ code: 'INVALID_OPTION' })
  })

  test('tell what failed, when their time is over', async () => {
    const all = world({ storeTimeout: 2_000 })
    const { holdfast, store, time, warnings } = all
    await fill(all, 2)
    const waiting = rejection(holdfast.pool('p', { max: 2, wait: 1_500 }).acquire())
    await time.advance(10)
    store.always('acquire', { fail: 'unknown' })
    await time.advance(1_490)
    expect(await waiting).toBeInstanceOf(StoreError)
    expect(warnings).toEqual([])
  })

  test('ask again for a grant that was too long under way', async () => {
    const { holdfast, store, time } = world({ storeTimeout: 5_000 })
    store.next('acquire', { replyDelayMs: 800 })
    const waiting = holdfast.pool('p', { max: 2, ttl: 1_000, wait: true }).acquire()
    await time.advance(800)
    expect((await waiting).remainingMs).toBe(988)
  })
})

describe('a lock that goes from writing to reading', () => {
  test('is renewed for the whole lease, and lets others read', async () => {
    const { holdfast, other, time, records } = world()
    const { write } = holdfast.rwLock('p', { ttl: '3s' })
    const writer = await write.acquire()
    await time.advance(900)
    const reader = await writer.downgrade()
    expect(reader.remainingMs).toBeGreaterThan(2_960)
    expect(records.inspect(key)?.holders).toMatchObject([{ permits: 1, remainingMs: 3_000, token: writer.token }])
    expect(await other().rwLock('p').read.tryAcquire()).toBeDefined()
    await time.advance(10_000)
    expect(reader.active).toBe(true)
    expect(await reader.release()).toBe(true)
  })

  test('ends when the store fails to do so, and is released', async () => {
    const { holdfast, store, time, records } = world({ storeTimeout: 200 })
    const writer = await holdfast.rwLock('p').write.acquire()
    store.next('acquire', { request: 'lost' })
    const failed = rejection(writer.downgrade())
    expect(time.keepAliveTimers).toBe(1)
    await time.advance(200)
    expect(await failed).toMatchObject({ code: 'STORE_FAILED', operation: 'acquire', key: 'p' })
    expect(writer.active).toBe(false)
    expect(records.inspect(key)).toBeUndefined()
    expect(time.pendingTimers).toBe(0)
  })

  test('says that the hold was gone, when the store grants a new one', async () => {
    const { holdfast, records } = world()
    const writer = await holdfast.rwLock('p', { ttl: '10s' }).write.acquire()
    records.release(key, records.inspect(key)?.holders[0]?.owner ?? '')
    const error = await rejection(writer.downgrade())
    expect(error).toMatchObject({ code: 'LOCK_LOST' })
    expect(error.message).toContain('(the store did not know it any more when it was downgraded)')
    expect(records.inspect(key)).toBeUndefined()
  })

  test('in sync code tells the same', () => {
    const env = virtualEnv()
    const store = memory({ env })
    const { rwLock } = createHoldfast({ store, env })
    const writer = rwLock('p').write.acquireSync()
    store.release(key, store.inspect(key)?.holders[0]?.owner ?? '')
    expect(() => writer.downgrade()).toThrow('the store did not know it any more when it was downgraded')
    expect(store.inspect(key)).toBeUndefined()
    const other = rwLock('p', { ttl: 900 }).write.acquireSync()
    const acquire = store.acquire.bind(store)
    store.acquire = () => {
      throw new Error('no')
    }
    expect(() => other.downgrade()).toThrow('The store failed to acquire: no')
    expect(other.active).toBe(false)
    expect(store.inspect(key)).toBeUndefined()
    store.acquire = acquire
    const third = rwLock('p', { ttl: 900 }).write.acquireSync()
    env.stall(200)
    expect(third.downgrade().remainingMs).toBe(900)
  })
})
