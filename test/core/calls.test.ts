import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { createHoldfast, memory } from 'holdfast'
import { virtualEnv } from 'holdfast/testing'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { AcquireRequest, Store } from '../../src/core/store.js'
import { rejection, world } from '../support/world.js'

/** What is published on a channel from now on. */
function listen(channel: string): unknown[] {
  const told: unknown[] = []
  const listener = (message: unknown): void => void told.push(message)
  subscribe(channel, listener)
  onTestFinished(() => void unsubscribe(channel, listener))
  return told
}

describe('a release that is not answered', () => {
  test.each([
    ['alone', {}, undefined],
    ['that brings a waiter along', {}, { wait: true, ttl: '5s' } as const],
    ['that keeps the key for its least hold', { minHold: '1m' } as const, undefined],
  ])('fails after the time limit of a call, and keeps the process alive until then: %s', async (_, options, waiter) => {
    const { holdfast, store, time } = world({ storeTimeout: 200 })
    const lease = await holdfast.lock('k', options).acquire()
    if (waiter !== undefined)
      holdfast
        .lock('k', waiter)
        .acquire()
        .catch(() => undefined)
    await time.advance(1)
    const before = time.keepAliveTimers
    store.next('release', { request: 'lost' })
    store.next('renew', { request: 'lost' })
    const failed = rejection(lease.release())
    expect(time.keepAliveTimers).toBe(before + 1)
    await time.advance(200)
    expect(await failed).toMatchObject({ code: 'STORE_FAILED', operation: 'release', outcome: 'unknown', key: 'k' })
    expect((await failed).message).toContain('The store failed to release: no answer within 200 ms')
  })

  test('in the background keeps no process alive', async () => {
    const { holdfast, store, time } = world({ storeTimeout: 200 })
    const lease = await holdfast.lock('k').acquire()
    store.always('release', { request: 'lost' })
    const failed = rejection(lease.release())
    await time.advance(201)
    await failed
    expect(time.keepAliveTimers).toBe(0)
    expect(time.pendingTimers).toBeGreaterThan(1)
  })
})

test('a release that brings a waiter along is the only call, though others wait too', async () => {
  const { holdfast, store, time } = world()
  const lock = holdfast.lock('k', { wait: true, expire: '5m' }) // of which the store has to be told
  const first = await lock.acquire()
  const waits = [1, 2].map(() => lock.acquire())
  await time.advance(10)
  for (const lease of [first, ...waits]) {
    const before = store.calls.length
    await (await lease).release()
    await time.advance(1)
    expect(store.calls.slice(before).map(({ operation }) => operation)).toEqual(['release'])
  }
})

test('a release that passes the hold on within the process is no call at all', async () => {
  const { holdfast, store, time } = world()
  const lock = holdfast.lock('k', { wait: true })
  const first = await lock.acquire()
  const waits = [1, 2, 3].map(() => lock.acquire())
  await first.release() // brings the next along, and the leave to pass it on
  await time.advance(1)
  const before = store.calls.length
  await (await waits[0])?.release()
  expect((await waits[1])?.active).toBe(true)
  expect(store.calls).toHaveLength(before)
})

test('a waiter of the same process that has not asked yet has the key when its least hold is over', async () => {
  const { holdfast, time, store } = world()
  const lock = holdfast.lock('k', { wait: true, minHold: 100 })
  const first = await lock.acquire()
  let granted = false
  void lock.acquire().then(() => (granted = true))
  await time.advance(10)
  const before = store.calls.length
  await first.release()
  await time.advance(92)
  expect(granted).toBe(true)
  expect(store.calls.slice(before).map(({ operation }) => operation)).toEqual(['renew', 'acquire'])
})

