import { describe, expect, test } from 'vitest'
import { Deadline, type Start } from '../../src/core/deadline.js'
import { betweenMs, type Mark } from '../../src/core/env.js'
import type { Hold } from '../../src/core/hold.js'
import type { Capabilities } from '../../src/core/store.js'
import type { Terms } from '../../src/core/terms.js'

/** A moment at which all clocks say the same, `asleepMs` of suspend left aside. */
const at = (nowMs: number, asleepMs = 0): Mark => ({ nowMs, wallMs: nowMs + asleepMs, bootAheadMs: asleepMs })

function deadlineOf(some: Partial<Terms>, scope: Capabilities['scope'], start: Start, selfRenewal?: object): Deadline {
  const terms: Partial<Terms> = { ttlMs: 900, expireMs: undefined, minHoldMs: 0, ...some }
  const store = { capabilities: { scope }, selfRenewal }
  return new Deadline({ terms, space: { store } } as unknown as Hold, start) // all that it looks at
}

describe('the time between two moments', () => {
  test('is the longest that any clock says', () => {
    const from = { nowMs: 100, wallMs: 1_000, bootAheadMs: 10 }
    expect(betweenMs(from, { nowMs: 150, wallMs: 1_020, bootAheadMs: 10 })).toBe(50)
    expect(betweenMs(from, { nowMs: 150, wallMs: 1_070, bootAheadMs: 10 })).toBe(70)
    expect(betweenMs(from, { nowMs: 150, wallMs: 1_070, bootAheadMs: 60 })).toBe(100)
    expect(betweenMs(from, { nowMs: 150, wallMs: 1_170, bootAheadMs: 60 })).toBe(170)
    expect(betweenMs(from, { nowMs: 150, wallMs: 1_070, bootAheadMs: Number.NaN })).toBe(70) // where there is no such clock
  })
})

