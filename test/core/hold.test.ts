import { createHoldfast, memory } from 'holdfast'
import { virtualEnv } from 'holdfast/testing'
import { describe, expect, test } from 'vitest'
import type { NoticeListener, SelfRenewal, Store } from '../../src/core/store.js'
import { rejection, world } from '../support/world.js'

type World = ReturnType<typeof world>
const called = ({ store }: World, name: string): number =>
  store.calls.filter(({ operation }) => operation === name).length

describe('a hold that ends', () => {
  test('is told once, with the reason', async () => {
    const { holdfast, time, warnings, store } = world()
    await holdfast.lock('expired', { ttl: '1m', expire: '1s' }).acquire()
    await holdfast.lock('lost', { ttl: '3s' }).acquire()
    store.always('renew', { request: 'lost' })
    await time.advance(3_000)
    expect(warnings).toEqual([
      'expired reached its expire limit while held. Another may hold it now: stop, or raise { expire }.',
      expect.stringContaining('lost was lost while held (its lease could not be renewed in time).'),
    ])
  })

  test('is released in the background when it was lost, and only then', async () => {
    const all = world()
    const { holdfast, other, time, store } = all
    await holdfast.lock('expired', { expire: '1s' }).acquire()
    await holdfast.lock('revoked').acquire()
    await time.advance(1_000)
    await other().lock('revoked').forceRelease()
    await time.advance(10)
    expect(called(all, 'release')).toBe(0)
    await holdfast.lock('lost', { ttl: '3s' }).acquire()
    store.always('renew', { request: 'lost' })
    await time.advance(3_000)
    expect(called(all, 'release')).toBe(1)
  })

  test('by force is told once, though the notice comes twice', async () => {
    const { store, time, records } = world()
    const listeners: NoticeListener[] = []
    const onNotice = (listener: NoticeListener): (() => void) => {
      listeners.push(listener)
      return () => undefined
    }
    const warnings: string[] = []
    const logger = { warn: (message: string) => void warnings.push(message) }
    const { lock, close } = createHoldfast({ store: { ...store, onNotice }, env: time, logger })
    const lease = await lock('k').acquire()
    await lock('kept').acquire()
    const owner = records.inspect('holdfast:k')?.holders[0]?.owner ?? ''
    for (let times = 0; times < 2; times++) listeners[0]?.({ type: 'revoked', key: 'holdfast:k', owner })
    expect(lease.active).toBe(false)
    expect(warnings).toHaveLength(1)
    await close() // releases what is left
    expect(records.inspect('holdfast:kept')).toBeUndefined()
  })

  test('by force, found by its release, says so', async () => {
    const { store, time, records } = world()
    const wasRevoked = (): Promise<boolean> => Promise.resolve(true)
    const warnings: string[] = []
    const logger = { warn: (message: string) => void warnings.push(message) }
    const { lock } = createHoldfast({ store: { ...store, wasRevoked }, env: time, logger })
    store.loseNotices()
    expect(await lock('k').run(() => (records.forceRelease('holdfast:k'), 42))).toBe(42)
    expect(warnings).toEqual(['k was released by force while held. Another may hold it now: stop.'])
  })

  test('by its release aborts no signal', async () => {
    const { holdfast } = world()
    const lease = await holdfast.lock('k').acquire()
    const { signal } = lease
    await lease.release()
    expect(signal.aborted).toBe(false)
    expect(lease.signal.aborted).toBe(false)
    expect(() => lease.assertActive()).toThrow('k was already released. Acquire it again before going on.')
  })

  test('by its export says so, and that by its release does not', async () => {
    const { holdfast } = world()
    const [exported, released] = [await holdfast.lock('a').acquire(), await holdfast.lock('b').acquire()]
    await exported.export()
    await released.release()
    const given = 'a was already released (it was exported: whoever adopts it holds now).'
    expect(() => exported.assertActive()).toThrow(given)
    expect(() => released.assertActive()).toThrow('b was already released. Acquire')
  })

  test('has no time left, however much it had', async () => {
    const { lock } = createHoldfast({ env: virtualEnv() })
    for (const options of [{}, { ttl: '1m' }, { minHold: '1ms' }] as const) {
      const lease = await lock('k', options).acquire()
      expect(lease.remainingMs).toBeGreaterThanOrEqual(60_000)
      await lease.release()
      expect(lease.remainingMs).toBe(0)
      await lock('k').forceRelease()
    }
  })

  test('does not hide the one that came after it', async () => {
    const all = world()
    const { holdfast, time, store, records } = all
    store.loseNotices()
    const first = await holdfast.lock('k', { ttl: '3s' }).acquire()
    records.forceRelease('holdfast:k')
    await holdfast.lock('k').acquire()
    await time.advance(1_001)
    expect(first.active).toBe(false) // its renewal was refused
    const before = called(all, 'acquire')
    const waiting = rejection(holdfast.lock('k', { wait: 500 }).acquire())
    await time.advance(10)
    expect(called(all, 'acquire')).toBe(before) // one of ours holds: its release will bring the waiter along
    await time.advance(500)
    await waiting
  })
})

