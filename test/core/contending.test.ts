import { createHoldfast, LockTimeoutError, StoreError } from 'holdfast'
import { describe, expect, test } from 'vitest'
import type { AcquireRequest, NoticeListener, Store } from '../../src/core/store.js'
import { rejection, world } from '../support/world.js'

const polled = () => world({}, { fair: false, wake: 'poll' })
const acquires = (store: { calls: readonly { operation: string }[] }): number =>
  store.calls.filter(({ operation }) => operation === 'acquire').length

describe('who waits for a store that pushes', () => {
  test('is granted by a notice, without a further call', async () => {
    const { holdfast, other, store, time } = world()
    const theirs = other()
    const first = await theirs.lock('k').acquire()
    const waits = [1, 2].map(() => holdfast.lock('k', { wait: true, ttl: 5_000 + Math.random() }).acquire())
    await time.advance(100)
    expect(acquires(store)).toBe(1)
    await first.release()
    const lease = await waits[0]
    expect(acquires(store)).toBe(1)
    const second = theirs.lock('k', { wait: true }).acquire()
    await time.advance(1)
    await lease?.release() // the other one is first in the store's queue, ours is told by the release that it has to wait
    const between = await second
    await time.advance(100)
    const asked = acquires(store)
    await between.release()
    expect((await waits[1])?.active).toBe(true)
    expect(acquires(store)).toBe(asked)
  })

  test('gets a lease as long as its place, and renews it to its own length', async () => {
    const { holdfast, other, time, records } = world()
    const theirs = await other().lock('k').acquire()
    const waiting = holdfast.lock('k', { wait: true, ttl: '30s' }).acquire()
    await time.advance(100)
    await theirs.release()
    expect((await waiting).remainingMs).toBeLessThanOrEqual(3_000 * 0.99)
    await time.advance(1_001)
    expect((await waiting).remainingMs).toBeGreaterThan(29_000)
    expect(records.inspect('holdfast:k')?.holders[0]?.remainingMs).toBeGreaterThan(29_000)
  })

  test('keeps its first, short lease though a renewal of it gets lost', async () => {
    const { holdfast, other, time, store } = world()
    const theirs = await other().lock('k').acquire()
    const waiting = holdfast.lock('k', { wait: true, ttl: '30s' }).acquire()
    await time.advance(100)
    await theirs.release()
    const lease = await waiting
    store.next('renew', { request: 'lost' })
    await time.advance(5_000)
    expect(lease.active).toBe(true)
    expect(lease.remainingMs).toBeGreaterThan(20_000)
  })

  test('and gives up leaves nothing, though its question comes after that and the answer gets lost', async () => {
    const { holdfast, time, store, records } = world({ storeTimeout: 200 })
    const controller = new AbortController()
    store.next('acquire', { delayMs: 50, reply: 'lost' })
    const waiting = rejection(holdfast.lock('k', { wait: true, signal: controller.signal }).acquire())
    await time.advance(10)
    controller.abort(new Error('no more'))
    expect((await waiting).message).toBe('no more')
    await time.advance(50)
    expect(records.inspect('holdfast:k')?.holders).toHaveLength(1)
    await time.advance(200)
    expect(records.inspect('holdfast:k')).toBeUndefined()
  })

  test('does not take a grant for its own that was asked for by another, with a shorter lease', async () => {
    const { holdfast, other, store, time } = world()
    const brief = holdfast.lock('k', { ttl: '1s', wait: true })
    const held = await brief.acquire()
    const next = brief.acquire()
    const long = holdfast.lock('k', { ttl: '10s', wait: true }).acquire()
    store.next('acquire', { replyDelayMs: 300 }) // of its place, at the next heartbeat
    expect(await time.advanceUntil(() => acquires(store) === 2, 2_000)).toBe(true)
    await held.release()
    await (await next).release()
    store.always('renew', { request: 'lost' })
    await time.advance(400)
    const lease = await long
    expect(lease.active).toBe(true)
    let rivalHolds = false
    void other().lock('k', { wait: true }).acquire().then(() => (rivalHolds = true)) // prettier-ignore
    expect(await time.advanceUntil(() => rivalHolds, 10_000)).toBe(true)
    expect(lease.active).toBe(false)
  })

  test.each([
    ['its answer gets lost', { delayMs: 50, reply: 'lost' }],
    ['it arrives after all that was to take it back', { delayMs: 5_000 }],
  ] as const)('and gives up leaves nothing, though a release brought it along, and %s', async (_, fault) => {
    const { holdfast, time, store, records } = world({ storeTimeout: 200 })
    const lease = await holdfast.lock('k', { ttl: '1m' }).acquire()
    const controller = new AbortController()
    const waiting = rejection(holdfast.lock('k', { wait: true, ttl: '2m', signal: controller.signal }).acquire())
    await time.advance(1)
    store.next('release', fault)
    const released = rejection(lease.release())
    await time.advance(10)
    controller.abort(new Error('no more'))
    expect((await waiting).message).toBe('no more')
    await time.advance(200)
    expect(await released).toMatchObject({ code: 'STORE_FAILED' })
    await time.advance(6_000)
    expect(store.calls.filter(({ operation }) => operation === 'release').length).toBeGreaterThan(2)
    expect(records.inspect('holdfast:k')).toBeUndefined()
  })

  test('is not given what the store has refused to renew, while it is asked why', async () => {
    const { store, time, other } = world()
    const wasRevoked = (): Promise<boolean> => new Promise(() => undefined)
    const { lock } = createHoldfast({ store: { ...store, wasRevoked }, env: time })
    const before = await other().lock('k').acquire()
    const [first, second] = [1, 2].map(() => lock('k', { wait: true, ttl: 900 }).acquire())
    await time.advance(10)
    await before.release()
    const lease = await first
    store.loseNotices()
    await other().lock('k').forceRelease()
    const theirs = await other().lock('k', { ttl: '1m' }).acquire()
    await time.advance(300) // the renewal is refused
    let granted = false
    void second?.then(() => (granted = true))
    expect(await lease?.release()).toBe(false)
    await time.advance(100)
    expect(granted).toBe(false)
    await theirs.release()
    await time.advance(1_000)
    expect(granted).toBe(true)
  })

  test('does not believe a notice when it was refused since, long after it may have been granted', async () => {
    const all = world()
    const { time, store, other } = all
    const underWay: (() => void)[] = []
    const onNotice = (listener: NoticeListener): (() => void) =>
      store.onNotice?.((notice) => underWay.push(() => listener(notice))) ?? (() => undefined)
    const slow = createHoldfast({ store: { ...store, onNotice }, env: time, storeTimeout: '5s' })
    const held = await other().lock('k', { ttl: '1m' }).acquire()
    const waiting = slow.lock('k', { wait: '1m', ttl: '3s' }).acquire()
    await time.advance(500)
    const next = other().lock('k', { wait: '1m', ttl: '3s' }).acquire()
    await time.advance(100)
    store.next('acquire', { request: 'lost' }) // the heartbeat of the first, for five seconds
    await held.release() // grants the key to the first for three seconds, and it does not know
    await time.advance(5_600)
    const lease = await next
    let granted = false
    void waiting.then(() => (granted = true))
    for (const tell of underWay.splice(0)) tell()
    await time.advance(10)
    expect(granted).toBe(false)
    expect(lease.active).toBe(true)
    await lease.release()
    for (const tell of underWay.splice(0)) tell()
    await time.advance(1_000)
    expect((await waiting).active).toBe(true)
    for (const tell of underWay.splice(0)) tell() // of old, to nobody
  })

  test('takes no notice of one that is meant for nobody any more', async () => {
    const { holdfast, store, time } = world()
    const told: NoticeListener[] = []
    const onNotice = (listener: NoticeListener): (() => void) => {
      told.push(listener)
      return () => undefined
    }
    const { lock } = createHoldfast({ store: { ...store, onNotice }, env: time })
    const first = await lock('k').acquire()
    const waiting = lock('k', { wait: true }).acquire() // rests: its own process holds
    await time.advance(10)
    for (const key of ['holdfast:k', 'holdfast:other']) told[0]?.({ type: 'granted', key, owner: 'nobody', token: 1 })
    told[0]?.({ type: 'revoked', key: 'holdfast:k', owner: 'nobody' })
    expect(first.active).toBe(true)
    await first.release()
    expect((await waiting).token).toBe(first.token + 1)
    await holdfast.close()
  })
})

