import { createHoldfast, LockLostError, StoreError } from 'holdfast'
import { virtualEnv } from 'holdfast/testing'
import { describe, expect, test } from 'vitest'
import { rejection, world } from '../support/world.js'

const ttl = 3000

describe('a lease', () => {
  test('is renewed every third of its ttl for as long as it is held', async () => {
    const { holdfast, time, store } = world()
    const lease = await holdfast.lock('k', { ttl }).acquire()
    await time.advance(60_000)
    expect(lease.active).toBe(true)
    expect(store.calls.filter(({ operation }) => operation === 'renew')).toHaveLength(60)
    expect(await lease.release()).toBe(true)
    const calls = store.calls.length
    await time.advance(60_000)
    expect(store.calls).toHaveLength(calls)
    expect(time.pendingTimers).toBe(0)
  })

  test('ends at its deadline though the store be silent, before the store frees the key', async () => {
    const { holdfast, time, store, records } = world()
    const lease = await holdfast.lock('k', { ttl }).acquire()
    const { signal } = lease
    store.always('renew', { request: 'lost' })
    store.always('release', { request: 'lost' })
    await time.advance(ttl * 0.99 - 3)
    expect(signal.aborted).toBe(false)
    await time.advance(2)
    expect(signal.aborted).toBe(true)
    expect(signal.reason).toBeInstanceOf(LockLostError)
    expect(signal.reason).toMatchObject({ code: 'LOCK_LOST', key: 'k' })
    expect(lease.active).toBe(false)
    expect(records.inspect('holdfast:k')?.holders).toHaveLength(1)
  })

  test('counts its deadline from before the request was sent, not from the reply', async () => {
    const { holdfast, time, store } = world()
    store.next('acquire', { replyDelayMs: 900 })
    const acquired = holdfast.lock('k', { ttl }).acquire()
    await time.advance(900)
    const lease = await acquired
    expect(lease.remainingMs).toBeLessThanOrEqual(ttl * 0.99 - 2 - 900)
  })

  test('survives failed renewals until the deadline, and goes on when the store is back', async () => {
    const { holdfast, time, store } = world()
    const lease = await holdfast.lock('k', { ttl }).acquire()
    store.always('renew', { fail: 'unknown' })
    await time.advance(2500)
    expect(lease.active).toBe(true)
    store.heal()
    await time.advance(20_000)
    expect(lease.active).toBe(true)
  })

  test('never renews in a tight loop while the store fails', async () => {
    const { holdfast, time, store } = world()
    await holdfast.lock('k', { ttl: 100 }).acquire()
    let failures = 0
    store.always('renew', { fail: 'not-applied' })
    const renew = store.renew.bind(store)
    store.renew = (...args) => {
      failures++
      return renew(...args)
    }
    await time.advance(1000)
    expect(failures).toBeGreaterThan(1)
    expect(failures).toBeLessThan(15)
  })

  test('is told of its loss within one renewal period when the store forgot everything', async () => {
    const { holdfast, time, records } = world()
    const lease = await holdfast.lock('k', { ttl }).acquire()
    records.release('holdfast:k', ownerOf(records, 'holdfast:k'))
    await time.advance(ttl / 3 + 1)
    expect(lease.active).toBe(false)
    expect(lease.signal.reason).toMatchObject({ code: 'LOCK_LOST' })
  })

  test('a late answer to a renewal still counts', async () => {
    const { holdfast, time, store } = world()
    const lease = await holdfast.lock('k', { ttl }).acquire()
    store.always('renew', { replyDelayMs: 1500 }) // longer than the time limit of a call
    await time.advance(30_000)
    expect(lease.active).toBe(true)
  })

  test('is not active in the very tick after a stall longer than its ttl, and never again', async () => {
    const { holdfast, time } = world()
    const lease = await holdfast.lock('k', { ttl }).acquire()
    const { signal } = lease
    time.stall(ttl)
    expect(lease.active).toBe(false)
    expect(lease.signal.aborted).toBe(true)
    expect(signal.aborted).toBe(true)
    expect(lease.remainingMs).toBe(0)
    expect(() => lease.assertActive()).toThrow(LockLostError)
    await time.advance(10_000)
    expect(lease.active).toBe(false)
  })

  test('the signal alone tells in the very tick after a stall', async () => {
    const { holdfast, time } = world()
    const lease = await holdfast.lock('k', { ttl }).acquire()
    time.stall(ttl)
    expect(lease.signal.aborted).toBe(true)
  })

  test('ends early when the wall clock jumps ahead, and is not extended when it jumps back', async () => {
    const { holdfast, time, store } = world()
    const ahead = await holdfast.lock('ahead', { ttl }).acquire()
    time.advanceWall(ttl)
    expect(ahead.active).toBe(false)
    const back = await holdfast.lock('back', { ttl }).acquire()
    time.advanceWall(-3_600_000)
    store.always('renew', { request: 'lost' })
    await time.advance(ttl)
    expect(back.active).toBe(false)
  })

  test('knows of a suspended machine', async () => {
    const { holdfast, time } = world()
    const lease = await holdfast.lock('k', { ttl }).acquire()
    time.suspend(ttl)
    expect(lease.active).toBe(false)
  })

  test.each([
    ['the very length of', -ttl],
    ['nearly the length of', -ttl + 10],
    ['more than', -2 * ttl],
  ])('knows of a suspended machine even when the wall clock was set back by %s the suspend', async (_, back) => {
    const { holdfast, time } = world()
    const lease = await holdfast.lock('k', { ttl }).acquire()
    time.suspend(ttl)
    time.advanceWall(back)
    expect(() => lease.assertActive()).toThrow(LockLostError)
  })

  test('is not passed on after a suspend, also when the wall clock was set back', async () => {
    const { holdfast, time } = world()
    const lease = await holdfast.lock('k', { ttl }).acquire()
    const waiting = holdfast.lock('k', { ttl, wait: true }).acquire()
    await time.advance(1)
    time.suspend(ttl)
    time.advanceWall(-2 * ttl)
    expect(await lease.release()).toBe(false)
    await time.advance(2_000)
    expect((await waiting).active).toBe(true)
  })

  test('a store that renews by itself may have done so before a suspend', async () => {
    const { holdfast, time, store } = world()
    let renewedAtMs = 0
    Object.assign(store, { selfRenewal: { renewedAtMs: () => renewedAtMs, stop: () => undefined } })
    const lease = await holdfast.lock('k', { ttl }).acquire()
    time.stall(ttl / 3)
    renewedAtMs = time.nowMs()
    time.suspend(ttl)
    expect(lease.active).toBe(false)
  })

  test('a store that renews by itself goes on with it after a suspend', async () => {
    const { holdfast, time, store } = world()
    let renewedAtMs = 0
    Object.assign(store, { selfRenewal: { renewedAtMs: () => renewedAtMs, stop: () => undefined } })
    const lease = await holdfast.lock('k', { ttl }).acquire()
    time.suspend(ttl * 0.7)
    for (let round = 0; round < 5; round++) {
      time.stall(ttl * 0.2)
      renewedAtMs = time.nowMs()
      time.stall(ttl * 0.2)
      expect(lease.active, `round ${String(round)}`).toBe(true)
    }
  })

  test('a ttl of thirty days is not cut to a millisecond', async () => {
    const { holdfast, time } = world()
    const lease = await holdfast.lock('k', { ttl: '720h' }).acquire()
    await time.advance(86_400_000)
    expect(lease.active).toBe(true)
  })
})

