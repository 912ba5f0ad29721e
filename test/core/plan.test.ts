import { describe, expect, test } from 'vitest'
import {
  failureRetryMs,
  heartbeatMs,
  nextDelayMs,
  queueMs,
  renewAfterMs,
  renewRetryMs,
  storeTimeoutMs,
  trustedMs,
} from '../../src/core/plan.js'
import { asksAlike, isPassable, isTimed, leaseMs, outlives, type Terms } from '../../src/core/terms.js'

describe('the plan', () => {
  test('trusts a lease of another machine for a little less than its length, and that of this process to its end', () => {
    expect(trustedMs(1000, 'process')).toBe(1000)
    expect(trustedMs(1000, 'machine')).toBe(988)
    expect(trustedMs(30_000, 'network')).toBe(29_698)
  })

  test('renews at a third of the lease, and gives a call of the store as long, five seconds at most', () => {
    expect(renewAfterMs(900)).toBe(300)
    expect(storeTimeoutMs(900)).toBe(300)
    expect(storeTimeoutMs(60_000)).toBe(5000)
    expect(storeTimeoutMs(null)).toBe(5000)
  })

  test.each([
    [100, 20],
    [5_000, 500],
    [30_000, 1_000],
  ])('tries a renewal of %i ms that failed again after %i ms, or down to half of that', (ttlMs, longestMs) => {
    expect(renewRetryMs(ttlMs, 0)).toBe(longestMs)
    expect(renewRetryMs(ttlMs, 0.5)).toBe(longestMs * 0.75)
    expect(renewRetryMs(ttlMs, 1)).toBe(longestMs / 2)
  })

  test('tries an acquire that failed again after a pause that doubles up to half a second', () => {
    const pauses = [0, 1, 2, 3, 4, 5, 6, 100].map((failures) => failureRetryMs(failures, 0))
    expect(pauses).toEqual([10, 20, 40, 80, 160, 320, 500, 500])
    expect(failureRetryMs(3, 0.5)).toBe(60)
    expect(failureRetryMs(3, 1)).toBe(40)
  })

  test('keeps a place in a queue for three heartbeats; in memory, for a day', () => {
    expect(queueMs('network')).toBe(2700)
    expect(queueMs('machine')).toBe(2700)
    expect(queueMs('process')).toBe(24 * 3_600_000)
    expect(heartbeatMs('network')).toBe(900)
  })

  const asked = { freeInMs: undefined, queued: false, refusals: 0, random: 0 }

  test('asks a store that is polled more and more rarely, up to four times a second', () => {
    const pauses = [0, 1, 2, 7, 8, 10, 100].map((refusals) => nextDelayMs('network', { ...asked, refusals }))
    expect(pauses).toEqual([10, 15, 22.5, 170.859375, 250, 250, 250])
    expect(nextDelayMs('network', { ...asked, random: 0.5 })).toBe(7.5)
    expect(nextDelayMs('network', { ...asked, random: 1 })).toBe(5)
  })

  test('asks again when the holder ends, if that is sooner', () => {
    expect(nextDelayMs('network', { ...asked, refusals: 20, freeInMs: 99 })).toBe(100)
    expect(nextDelayMs('network', { ...asked, refusals: 20, freeInMs: -5 })).toBe(1)
    expect(nextDelayMs('network', { ...asked, refusals: 20, freeInMs: 1_000 })).toBe(250)
    expect(nextDelayMs('network', { ...asked, queued: true, freeInMs: 99 })).toBe(100)
    expect(nextDelayMs('network', { ...asked, queued: true, freeInMs: 5_000 })).toBe(900)
    expect(nextDelayMs('network', { ...asked, queued: true })).toBe(900)
  })
})

describe('what a handle asks for', () => {
  const terms: Terms = {
    key: 'k',
    storeKey: 'holdfast:k',
    ttlMs: 1000,
    expireMs: undefined,
    minHoldMs: 0,
    onLost: 'throw',
    label: undefined,
    limit: 1,
    permits: 1,
    storeTimeoutMs: 300,
    maxWaiters: 10,
    passes: true,
  }

  test.each([
    ['the ttl', {}, 0, 1000],
    ['the ttl, later as well', {}, 700, 1000],
    ['no lease', { ttlMs: null }, 0, null],
    ['the least hold, while that is longer', { minHoldMs: 5000 }, 1000, 4000],
    ['the ttl, when little is left of the least hold', { minHoldMs: 5000 }, 4500, 1000],
    ['what is left to the limit', { expireMs: 1500 }, 600, 900],
    ['the ttl, far from the limit', { expireMs: 9000 }, 600, 1000],
    ['a millisecond, at the limit', { expireMs: 1500 }, 2000, 1],
    ['the limit alone', { ttlMs: null, expireMs: 1500 }, 600, 900],
    ['no lease for a least hold alone', { ttlMs: null, minHoldMs: 500 }, 0, null],
  ] as const)('is a lease of %s', (_, some, spentMs, expected) => {
    expect(leaseMs({ ...terms, ...some }, spentMs)).toBe(expected)
  })

  test('may be handed over within the process when its kind allows it and it has no limits of its own', () => {
    expect(isPassable(terms)).toBe(true)
    expect(isPassable({ ...terms, passes: false })).toBe(false)
    expect(isPassable({ ...terms, expireMs: 5000 })).toBe(false)
    expect(isPassable({ ...terms, minHoldMs: 50 })).toBe(false)
  })

  test('needs clocks for a lease, a limit or a least hold alone', () => {
    const untimed = { ...terms, ttlMs: null }
    expect(isTimed(untimed)).toBe(false)
    for (const some of [{ ttlMs: 900 }, { expireMs: 900 }, { minHoldMs: 900 }])
      expect(isTimed({ ...untimed, ...some })).toBe(true)
  })

  test('outlives its release with a least hold, or with one to come', () => {
    expect(outlives(terms)).toBe(false)
    expect(outlives({ ...terms, minHoldMs: 1 })).toBe(true)
    expect(outlives({ ...terms, minHoldLater: true })).toBe(true)
    expect(outlives({ ...terms, minHoldLater: false })).toBe(false)
  })

  test('is the same to the store when all that it is told is', () => {
    expect(asksAlike(terms, { ...terms, label: 'other', onLost: 'warn' })).toBe(true)
    const others = [{ limit: 2 }, { permits: 2 }, { ttlMs: 2 }, { expireMs: 2 }, { minHoldMs: 2 }, { passes: false }]
    for (const other of others) {
      expect(asksAlike(terms, { ...terms, ...other })).toBe(false)
    }
  })
})
