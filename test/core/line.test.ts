import { getEventListeners } from 'node:events'
import { createHoldfast, InvalidOptionError, LockTimeoutError, memory, StoreError } from 'holdfast'
import { virtualEnv } from 'holdfast/testing'
import { describe, expect, test } from 'vitest'
import { rejection, world } from '../support/world.js'

type World = ReturnType<typeof world>
const acquires = ({ store }: World): number => store.calls.filter(({ operation }) => operation === 'acquire').length
const waitersOf = ({ records }: World): number => records.inspect('holdfast:k')?.waiters.length ?? 0

describe('the line of one process', () => {
  test('gives up its place at the store when the last of it was handed the hold', async () => {
    const all = world()
    const { holdfast, time } = all
    const first = await holdfast.lock('k').acquire()
    const waits = [1, 2, 3].map(() => holdfast.lock('k', { wait: true }).acquire())
    await first.release()
    const second = await waits[0]
    await time.advance(1_100) // a beat: it has asked, and stands in the queue
    expect(waitersOf(all)).toBe(1)
    await second?.release()
    await time.advance(1)
    expect(waitersOf(all)).toBe(1) // of the last
    await (await waits[1])?.release()
    await time.advance(1)
    expect((await waits[2])?.active).toBe(true)
    expect(waitersOf(all)).toBe(0)
  })

  test('keeps its place when the first gives up, if the next asks for the same', async () => {
    const { holdfast, other, time } = world()
    const theirs = await other().lock('k').acquire()
    const hasty = rejection(holdfast.lock('k', { wait: 500 }).acquire())
    const ours = holdfast.lock('k', { wait: true }).acquire()
    await time.advance(100)
    let granted = false
    const behind = other().lock('k', { wait: true }).acquire()
    void behind.then(() => (granted = true))
    await time.advance(500)
    expect(await hasty).toBeInstanceOf(LockTimeoutError)
    await theirs.release()
    await time.advance(1)
    expect((await ours).active).toBe(true)
    expect(granted).toBe(false)
    await (await ours).release()
    await time.advance(1_000)
    expect((await behind).active).toBe(true)
  })

  test('asks nothing when one of those behind gives up', async () => {
    const all = world()
    const { holdfast, other, time } = all
    await other().lock('k').acquire()
    const abort = new AbortController()
    const first = rejection(holdfast.lock('k', { wait: 700 }).acquire())
    const second = rejection(holdfast.lock('k', { wait: true, signal: abort.signal }).acquire())
    await time.advance(100)
    const before = acquires(all)
    abort.abort()
    await second
    await time.advance(100)
    expect(acquires(all)).toBe(before)
    await time.advance(500)
    expect(await first).toBeInstanceOf(LockTimeoutError)
  })

  test('lets those behind give up in time while the first question is under way', async () => {
    const { holdfast, store, time } = world()
    store.next('acquire', { replyDelayMs: 50 })
    const first = holdfast.lock('k', { wait: true }).acquire()
    const second = rejection(holdfast.lock('k', { wait: 20 }).acquire())
    await time.advance(20)
    expect(await second).toMatchObject({ code: 'LOCK_TIMEOUT', waitedMs: 20, holder: undefined })
    await time.advance(30)
    expect((await first).active).toBe(true)
  })

  test('asks again within a second when the hold of its process ended and nobody told', async () => {
    const all = world({ storeTimeout: 100 })
    const { holdfast, other, records, store, time } = all
    const theirs = await other().lock('k').acquire()
    const waits = [1, 2].map(() => holdfast.lock('k', { wait: true }).acquire())
    await time.advance(10)
    await theirs.release()
    const first = await waits[0]
    store.loseNotices()
    await time.advance(2)
    records.forceRelease('holdfast:k')
    await time.advance(1_000)
    const second = await waits[1]
    expect(second?.active).toBe(true)
    expect(second?.token).toBeGreaterThan(first?.token ?? 0)
  })

  test('has one timer for the wait and one for the next question, where the wait has no end', async () => {
    const { holdfast, other, time } = world()
    await other().lock('k').acquire()
    const before = time.pendingTimers
    const abort = new AbortController()
    const waiting = rejection(holdfast.lock('k', { wait: true, signal: abort.signal }).acquire())
    await time.advance(10)
    expect(time.pendingTimers).toBe(before + 2)
    expect(getEventListeners(abort.signal, 'abort')).toHaveLength(1)
    abort.abort()
    await waiting
    await time.advance(0) // it leaves the queue of the store
    expect(time.pendingTimers).toBe(before)
    expect(getEventListeners(abort.signal, 'abort')).toEqual([])
  })

  test('forgets the signal of who was granted or gave up', async () => {
    const { holdfast, other, time } = world()
    const theirs = await other().lock('k').acquire()
    const { signal } = new AbortController()
    const hasty = rejection(holdfast.lock('k', { wait: 50, signal }).acquire())
    const patient = holdfast.lock('k', { wait: true, signal }).acquire()
    await time.advance(51)
    await hasty
    expect(getEventListeners(signal, 'abort')).toHaveLength(1)
    await theirs.release()
    await time.advance(100)
    await patient
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  test('leaves no timer behind for who was granted at once', async () => {
    const { holdfast, time } = world()
    const lease = await holdfast.lock('k', { wait: true }).acquire()
    await lease.release()
    expect(time.pendingTimers).toBe(0)
  })

  test('gives up its place at the store when its instance is closed', async () => {
    const all = world()
    const { holdfast, other, time } = all
    const theirs = await other().lock('k').acquire()
    const waits = [1, 2].map(() => rejection(holdfast.lock('k', { wait: true }).acquire()))
    await time.advance(10)
    expect(waitersOf(all)).toBe(1)
    await holdfast.close()
    for (const wait of waits) expect((await wait).message).toContain('closed')
    expect(waitersOf(all)).toBe(0)
    expect(theirs.active).toBe(true)
  })

  test('of a lock goes on when a permit of a pool on the same key, held by its process, is released', async () => {
    const { holdfast, time } = world()
    const permit = await holdfast.pool('k', { max: 3 }).acquire()
    const waiting = holdfast.lock('k', { wait: true }).acquire()
    await time.advance(10)
    expect(await permit.release()).toBe(true)
    await time.advance(10)
    expect((await waiting).active).toBe(true)
  })

  test('of a lock does not fail the release of a permit that leaves others of its pool held', async () => {
    const { holdfast, time } = world()
    const pool = holdfast.pool('k', { max: 3 })
    const [one, two] = [await pool.acquire(), await pool.acquire()]
    const waiting = rejection(holdfast.lock('k', { wait: true }).acquire())
    await time.advance(10)
    expect(await two.release()).toBe(true)
    expect(await waiting).toMatchObject({ code: 'INVALID_OPTION', key: 'k' })
    expect(one.active).toBe(true)
  })
})

describe('a grant to a line', () => {
  test('by an answer is for the whole lease, and is taken as it is while half of it is left', async () => {
    const all = world({ storeTimeout: 5_000 })
    const { holdfast, store, time } = all
    expect((await holdfast.lock('k', { wait: true }).acquire()).remainingMs).toBeGreaterThan(29_000)
    store.next('acquire', { replyDelayMs: 488 })
    const acquired = holdfast.lock('other', { ttl: 1000, wait: true }).acquire()
    await time.advance(488)
    expect((await acquired).remainingMs).toBe(500)
    expect(acquires(all)).toBe(2)
    store.next('acquire', { replyDelayMs: 489 })
    const renewed = holdfast.lock('third', { ttl: 1000, wait: true }).acquire()
    await time.advance(489)
    expect((await renewed).remainingMs).toBe(988)
    expect(acquires(all)).toBe(4)
  })

  test('counts its limit from the question that is answered, or from the notice', async () => {
    const { holdfast, other, store, time } = world()
    const options = { wait: true, expire: '5s' } as const
    store.next('acquire', { replyDelayMs: 500 })
    const answered = holdfast.lock('k', options).acquire()
    await time.advance(500)
    const lease = await answered
    await time.advance(4_400)
    expect(lease.active).toBe(true)
    await time.advance(100)
    expect(lease.active).toBe(false)
    const theirs = await other().lock('k').acquire()
    const noticed = holdfast.lock('k', options).acquire()
    await time.advance(800) // its question is as old
    await theirs.release()
    await time.advance(1)
    await time.advance(4_900)
    expect((await noticed).active).toBe(true)
    await time.advance(100)
    expect((await noticed).signal.reason).toMatchObject({ code: 'LOCK_EXPIRED' })
  })

  test('by a notice in memory has no lease where none was asked for', async () => {
    const env = virtualEnv()
    const store = memory({ env })
    const [one, two] = [createHoldfast({ store, env }), createHoldfast({ store, env })]
    const first = await one.lock('k').acquire()
    const acquired = two.lock('k', { wait: true, minHold: 50 }).acquire()
    await env.advance(10)
    await first.release()
    const lease = await acquired
    await env.advance(10_000)
    expect(lease.active).toBe(true)
    expect(lease.remainingMs).toBe(Number.POSITIVE_INFINITY)
  })

  test('lets others have their turn after 32 in a row', async () => {
    const { lock } = createHoldfast()
    const first = await lock('k').acquire()
    let served = 0
    const waits = Array.from({ length: 100 }, () => lock('k', { wait: true }).run(() => (served += 1)))
    await first.release()
    const turns: number[] = []
    while (served < 100) {
      await new Promise((resolve) => setImmediate(resolve))
      turns.push(served)
    }
    await Promise.all(waits)
    expect(turns[0]).toBe(31)
    expect(turns.length).toBeGreaterThanOrEqual(4)
  })
})

describe('a line on a store that fails', () => {
  test('ends at once for who asked for what can never be', async () => {
    const { store, time } = world()
    const acquire = (): Promise<never> => Promise.reject(new InvalidOptionError('2 permits at its holders'))
    const { lock } = createHoldfast({ store: { ...store, acquire }, env: time })
    const failed = rejection(lock('k', { wait: true }).acquire())
    await time.advance(0)
    expect(await failed).toMatchObject({ code: 'INVALID_OPTION', key: 'k' })
    expect(time.pendingTimers).toBe(0)
  })

  test('ends with the first question for whose time is over by then', async () => {
    const { holdfast, store, time } = world({ storeTimeout: 500 })
    const abort = new AbortController()
    store.next('acquire', { request: 'lost', rejectAfterMs: 50 })
    const cancelled = rejection(holdfast.lock('k', { wait: true, signal: abort.signal }).acquire())
    const second = rejection(holdfast.lock('k', { wait: 20 }).acquire())
    await time.advance(10)
    abort.abort()
    await cancelled
    await time.advance(40)
    expect(await second).toBeInstanceOf(StoreError)
  })
})

test('too many waiters are told whether or not the store has said who holds, and tries are not logged', async () => {
  const { store, time } = world()
  const warnings: string[] = []
  const logger = { warn: (message: string) => void warnings.push(message) }
  const { lock } = createHoldfast({ store, env: time, maxWaiters: 1, logger })
  const first = await lock('k').acquire()
  const waiting = lock('k', { wait: true }).acquire()
  expect(await lock('k', { wait: true }).tryAcquire()).toBeUndefined()
  expect(warnings).toEqual([])
  const error = await rejection(lock('k', { wait: true }).acquire())
  expect(error).toMatchObject({ code: 'TOO_MANY_WAITERS', holder: undefined })
  expect(warnings).toEqual([error.message])
  await first.release()
  expect((await waiting).active).toBe(true)
})