describe('expire', () => {
  test('ends a hold at its hard limit, renewed or not, and says so', async () => {
    const { holdfast, time, warnings, other } = world()
    const lease = await holdfast.lock('k', { ttl: 300, expire: 2000 }).acquire()
    await time.advance(1900)
    expect(lease.active).toBe(true)
    expect(await other().lock('k').tryAcquire()).toBeUndefined()
    await time.advance(120)
    expect(lease.signal.reason).toMatchObject({ code: 'LOCK_EXPIRED' })
    expect(warnings.some((text) => text.includes('expire'))).toBe(true)
    expect(await other().lock('k').tryAcquire()).toBeDefined()
  })

  test('leaves the result of the body as it is', async () => {
    const { holdfast, time } = world()
    const run = holdfast.lock('k', { expire: 1000 }).run(async () => {
      await time.advance(2000)
      return 'done'
    })
    expect(await run).toBe('done')
  })
})

describe('minHold', () => {
  test('keeps the key held although it was released early', async () => {
    const { holdfast, time } = world()
    const lease = await holdfast.lock('k', { minHold: 5000, ttl: 1000 }).acquire()
    await time.advance(2000)
    expect(await lease.release()).toBe(true)
    expect(lease.active).toBe(false)
    await time.advance(2900)
    expect(await holdfast.lock('k').isLocked()).toBe(true)
    await time.advance(200)
    expect(await holdfast.lock('k').isLocked()).toBe(false)
  })

  test('holds although the process that acquired it died at once', async () => {
    const { holdfast, time, store, other } = world()
    await holdfast.lock('k', { minHold: 5000, ttl: 1000 }).acquire()
    store.always('renew', { request: 'lost' })
    await time.advance(4900)
    expect(await other().lock('k').tryAcquire()).toBeUndefined()
  })

  test('wakes a waiter of the same process when it is over', async () => {
    const { holdfast, time } = world()
    const lock = holdfast.lock('k', { minHold: 3000, wait: true })
    const first = await lock.acquire()
    const second = lock.acquire()
    await first.release()
    await time.advance(2900)
    expect(await holdfast.lock('k').inspect()).toMatchObject({ waiters: [{}] })
    await time.advance(200)
    expect((await second).active).toBe(true)
  })
})