describe('who waits for a store that is polled', () => {
  test('asks after pauses that grow to a quarter of a second, and says that it asks again', async () => {
    const { store, time, other } = polled()
    const requests: AcquireRequest[] = []
    const acquire = (request: AcquireRequest): ReturnType<Store['acquire']> => {
      requests.push(request)
      return store.acquire(request)
    }
    const holdfast = createHoldfast({ store: { ...store, acquire }, env: time })
    await other().lock('k').acquire()
    const before = time.pendingTimers
    const waiting = rejection(holdfast.lock('k', { wait: 3_000 }).acquire())
    await time.advance(1)
    expect(time.keepAliveTimers).toBe(1) // the wait itself
    await time.advance(2_999)
    expect(await waiting).toBeInstanceOf(LockTimeoutError)
    expect(requests.length).toBeGreaterThan(12)
    expect(requests.length).toBeLessThan(35)
    expect(requests.map(({ again }) => again)).toEqual(requests.map((_, index) => index > 0))
    expect(time.pendingTimers).toBe(before)
  })

  test('is served in order all the same, within its process', async () => {
    const { holdfast, other, time } = polled()
    const theirs = await other().lock('k').acquire()
    const order: number[] = []
    const waits = [1, 2, 3].map((index) => holdfast.lock('k', { wait: true }).run(() => order.push(index)))
    await time.advance(1_000)
    await theirs.release()
    await time.advance(250)
    await Promise.all(waits)
    expect(order).toEqual([1, 2, 3])
  })

  test('asks one question at a time, and at once after it when something has changed meanwhile', async () => {
    const { holdfast, store, time } = polled()
    const first = await holdfast.lock('k').acquire()
    const waiting = holdfast.lock('k', { wait: true, ttl: '5s' }).acquire()
    await time.advance(3_000)
    const before = acquires(store)
    store.next('acquire', { replyDelayMs: 200 })
    await time.advanceUntil(() => acquires(store) > before, 1_000)
    await first.release()
    await time.advance(199)
    expect(acquires(store)).toBe(before + 1)
    await time.advance(1)
    expect(acquires(store)).toBe(before + 2)
    expect((await waiting).active).toBe(true)
  })
})