describe('a renewal', () => {
  test('that is not answered keeps no process alive, and is told', async () => {
    const { holdfast, store, time } = world({ storeTimeout: 200 })
    const told = listen('holdfast:store-failed')
    await holdfast.lock('k', { ttl: 900 }).acquire()
    store.next('renew', { request: 'lost' })
    await time.advance(350)
    expect(time.keepAliveTimers).toBe(0)
    await time.advance(151)
    expect(told).toMatchObject([{ key: 'k', operation: 'renew', error: { operation: 'renew', outcome: 'unknown' } }])
  })

  test('that fails is tried again soon for its ttl, however long its least hold is', async () => {
    const { holdfast, store, time } = world()
    await holdfast.lock('k', { ttl: 900, minHold: '1m' }).acquire()
    store.next('renew', { fail: 'unknown' })
    await time.advance(301 + 91)
    expect(store.calls.filter(({ operation }) => operation === 'renew')).toHaveLength(1)
  })

  test('that is answered after the release is no news', async () => {
    const { holdfast, store, time } = world()
    const told = listen('holdfast:renewed')
    const lease = await holdfast.lock('k', { ttl: 900 }).acquire()
    store.next('renew', { replyDelayMs: 100 })
    await time.advance(310)
    await lease.release()
    await time.advance(200)
    expect(told).toEqual([])
    expect(time.pendingTimers).toBe(0)
  })

  test('that is refused after a forced release says so, and nothing else', async () => {
    const { store, time, records } = world()
    store.loseNotices()
    const warnings: string[] = []
    const wasRevoked = (): Promise<boolean> => Promise.resolve(true)
    const logger = { warn: (message: string) => void warnings.push(message) }
    const { lock } = createHoldfast({ store: { ...store, wasRevoked }, env: time, logger })
    await lock('k', { ttl: 900 }).acquire()
    records.forceRelease('holdfast:k')
    await time.advance(310)
    expect(warnings).toEqual(['k was released by force while held. Another may hold it now: stop.'])
  })
})

describe('in memory', () => {
  test('run sets no timer', async () => {
    const time = virtualEnv()
    let set = 0
    const setTimer = time.setTimer.bind(time)
    time.setTimer = (...args) => (set++, setTimer(...args))
    const { lock } = createHoldfast({ env: time })
    expect(await lock('k').run(() => 42)).toBe(42)
    expect(await (await lock('k').acquire()).release()).toBe(true)
    expect(set).toBe(0)
  })

  test('a least hold is kept, though somebody of the same process waits', async () => {
    const time = virtualEnv()
    const { lock } = createHoldfast({ env: time })
    for (const sync of [false, true]) {
      const lease = sync ? lock('k', { minHold: '1s' }).acquireSync() : await lock('k', { minHold: '1s' }).acquire()
      let granted = false
      const waiting = lock('k', { wait: true, ttl: '5s' }).acquire()
      void waiting.then(() => (granted = true))
      await time.advance(10)
      await lease.release()
      await time.advance(980)
      expect(granted).toBe(false)
      await time.advance(20)
      expect(granted).toBe(true)
      await (await waiting).release()
    }
  })

  test('a release that brings a waiter along is the only question, though others wait too', async () => {
    const store = memory()
    const asked: string[] = []
    const [acquire, release] = [store.acquire.bind(store), store.release.bind(store) as (...args: unknown[]) => unknown]
    store.acquire = (request) => (asked.push('acquire'), acquire(request))
    store.release = ((...args: unknown[]) => (asked.push('release'), release(...args))) as typeof store.release
    const { lock } = createHoldfast({ store })
    const queued = lock('k', { wait: true, expire: '5m' })
    const first = await queued.acquire()
    const waits = [1, 2].map(() => queued.acquire())
    for (const [index, lease] of [first, ...waits].entries()) {
      const held = await lease
      asked.length = 0
      await held.release()
      await Promise.resolve()
      expect(asked).toEqual(index < 2 ? ['release', 'acquire'] : ['release']) // memory asks itself for the next
    }
  })

  test('the store is told of hand-overs only where there may be some', async () => {
    const store = memory()
    const turns: unknown[] = []
    const acquire = store.acquire.bind(store)
    store.acquire = (request) => (turns.push(request.turns), acquire(request))
    const [one, two] = [createHoldfast({ store }), createHoldfast({ store })]
    const held = await one.lock('k').acquire()
    const waiting = two.lock('k', { wait: true }).acquire()
    expect(turns).toEqual([0, 0, 16]) // asked at once, then from the line
    await held.release()
    await (await waiting).release()
    turns.length = 0
    const places = await Promise.all([1, 2].map(() => one.pool('p', { max: 2 }).acquire()))
    const next = two.pool('p', { max: 2, wait: true }).acquire()
    expect(new Set(turns)).toEqual(new Set([0]))
    for (const place of places) await place.release()
    await (await next).release()
  })
})

test('a store that renews by itself is told of no hand-overs within the process: it could not follow', async () => {
  const { store, time } = world()
  const requests: AcquireRequest[] = []
  const acquire: Store['acquire'] = (request) => (requests.push(request), store.acquire(request))
  const selfRenewal = { renewedAtMs: () => undefined, stop: () => undefined }
  const { lock } = createHoldfast({ store: { ...store, acquire, selfRenewal }, env: time })
  await lock('k', { wait: true }).acquire()
  expect(requests).toMatchObject([{ queueMs: 2_700, turns: 0 }])
})