describe('release', () => {
  test('twice: the second returns false and harms nobody', async () => {
    const { holdfast, other } = world()
    const lease = await holdfast.lock('k').acquire()
    expect(await lease.release()).toBe(true)
    const successor = await other().lock('k').acquire()
    expect(await lease.release()).toBe(false)
    expect(successor.active).toBe(true)
    expect(await holdfast.lock('k').isLocked()).toBe(true)
    expect(() => lease.assertActive()).toThrow(expect.objectContaining({ code: 'LOCK_RELEASED' }) as Error)
  })

  test('by a stale owner after a takeover returns false, and the new holder keeps the key', async () => {
    const { holdfast, time, store, other } = world()
    const stale = await holdfast.lock('k', { ttl }).acquire()
    store.always('renew', { request: 'lost' })
    time.stall(ttl)
    const taken = await other().lock('k', { ttl }).acquire()
    expect(taken.token).toBeGreaterThan(stale.token)
    store.heal()
    expect(await stale.release()).toBe(false)
    await time.advance(10_000)
    expect(taken.active).toBe(true)
  })

  test('reports a store that fails, ends the lease all the same, and frees the key in the background', async () => {
    const { holdfast, time, store } = world()
    const lease = await holdfast.lock('k', { ttl }).acquire()
    store.next('release', { fail: 'unknown' })
    expect(await rejection(lease.release())).toMatchObject({ code: 'STORE_FAILED', key: 'k', operation: 'release' })
    expect(lease.active).toBe(false)
    await time.advance(1000)
    expect(await holdfast.lock('k').isLocked()).toBe(false)
  })

  test('of a handle frees only what it acquired', async () => {
    const { holdfast, other } = world()
    const mine = holdfast.lock('k')
    expect(await mine.release()).toBe(false)
    const theirs = other().lock('k')
    await theirs.acquire()
    expect(await mine.release()).toBe(false)
    expect(await theirs.release()).toBe(true)
    expect(await theirs.release()).toBe(false)
  })
})

describe('the end of run', () => {
  test('takes no longer than the time limit of a call when the store is dead, and does not fail the work', async () => {
    const { holdfast, time, store, warnings } = world()
    store.always('release', { request: 'lost' })
    const run = holdfast.lock('k', { ttl }).run(() => 'done')
    await time.advance(ttl / 3 + 1)
    expect(await run).toBe('done')
    expect(warnings.some((text) => text.includes('The work is done'))).toBe(true)
  })

  test('throws LockLostError with the result when the hold was lost', async () => {
    const { holdfast, time, store } = world()
    const error = await rejection(
      holdfast.lock('k', { ttl }).run(async () => {
        store.always('renew', { request: 'lost' })
        await time.advance(ttl)
        return 42
      }),
    )
    expect(error).toBeInstanceOf(LockLostError)
    expect(error).toMatchObject({ code: 'LOCK_LOST', result: 42, key: 'k' })
  })

  test('throws LockLostError when only the release finds that the store forgot', async () => {
    const { holdfast, records } = world()
    const error = await rejection(
      holdfast.lock('k', { ttl }).run(() => {
        records.release('holdfast:k', ownerOf(records, 'holdfast:k'))
        return 42
      }),
    )
    expect(error).toMatchObject({ code: 'LOCK_LOST', result: 42 })
  })

  test('only warns with onLost: warn', async () => {
    const { holdfast, time, warnings } = world()
    const result = await holdfast.lock('k', { ttl, onLost: 'warn' }).run(() => {
      time.stall(ttl)
      return 42
    })
    expect(result).toBe(42)
    expect(warnings.some((text) => text.includes('lost'))).toBe(true)
  })

  test('throws what the body threw, lost or not', async () => {
    const { holdfast, time } = world()
    const failure = new Error('the body failed')
    const run = holdfast.lock('k', { ttl }).run(() => {
      time.stall(ttl)
      throw failure
    })
    expect(await rejection(run)).toBe(failure)
  })

  test('await using throws LockLostError as run does', async () => {
    const { holdfast, time } = world()
    const scope = async (): Promise<void> => {
      await using lease = await holdfast.lock('k', { ttl }).acquire()
      time.stall(ttl)
      expect(lease.active).toBe(false)
    }
    expect(await rejection(scope())).toMatchObject({ code: 'LOCK_LOST' })
  })
})