describe('a wait whose time is over while the first question is under way', () => {
  /** The second in line becomes the first, and the question that is under way is that of the first. */
  const setUp = async (refused: boolean) => {
    const all = world({ storeTimeout: 500 })
    const { holdfast, other, store, time } = all
    if (refused) await other().lock('k').acquire()
    const abort = new AbortController()
    store.next('acquire', { replyDelayMs: 50 })
    const cancelled = rejection(holdfast.lock('k', { wait: true, signal: abort.signal }).acquire())
    const second = holdfast.lock('k', { wait: 20 }).acquire()
    second.catch(() => undefined)
    await time.advance(10)
    abort.abort()
    await cancelled
    return { ...all, second }
  }

  test('is granted by it', async () => {
    const { second, time } = await setUp(false)
    await time.advance(50)
    expect((await second).active).toBe(true)
  })

  test('is refused by it', async () => {
    const { second, time } = await setUp(true)
    let told = false
    second.catch(() => (told = true))
    await time.advance(39)
    expect(told).toBe(false)
    await time.advance(1)
    expect(await rejection(second)).toMatchObject({ code: 'LOCK_TIMEOUT', holder: { pid: 2 }, waitedMs: 50 })
    expect(time.pendingTimers).toBe(2) // the renewal of their lease, and its end
  })

  test('is over at once when an earlier question was answered', async () => {
    const { holdfast, other, store, time } = world()
    await other().lock('k').acquire()
    const waiting = rejection(holdfast.lock('k', { wait: 1_500 }).acquire())
    await time.advance(10)
    store.next('acquire', { replyDelayMs: 4_000 })
    await time.advance(1_490)
    expect(await waiting).toMatchObject({ code: 'LOCK_TIMEOUT', waitedMs: 1_500 })
  })
})