describe('a hold that is renewed', () => {
  test('does not take the late answer of an earlier renewal for news', async () => {
    const all = world({ storeTimeout: 200 })
    const { holdfast, time, store } = all
    const lease = await holdfast.lock('k', { ttl: '3s' }).acquire()
    store.next('renew', { replyDelayMs: 900 })
    await time.advance(1_600) // late at 1,200, and renewed at some 1,400
    expect(called(all, 'renew')).toBe(2)
    const { remainingMs } = lease
    expect(remainingMs).toBeGreaterThan(2_600)
    await time.advance(310) // the first is answered
    expect(lease.remainingMs).toBe(remainingMs - 310)
    await time.advance(300)
    expect(called(all, 'renew')).toBe(2)
  })

  test('by the store itself stays, but not beyond its limit', async () => {
    const { store, time } = world()
    let renewing = true
    const stopped: string[] = []
    const selfRenewal: SelfRenewal = {
      renewedAtMs: () => (renewing ? time.nowMs() : undefined),
      stop: (key) => void stopped.push(key),
    }
    const renew: Store['renew'] = () => new Promise(() => undefined)
    const { lock } = createHoldfast({ store: { ...store, renew, selfRenewal }, env: time, storeTimeout: 500 })
    const lease = await lock('k', { ttl: '3s' }).acquire()
    const limited = await lock('limited', { ttl: '3s', expire: '4s' }).acquire()
    await time.advance(3_900)
    expect(lease.active && limited.active).toBe(true)
    expect(stopped).toEqual([])
    const { signal } = limited
    await time.advance(100)
    expect(signal.reason).toMatchObject({ code: 'LOCK_EXPIRED' })
    expect(stopped).toEqual(['holdfast:limited'])
    expect(lease.active).toBe(true)
    renewing = false
    await time.advance(3_000)
    expect(lease.signal.reason).toMatchObject({ code: 'LOCK_LOST' })
  })
})

describe('a hold that is handed over within its process', () => {
  test('is not, when less than half of its lease is left', async () => {
    const { holdfast, time, store } = world()
    const lock = holdfast.lock('k', { wait: true })
    const first = await lock.acquire()
    const second = lock.acquire()
    store.always('renew', { fail: 'unknown' })
    await time.advance(16_000)
    await first.release()
    await time.advance(1)
    expect((await second).remainingMs).toBeGreaterThan(29_000)
    store.heal()
    await time.advance(60_000)
    expect((await second).active).toBe(true)
  })

  test('in memory costs no call of the store', async () => {
    const store = memory()
    let released = 0
    const release = store.release.bind(store) as (...args: unknown[]) => boolean
    store.release = ((...args: unknown[]) => (released++, release(...args))) as typeof store.release
    const [one, two] = [createHoldfast({ store }), createHoldfast({ store })]
    const first = await one.lock('k').acquire()
    const waits = Array.from({ length: 5 }, () => two.lock('k', { wait: true }).acquire())
    await first.release()
    for (const wait of waits) await (await wait).release()
    expect(released).toBe(2) // the first and the last
  })
})

describe('a hold that goes on under other terms', () => {
  test('does not, after a suspend that the wall clock hides', async () => {
    const all = world()
    const writer = await all.holdfast.rwLock('p', { ttl: '3s' }).write.acquire()
    all.time.suspend(3_000)
    all.time.advanceWall(-3_000)
    expect(await rejection(writer.downgrade())).toMatchObject({ code: 'LOCK_LOST' })
    expect(called(all, 'acquire')).toBe(1)
  })

  test('keeps the limit that it had', async () => {
    const { holdfast, time, warnings } = world()
    const writer = await holdfast.rwLock('p', { expire: '10s' }).write.acquire()
    const { signal } = writer
    await time.advance(4_000)
    const reader = await writer.downgrade()
    expect([signal.aborted, warnings]).toEqual([false, []])
    await time.advance(5_800)
    expect(reader.active).toBe(true)
    await time.advance(100)
    expect(reader.signal.reason).toMatchObject({ code: 'LOCK_EXPIRED' })
  })
})

test('a hold that nothing limits has no timer', async () => {
  const time = virtualEnv()
  const { lock } = createHoldfast({ env: time })
  const lease = await lock('k', { minHold: '1m' }).acquire()
  const other = await lock('other').acquire()
  expect(time.pendingTimers).toBe(0)
  expect([lease.remainingMs, other.remainingMs]).toEqual([Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY])
})