describe('a forced release', () => {
  test('tells a holder of the same process before it resolves, and the result of the body stands', async () => {
    const { holdfast, warnings } = world()
    const run = holdfast.lock('k').run(async (lease) => {
      expect(await holdfast.lock('k').forceRelease()).toBe(true)
      expect(lease.signal.reason).toMatchObject({ code: 'LOCK_REVOKED' })
      return 'done'
    })
    expect(await run).toBe('done')
    expect(warnings.some((text) => text.includes('by force'))).toBe(true)
    expect(await holdfast.lock('k').forceRelease()).toBe(false)
  })

  test('tells a holder of another process by a notice', async () => {
    const { holdfast, other } = world()
    const lease = await holdfast.lock('k').acquire()
    await other().lock('k').forceRelease()
    expect(lease.signal.reason).toMatchObject({ code: 'LOCK_REVOKED' })
    expect(await lease.release()).toBe(false)
  })

  test('is told as a loss when the notice got lost and the store cannot say', async () => {
    const { holdfast, store, other, time } = world()
    store.loseNotices()
    const lease = await holdfast.lock('k', { ttl }).acquire()
    await other().lock('k').forceRelease()
    expect(lease.active).toBe(true)
    await time.advance(ttl / 3 + 1)
    expect(lease.signal.reason).toMatchObject({ code: 'LOCK_LOST' })
  })
})

test('a failed store is never taken for a locked key', async () => {
  const { holdfast, store } = world()
  store.always('acquire', { fail: 'not-applied' })
  const error = await rejection(holdfast.lock('k').acquire())
  expect(error).toBeInstanceOf(StoreError)
  expect(await rejection(holdfast.lock('k').tryAcquire())).toMatchObject({ code: 'STORE_FAILED', operation: 'acquire' })
})

function ownerOf(
  records: { inspect(key: string): { holders: readonly { owner: string }[] } | undefined },
  key: string,
): string {
  const owner = records.inspect(key)?.holders[0]?.owner
  if (owner === undefined) throw new TypeError(`nobody holds ${key}`)
  return owner
}

test('a hold that reached its expire is never told as lost, though the clock ticks between two looks', async () => {
  let nowMs = 0
  let stepMs = 0
  const clock = (): number => (nowMs += stepMs)
  const env = {
    ...virtualEnv(),
    nowMs: clock,
    wallMs: clock,
    bootMs: () => Number.NaN,
    setTimer: () => ({ clear: () => undefined }),
  }
  const { lock } = createHoldfast({ env: { ...env, randomId: () => 'x'.repeat(22), random: () => 0.5 } })
  const lease = await lock('k', { expire: 200 }).acquire()
  nowMs = 199.99
  stepMs = 0.004
  while (lease.active);
  expect(lease.signal.reason).toMatchObject({ code: 'LOCK_EXPIRED' })
})

test('opening a store does not count in the time limit of a call', async () => {
  const { holdfast, store, time } = world()
  for (const wait of [false, true]) {
    let opened = false
    const opening = new Promise<void>((resolve) => {
      const open = (): void => {
        opened = true
        resolve()
      }
      time.setTimer(open, 800, true)
    })
    store.ready = () => (opened ? undefined : opening)
    const acquired = holdfast.lock(`k${String(wait)}`, { ttl: 300, wait }).acquire()
    await time.advance(900)
    expect((await acquired).active).toBe(true)
  }
})