describe('a wait on a store that fails', () => {
  test('keeps the process alive while its first question is under way', async () => {
    const { holdfast, store, time } = world()
    store.next('acquire', { replyDelayMs: 50 })
    const waiting = holdfast.lock('k', { wait: true }).acquire()
    await time.advance(10)
    expect(time.keepAliveTimers).toBe(2) // the answer under way, and its time limit
    await time.advance(40)
    expect((await waiting).active).toBe(true)
    expect(time.keepAliveTimers).toBe(0)
  })

  test('asks again after pauses that grow, for as long as one call may take', async () => {
    const { holdfast, store, time } = world({ storeTimeout: 2_000 })
    let asked = 0
    const acquire = (): Promise<never> => {
      asked++
      return Promise.reject(new Error('no such server'))
    }
    const { lock } = createHoldfast({ store: { ...store, acquire }, env: time, storeTimeout: 2_000 })
    const failed = rejection(lock('k', { wait: '1m' }).acquire())
    await time.advance(1_900)
    expect(time.keepAliveTimers).toBe(1)
    await time.advance(700)
    expect(await failed).toMatchObject({ code: 'STORE_FAILED', key: 'k', operation: 'acquire' })
    expect((await failed).message).toBe('The store failed to acquire: no such server')
    expect(asked).toBeGreaterThan(8)
    expect(asked).toBeLessThan(16)
    expect(time.pendingTimers).toBe(0)
    await holdfast.close()
  })

  test('counts anew after an answer', async () => {
    const { holdfast, other, store, time } = world({ storeTimeout: 2_000 })
    const theirs = await other().lock('k').acquire()
    const waiting = holdfast.lock('k', { wait: true }).acquire()
    for (let times = 0; times < 5; times++) {
      store.always('acquire', { fail: 'unknown' })
      await time.advance(1_500)
      store.heal()
      await time.advance(600)
    }
    const before = acquires(store)
    store.next('acquire', { fail: 'unknown' })
    await time.advance(1_020) // a heartbeat, and the first pause
    expect(acquires(store)).toBeGreaterThan(before)
    await theirs.release()
    expect((await waiting).active).toBe(true)
  })

  test('tells what failed, not who held before, when its time is over', async () => {
    const { holdfast, other, store, time, warnings } = world()
    await other().lock('k').acquire()
    const waiting = rejection(holdfast.lock('k', { wait: 1_500 }).acquire())
    await time.advance(10)
    store.always('acquire', { fail: 'unknown' })
    await time.advance(1_490)
    expect(await waiting).toBeInstanceOf(StoreError)
    expect(warnings).toEqual([])
  })

  test('goes on when the release that was to bring it along failed', async () => {
    const { holdfast, store, time } = world()
    const first = await holdfast.lock('k').acquire()
    const waiting = holdfast.lock('k', { wait: true, ttl: '5s' }).acquire()
    await time.advance(10)
    store.next('release', { fail: 'unknown' })
    expect(await rejection(first.release())).toMatchObject({ code: 'STORE_FAILED', operation: 'release' })
    await time.advance(30)
    expect((await waiting).active).toBe(true)
  })

  test('opens it first, and again when that failed', async () => {
    const { store, time } = world()
    const opened: string[] = []
    let open = false
    const ready = (operation: string): Promise<void> | undefined => {
      if (open) return undefined
      opened.push(operation)
      open = opened.length > 1
      return open ? Promise.resolve() : Promise.reject(new StoreError('open', 'not yet'))
    }
    const { lock } = createHoldfast({ store: { ...store, ready }, env: time })
    const waiting = lock('k', { wait: '10s' }).acquire()
    await time.advance(20)
    expect((await waiting).active).toBe(true)
    expect(opened).toEqual(['acquire', 'acquire'])
    expect(acquires(store)).toBe(1)
  })
})
