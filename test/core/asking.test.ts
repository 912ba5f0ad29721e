import { getEventListeners } from 'node:events'
import { createHoldfast, type Holdfast, InvalidOptionError, LockedError, memory, StoreError } from 'holdfast'
import { virtualEnv } from 'holdfast/testing'
import { describe, expect, test } from 'vitest'
import { rejection, world } from '../support/world.js'

describe('an acquire that does not wait', () => {
  test('is logged when it is refused, and a try is not', async () => {
    const { holdfast, other, warnings, time } = world()
    await other().lock('k').acquire()
    const error = await rejection(holdfast.lock('k').acquire())
    expect(error).toBeInstanceOf(LockedError)
    expect(warnings).toEqual([error.message])
    expect(await holdfast.lock('k').tryAcquire()).toBeUndefined()
    const waiting = holdfast.lock('k', { wait: 500 }).tryAcquire()
    await time.advance(501)
    expect(await waiting).toBeUndefined()
    expect(warnings).toHaveLength(1)
  })

  test('keeps the process alive while it is under way, and leaves no timer', async () => {
    const { holdfast, store, time } = world()
    store.next('acquire', { replyDelayMs: 10 })
    const acquired = holdfast.lock('k').acquire()
    expect(time.keepAliveTimers).toBe(1) // its time limit
    await time.advance(10)
    const lease = await acquired
    expect(time.keepAliveTimers).toBe(0)
    await lease.release()
    expect(time.pendingTimers).toBe(0)
  })

  test('that is lost is told by the call that failed', async () => {
    const { holdfast, store, time } = world({ storeTimeout: 300 })
    store.next('acquire', { request: 'lost' })
    const failed = rejection(holdfast.lock('k').acquire())
    await time.advance(299)
    expect(store.calls).toEqual([])
    await time.advance(1)
    expect(await failed).toMatchObject({ code: 'STORE_FAILED', key: 'k', operation: 'acquire', outcome: 'unknown' })
    expect((await failed).message).toContain('acquire: no answer within 300 ms')
  })

  test('says what the store threw', async () => {
    const { store, time } = world()
    const acquire = (): Promise<never> => Promise.reject(new Error('no such server'))
    const failed = rejection(
      createHoldfast({ store: { ...store, acquire }, env: time })
        .lock('k')
        .acquire(),
    )
    await time.advance(6_000)
    expect(await failed).toMatchObject({ code: 'STORE_FAILED', key: 'k', operation: 'acquire' })
    expect((await failed).message).toBe('The store failed to acquire: no such server')
  })

  test('opens the store first, and counts its lease from after that', async () => {
    const { store, time } = world()
    const opened: string[] = []
    let opening: Promise<void> | undefined
    const ready = (operation: string): Promise<void> | undefined => {
      opened.push(operation)
      opening ??= new Promise<void>((resolve) => void time.setTimer(resolve, 4_000, true))
      return opened.length > 1 ? undefined : opening
    }
    const acquired = createHoldfast({ store: { ...store, ready }, env: time })
      .lock('k', { ttl: '10s' })
      .acquire()
    await time.advance(3_999)
    expect(store.calls).toEqual([])
    await time.advance(1)
    expect((await acquired).remainingMs).toBeGreaterThan(9_800)
    expect(store.calls).toHaveLength(1)
    expect(opened[0]).toBe('acquire')
  })

  test('asks again after pauses that grow, for as long as one call may take', async () => {
    const { holdfast, store, time } = world({ storeTimeout: 300 })
    store.always('acquire', { reply: 'lost', rejectAfterMs: 1 })
    const failed = rejection(holdfast.lock('k').acquire())
    await time.advance(1)
    expect(time.keepAliveTimers).toBe(1) // the pause
    await time.advance(299)
    expect(await failed).toBeInstanceOf(StoreError)
    const asked = store.calls.filter(({ operation }) => operation === 'acquire')
    expect(asked.length).toBeGreaterThan(3)
    expect(asked.length).toBeLessThan(9)
    expect(new Set(asked.map(({ owner }) => owner)).size).toBe(1)
  })

  test('releases nothing after a failure that left no doubt', async () => {
    const { holdfast, store, time } = world()
    store.next('acquire', { fail: 'not-applied' })
    expect(await rejection(holdfast.lock('k').acquire())).toMatchObject({ outcome: 'not-applied' })
    await time.advance(5_000)
    expect(store.calls).toEqual([])
    expect(time.pendingTimers).toBe(0)
  })

  test('that reaches the store after it was given up is released again', async () => {
    const { holdfast, store, time, records } = world({ storeTimeout: 300 })
    store.next('acquire', { delayMs: 800 })
    const failed = rejection(holdfast.lock('k').acquire())
    await time.advance(400)
    expect(await failed).toBeInstanceOf(StoreError)
    await time.advance(401)
    expect(records.inspect('holdfast:k')).toBeUndefined()
    expect(store.calls.at(-1)).toMatchObject({ operation: 'release' })
  })

  test('that was cancelled, and reached the store after that, holds nothing', async () => {
    const { holdfast, store, time, records } = world()
    const abort = new AbortController()
    store.next('acquire', { delayMs: 400 })
    const cancelled = rejection(holdfast.lock('k', { signal: abort.signal }).acquire())
    await time.advance(100)
    abort.abort()
    await cancelled
    await time.advance(301)
    expect(records.inspect('holdfast:k')).toBeUndefined()
    expect(time.pendingTimers).toBe(0)
  })

  test('forgets its signal when it is done, whatever came of it', async () => {
    const { holdfast } = world()
    const { signal } = new AbortController()
    const options = { signal }
    const lease = await holdfast.lock('k', options).acquire()
    expect(await holdfast.lock('k', options).tryAcquire()).toBeUndefined()
    await lease.release()
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  test('that is refused while its instance is closed says that it was closed', async () => {
    const { holdfast, other, store, time } = world()
    await other().lock('k').acquire()
    store.next('acquire', { replyDelayMs: 50 })
    const refused = rejection(holdfast.lock('k').acquire())
    const closing = holdfast.close()
    await time.advance(60)
    await closing
    expect((await refused).message).toContain('closed')
  })
})

describe('a try that waits', () => {
  test('is granted what comes free while it waits', async () => {
    const { holdfast, other, time } = world()
    const theirs = await other().lock('k').acquire()
    let settled = false
    const attempt = holdfast.lock('k', { wait: 500 }).tryAcquire()
    void attempt.then(() => (settled = true))
    await time.advance(400)
    expect(settled).toBe(false)
    await theirs.release()
    await time.advance(1)
    expect((await attempt)?.active).toBe(true)
  })

  test('is cancelled by its signal', async () => {
    const { holdfast, other, time } = world()
    await other().lock('k').acquire()
    const abort = new AbortController()
    const attempt = rejection(holdfast.lock('k', { wait: true, signal: abort.signal }).tryAcquire())
    await time.advance(10)
    const reason = new Error('the user left')
    abort.abort(reason)
    expect(await attempt).toBe(reason)
  })
})

describe('a grant that was long under way', () => {
  const setUp = () => world({ storeTimeout: 5_000 })
  const asked = ({ store }: ReturnType<typeof setUp>): string[] => store.calls.map(({ operation }) => operation)

  test('is taken as it is while half of the lease is left', async () => {
    const { holdfast, store, time } = setUp()
    store.next('acquire', { replyDelayMs: 488 }) // of 988 that are trusted
    const acquired = holdfast.lock('k', { ttl: 1000 }).acquire()
    await time.advance(488)
    expect((await acquired).remainingMs).toBe(500)
    expect(store.calls).toHaveLength(1)
  })

  test('is renewed once, for the whole lease', async () => {
    const fleet = setUp()
    const { holdfast, store, time, records } = fleet
    store.next('acquire', { replyDelayMs: 489 })
    store.next('renew', { replyDelayMs: 10 })
    const acquired = holdfast.lock('k', { ttl: 1000 }).acquire()
    await time.advance(490)
    expect(time.keepAliveTimers).toBe(2) // the answer under way, and its time limit
    await time.advance(9)
    const lease = await acquired
    expect(asked(fleet)).toEqual(['acquire', 'renew'])
    expect(lease.remainingMs).toBe(978)
    expect(records.inspect('holdfast:k')?.holders).toMatchObject([{ token: lease.token, remainingMs: 990 }])
  })

  test('is given back when the wait was cancelled while it was renewed', async () => {
    const { holdfast, store, time, records } = setUp()
    const abort = new AbortController()
    store.next('acquire', { replyDelayMs: 800 })
    store.next('renew', { replyDelayMs: 100 })
    const cancelled = rejection(holdfast.lock('k', { ttl: 1000, signal: abort.signal }).acquire())
    await time.advance(850)
    abort.abort()
    await cancelled
    await time.advance(100)
    expect(records.inspect('holdfast:k')).toBeUndefined()
    expect(time.pendingTimers).toBe(0)
  })

  test('is told as a failure of the store when it never comes in time', async () => {
    const { holdfast, store, time } = setUp()
    store.always('acquire', { replyDelayMs: 1500 })
    const failed = rejection(holdfast.lock('k', { ttl: 1000 }).acquire())
    await time.advance(10_000)
    expect(await failed).toMatchObject({ code: 'STORE_FAILED', operation: 'acquire' })
    expect((await failed).message).toContain('longer than the lease lasts. Raise { ttl }')
  })

  test('is told by its renewal, when that is what fails', async () => {
    const { holdfast, store, time } = setUp()
    store.always('acquire', { replyDelayMs: 800 })
    store.always('renew', { request: 'lost' })
    const failed = rejection(holdfast.lock('k', { ttl: 1000 }).acquire())
    await time.advance(20_000)
    expect(await failed).toMatchObject({ code: 'STORE_FAILED', operation: 'renew' })
  })
})

describe('in memory', () => {
  test('an acquire of a free key is granted at once, without a timer', async () => {
    const time = virtualEnv()
    const { lock } = createHoldfast({ env: time })
    const acquired = lock('k').acquire()
    expect(time.pendingTimers).toBe(0)
    expect((await acquired).active).toBe(true)
  })

  test('what the store throws is told with the key', async () => {
    const throwing = (error: Error): Holdfast<'sync'> => {
      const store = memory()
      store.acquire = () => {
        throw error
      }
      return createHoldfast({ store })
    }
    const broken = await rejection(throwing(new Error('out of order')).lock('k').acquire())
    expect(broken).toMatchObject({ code: 'STORE_FAILED', key: 'k', operation: 'acquire' })
    expect(broken.message).toBe('The store failed to acquire: out of order')
    expect(broken.cause).toMatchObject({ message: 'out of order' })
    const refused = await rejection(throwing(new InvalidOptionError('no such limit')).lock('k').acquire())
    expect(refused).toMatchObject({ code: 'INVALID_OPTION', key: 'k', message: 'no such limit' })
  })
})

test('each process reads the slow clock once, however much is acquired, waited for and released', async () => {
  const { holdfast, other, time } = world()
  const holder = other()
  let read = 0
  const bootMs = time.bootMs.bind(time)
  time.bootMs = () => (read++, bootMs())
  for (const wait of [false, true]) {
    const theirs = await holder.lock('k').acquire()
    const attempt = holdfast.lock('k', { wait }).tryAcquire()
    await time.advance(10)
    await theirs.release()
    await time.advance(10)
    const lease = await attempt
    await lease?.release()
  }
  const lock = holdfast.lock('k', { wait: true })
  const waits = [1, 2, 3].map(() => lock.acquire())
  for (const wait of waits) {
    const lease = await wait
    expect(lease.active && lease.remainingMs > 0 && !lease.signal.aborted).toBe(true)
    await lease.release()
  }
  expect(read).toBe(2)
})
