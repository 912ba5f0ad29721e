import type { FaultyStore, VirtualEnv } from 'holdfast/testing'
import { describe, expect, onTestFinished, test } from 'vitest'
import { changed, rejection, world } from '../support/world.js'

const never = (): Promise<never> => new Promise(() => undefined)

/** When each renewal is sent from now on, counted from here. */
function renewalsOf(store: FaultyStore, time: VirtualEnv): number[] {
  const sent: number[] = []
  const startMs = time.nowMs()
  const renew = store.renew.bind(store)
  store.renew = (...args) => (sent.push(time.nowMs() - startMs), renew(...args))
  return sent
}

describe('a renewal', () => {
  test('of a lease that was granted by a notice, far shorter than the ttl, fails and comes again in time', async () => {
    const { holdfast, other, store, time } = world()
    const theirs = await other().lock('k').acquire()
    const waiting = holdfast.lock('k', { ttl: '1h', wait: true }).acquire()
    await time.advance(10)
    const sent = renewalsOf(store, time)
    store.next('renew', { request: 'lost' })
    await theirs.release()
    await time.advance(1)
    const lease = await waiting
    expect(lease.remainingMs).toBeLessThan(2_700)
    await time.advance(2_500)
    expect(sent).toHaveLength(2)
    expect(sent[0]).toBeCloseTo(890, -1)
    expect(sent[1]).toBeGreaterThanOrEqual(890 + 900 + 135)
    expect(sent[1]).toBeLessThanOrEqual(900 + 900 + 271)
    expect(lease.remainingMs).toBeGreaterThan(3_500_000)
  })

  test('has the time limit of a call, though the lease be long', async () => {
    const { holdfast, store, time } = world({ storeTimeout: 500 })
    const sent = renewalsOf(store, time)
    await holdfast.lock('k', { ttl: '30s' }).acquire()
    store.next('renew', { request: 'lost' })
    await time.advance(10_000 + 500 + 1_001)
    expect(sent).toHaveLength(2)
    expect(sent[0]).toBe(10_000)
    expect(sent[1]).toBeGreaterThanOrEqual(11_000)
  })

  test('that is refused after its hold was passed on within the process ends the one that goes on with it', async () => {
    const { holdfast, store, time, records } = world()
    const lock = holdfast.lock('k', { ttl: '3s', wait: true })
    const first = await lock.acquire()
    const second = lock.acquire()
    await time.advance(10)
    store.next('renew', { delayMs: 100 })
    store.loseNotices()
    await time.advance(1_010)
    await first.release()
    const heir = await second
    await time.advance(10) // its own renewal comes through
    records.forceRelease('holdfast:k')
    expect(heir.active).toBe(true)
    await time.advance(100)
    expect(heir.signal.reason).toMatchObject({ code: 'LOCK_LOST' })
  })

  test('that is refused after the release is no news', async () => {
    const unhandled: unknown[] = []
    const note = (error: unknown): void => void unhandled.push(error)
    process.on('unhandledRejection', note)
    onTestFinished(() => void process.off('unhandledRejection', note))
    const { holdfast, store, time, warnings } = world()
    const lease = await holdfast.lock('k', { ttl: 900 }).acquire()
    store.next('renew', { delayMs: 100 })
    await time.advance(310)
    await lease.release()
    await time.advance(1_000)
    expect([warnings, unhandled, time.pendingTimers]).toEqual([[], [], 0])
  })
})

test('a renewal that fails after the release leaves no timer', async () => {
  const { holdfast, store, time } = world()
  const lease = await holdfast.lock('k', { ttl: 900 }).acquire()
  store.next('renew', { reply: 'lost', rejectAfterMs: 100 })
  await time.advance(310)
  await lease.release()
  await time.advance(95)
  expect(time.pendingTimers).toBe(0)
})

describe('a store that is asked why a hold is gone', () => {
  test('has a quarter of a second, in which the hold goes on and keeps no process alive', async () => {
    const { holdfast, time } = changed(() => ({ renew: () => Promise.resolve(false), wasRevoked: never }))
    const lease = await holdfast.lock('k').acquire()
    await time.advance(10_000)
    expect(time.keepAliveTimers).toBe(0)
    await time.advance(249)
    expect(lease.active).toBe(true)
    await time.advance(2)
    expect(lease.signal.reason).toMatchObject({ code: 'LOCK_LOST' })
  })

  test('has no longer than any call', async () => {
    const { holdfast, time } = changed(() => ({ renew: () => Promise.resolve(false), wasRevoked: never }))
    const lease = await holdfast.lock('k', { ttl: 300 }).acquire()
    await time.advance(100 + 101)
    expect(lease.active).toBe(false)
  })

  test('keeps the process alive at the end of a body, which waits for the answer', async () => {
    const { holdfast, time, records } = changed(() => ({ wasRevoked: never }))
    const ended = rejection(
      holdfast.lock('k').run(() => {
        records.release('holdfast:k', records.inspect('holdfast:k')?.holders[0]?.owner ?? '')
      }),
    )
    await time.advance(200)
    expect(time.keepAliveTimers).toBe(1)
    await time.advance(50)
    expect(await ended).toMatchObject({ code: 'LOCK_LOST' })
    expect(time.pendingTimers).toBe(0)
  })

  test('is told of a release meanwhile: the hold is passed on to nobody, and its end is no news', async () => {
    const { holdfast, time, records, warnings, store } = changed(() => ({ wasRevoked: never }))
    store.loseNotices()
    const lock = holdfast.lock('k', { ttl: 900, wait: true })
    const first = await lock.acquire()
    const second = lock.acquire()
    records.forceRelease('holdfast:k')
    await time.advance(301) // its renewal is refused
    expect(first.active).toBe(true)
    expect(await first.release()).toBe(false)
    await time.advance(10)
    const lease = await second
    await time.advance(10_000)
    expect(lease.active).toBe(true)
    expect(records.inspect('holdfast:k')?.holders).toMatchObject([{ token: lease.token }])
    expect(warnings).toEqual([])
    expect(() => first.assertActive()).toThrow('was already released')
  })
})