describe('a deadline', () => {
  test('is that of the lease, counted from its request, less what clocks may drift', () => {
    const deadline = deadlineOf({}, 'network', { mark: at(100) })
    expect(deadline.overdue(at(100 + 888.9))).toBeUndefined()
    expect(deadline.overdue(at(100 + 889))).toBe('LOCK_LOST')
    expect(deadline.remainingMs(at(200))).toBe(789)
    expect(deadline.remainingMs(at(2_000))).toBe(0)
  })

  test('is that of expire, where it comes first or with the end of the lease', () => {
    const sooner = deadlineOf({ expireMs: 500 }, 'process', { mark: at(100) })
    expect(sooner.overdue(at(599))).toBeUndefined()
    expect(sooner.overdue(at(600))).toBe('LOCK_EXPIRED')
    expect(sooner.remainingMs(at(200))).toBe(400)
    const later = deadlineOf({ expireMs: 5_000 }, 'process', { mark: at(100) })
    expect(later.overdue(at(1_000))).toBe('LOCK_LOST')
    expect(later.remainingMs(at(200))).toBe(800)
    const without = deadlineOf({ ttlMs: null, expireMs: 500 }, 'process', { mark: at(100), leaseMs: null })
    expect(without.overdue(at(599))).toBeUndefined()
    expect(without.overdue(at(600))).toBe('LOCK_EXPIRED')
  })

  test('counts expire from the grant, where that was later than the request', () => {
    const deadline = deadlineOf({ expireMs: 600 }, 'process', { mark: at(100), since: at(400) })
    expect(deadline.since).toEqual(at(400))
    expect(deadline.remainingMs(at(500))).toBe(200)
    deadline.extend(at(600), 900)
    expect(deadline.overdue(at(999))).toBeUndefined()
    expect(deadline.overdue(at(1_000))).toBe('LOCK_EXPIRED')
  })

  test('is that of expire also where the last renewal ends a rounding error before it', () => {
    const deadline = deadlineOf({ expireMs: 1_000 }, 'process', { mark: at(100) })
    deadline.extend(at(400), 699.999_999_9)
    expect(deadline.overdue(at(1_099.999_999))).toBeUndefined()
    expect(deadline.overdue(at(1_099.999_999_95))).toBe('LOCK_EXPIRED')
  })

  test('is that of the lease, where it ends a millisecond before expire', () => {
    const deadline = deadlineOf({ expireMs: 1_000 }, 'process', { mark: at(100) })
    deadline.extend(at(400), 699)
    expect(deadline.overdue(at(1_099))).toBe('LOCK_LOST')
  })

  test('keeps one moment in place of two, unless a limit or a least hold is counted from the first', () => {
    const limits = [{}, { expireMs: 5_000 }, { minHoldMs: 5_000 }]
    for (const limit of limits) {
      const deadline = deadlineOf(limit, 'process', { mark: at(0) })
      deadline.extend(at(300), 900)
      expect(deadline.since).toEqual(limit === limits[0] ? at(300) : at(0))
      expect(deadline.since === deadline.leased).toBe(limit === limits[0])
    }
  })

  test('moves with a renewal', () => {
    const deadline = deadlineOf({}, 'process', { mark: at(0) })
    expect(deadline.renewAtMs).toBe(300)
    deadline.extend(at(300), 900)
    expect(deadline.leased).toEqual(at(300))
    expect(deadline.renewAtMs).toBe(600)
    expect(deadline.overdue(at(1_199))).toBeUndefined()
    expect(deadline.overdue(at(1_200))).toBe('LOCK_LOST')
  })

  test('has its renewal at a third of the shorter of ttl and lease', () => {
    const short = deadlineOf({ ttlMs: 9_000 }, 'process', { mark: at(0), leaseMs: 3_000 })
    expect(short.leaseMs).toBe(3_000)
    expect(short.renewAtMs).toBe(1_000)
    const long = deadlineOf({ minHoldMs: 60_000 }, 'process', { mark: at(0) })
    expect(long.leaseMs).toBe(60_000)
    expect(long.renewAtMs).toBe(300)
  })

  test('needs no renewal when the lease lasts to the limit, or when there is none', () => {
    expect(deadlineOf({ expireMs: 500 }, 'process', { mark: at(0) }).renewAtMs).toBeUndefined()
    expect(deadlineOf({ ttlMs: null, expireMs: 500 }, 'process', { mark: at(0) }).renewAtMs).toBeUndefined()
    const lent = deadlineOf({ ttlMs: null, expireMs: 500 }, 'process', { mark: at(0), leaseMs: 200 })
    expect([lent.renewAtMs, lent.nextAtMs()]).toEqual([undefined, 200])
    const withoutLease = deadlineOf({}, 'process', { mark: at(0), leaseMs: null })
    expect(withoutLease.renewAtMs).toBeUndefined()
    expect(withoutLease.remainingMs(at(1e9))).toBe(Number.POSITIVE_INFINITY)
  })

  test('is looked at when the next renewal is due, or when it comes while one is under way', () => {
    const deadline = deadlineOf({ expireMs: 5_000 }, 'process', { mark: at(0) })
    expect(deadline.nextAtMs()).toBe(300)
    deadline.renewing = true
    expect(deadline.nextAtMs()).toBe(900)
    deadline.extend(at(4_500), 900)
    expect(deadline.nextAtMs()).toBe(5_000)
  })

  test('leaves a fresh lease until half of it is over', () => {
    const deadline = deadlineOf({}, 'process', { mark: at(0) })
    expect(deadline.isFresh(at(450))).toBe(true)
    expect(deadline.isFresh(at(451))).toBe(false)
  })

  test('moves when the store has renewed by itself, unless that is over too or is old news', () => {
    const deadline = deadlineOf({}, 'process', { mark: at(1_000) }, {})
    expect(deadline.renewedElsewhere(at(2_000), 1_000)).toBe(false)
    expect(deadline.renewedElsewhere(at(2_000), 900)).toBe(false)
    expect(deadline.renewedElsewhere(at(1_800), 850)).toBe(false)
    expect(deadline.renewedElsewhere(at(1_800), 800)).toBe(false) // that of the start, known already
    expect(deadline.leased).toEqual(at(1_000))
    expect(deadline.renewedElsewhere(at(2_000), 400)).toBe(true)
    expect(deadline.leased).toEqual(at(1_600))
    expect(deadline.overdue(at(2_499))).toBeUndefined()
    expect(deadline.overdue(at(2_500))).toBe('LOCK_LOST')
  })

  test('counts a suspend since the last look as one that came after the renewal', () => {
    const deadline = deadlineOf({}, 'process', { mark: at(1_000) }, {})
    expect(deadline.renewedElsewhere(at(1_500, 600), 300)).toBe(false) // 600 of sleep and 300 are as long as the lease
    expect(deadline.renewedElsewhere(at(1_600, 600), 100)).toBe(true) // no sleep since
    expect(deadline.leased).toEqual(at(1_500, 600))
    expect(deadline.renewedElsewhere(at(1_700, 1_100), 100)).toBe(true)
    expect(deadline.leased).toEqual({ nowMs: 1_600, wallMs: 2_200, bootAheadMs: 600 })
    expect(deadline.overdue(at(1_999, 1_100))).toBeUndefined()
    expect(deadline.overdue(at(2_000, 1_100))).toBe('LOCK_LOST')
    deadline.extend(at(2_000, 3_000), 900)
    expect(deadline.renewedElsewhere(at(2_100, 3_000), 50)).toBe(true) // that of the core was after the sleep
  })
})
