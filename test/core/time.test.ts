import { createHoldfast } from 'holdfast'
import { type FaultPlan, faulty, type VirtualEnv } from 'holdfast/testing'
import { describe, expect, test, vi } from 'vitest'
import { elapsedMs, markOf, realEnv } from '../../src/core/env.js'
import { Timers } from '../../src/core/timers.js'
import { rejection, world } from '../support/world.js'

const dayMs = 24 * 3_600_000

/** A machine whose time since boot comes in steps, as Linux tells it. */
function coarse(): VirtualEnv {
  const { time } = world()
  const bootMs = time.bootMs.bind(time)
  return Object.assign(time, { bootMs: () => Math.floor(bootMs() / 10) * 10, bootStepMs: 10 })
}

describe('elapsed time', () => {
  test('is the largest of what three clocks say', () => {
    const { time } = world()
    const mark = markOf(time, true)
    time.stall(100)
    expect(elapsedMs(time, mark)).toBe(100)
    time.advanceWall(-70) // a clock that is set back takes nothing away
    expect(elapsedMs(time, mark)).toBe(100)
    time.advanceWall(570)
    expect(elapsedMs(time, mark)).toBe(600)
    time.advanceWall(-5_000)
    time.suspend(2_000)
    expect(elapsedMs(time, mark)).toBe(2_100)
  })

  test.each([
    [1_994, -1_994],
    [1_994, -5_000],
    [1_999.5, -2_003],
    [7, -20],
    [19, -300],
  ])(
    'counts all of a suspend of %s ms that the wall clock hides, though the time since boot comes in steps',
    (ms, back) => {
      for (let begun = 0; begun < 10; begun += 0.5) {
        const env = coarse()
        env.stall(begun)
        const mark = markOf(env, true)
        for (let looks = 1; looks <= 3; looks++) {
          env.stall(3)
          elapsedMs(env, mark)
        }
        env.suspend(ms)
        env.advanceWall(back)
        markOf(env, true)
        env.stall(50)
        const passedMs = ms + 59
        expect(elapsedMs(env, mark)).toBeGreaterThanOrEqual(passedMs)
        expect(elapsedMs(env, mark)).toBeLessThanOrEqual(passedMs + 22)
      }
    },
  )

  test.each([3, 8, 12.9, 16.1, 29])('counts a suspend of %s ms for what came before it, and not again later', (ms) => {
    for (let begun = 0; begun < 10; begun += 0.5) {
      const env = coarse()
      env.stall(begun)
      const before = markOf(env, true)
      env.suspend(ms)
      const after = markOf(env)
      expect(elapsedMs(env, before)).toBeGreaterThanOrEqual(Math.floor(ms))
      for (let looks = 1; looks <= 20; looks++) {
        env.stall(1.3)
        markOf(env, true)
      }
      expect(elapsedMs(env, after)).toBeLessThan(27.5) // 20 times 1.3, and the wall clock counts whole milliseconds
    }
  })

  test('does not take the steps of the time since boot for suspends', () => {
    const env = coarse()
    const mark = markOf(env, true)
    for (let looks = 1; looks <= 1_000; looks++) {
      env.stall(0.7)
      markOf(env, true)
    }
    expect(elapsedMs(env, mark)).toBeCloseTo(700, 6)
  })

  test('counts on the clocks of this machine as they do', () => {
    const mark = markOf(realEnv, true)
    realEnv.sleepSync(30)
    const passedMs = elapsedMs(realEnv, mark)
    expect(passedMs).toBeGreaterThanOrEqual(20)
    expect(passedMs).toBeLessThan(10_000)
    expect(realEnv.bootMs()).toBeGreaterThan(realEnv.nowMs())
  })
})

describe('a machine that wakes from sleep', () => {
  test.each(['1s', '10s', '5m'] as const)('tells its holders at their next timer: ttl %s', async (ttl) => {
    const { time, store, holdfast, warnings } = world()
    const lease = await holdfast.lock('key', { ttl }).acquire()
    const { signal } = lease
    await time.advance(1)
    store.always('renew', { request: 'lost' }) // whoever slept is told by its own clock, not by the store
    time.suspend(dayMs)
    expect(signal.aborted).toBe(false) // nothing has looked yet
    await time.advance({ '1s': 1_000, '10s': 10_000, '5m': 300_000 }[ttl] / 3)
    expect(signal.aborted).toBe(true)
    expect(signal.reason).toMatchObject({ code: 'LOCK_LOST' })
    expect(warnings).toHaveLength(1)
    await holdfast.close()
  })

  test('knows it at once when it looks, even if the wall clock was set back meanwhile', async () => {
    const { time, holdfast } = world()
    const handle = holdfast.lock('key', { ttl: '9s' })
    const lease = await handle.acquire()
    await time.advance(3_000) // renewed: from now on the lease is counted by the slow clock too
    time.suspend(10_000)
    time.advanceWall(-3_600_000)
    expect(() => lease.assertActive()).toThrow(expect.objectContaining({ code: 'LOCK_LOST' }) as Error)
    expect(lease.active).toBe(false)
    await holdfast.close()
  })

  test('does not take what it holds without a ttl for lost', async () => {
    const { time, records } = world()
    const holdfast = createHoldfast({ store: records, env: time })
    const lease = await holdfast.lock('key').acquire()
    time.suspend(30 * dayMs)
    expect(() => lease.assertActive()).not.toThrow()
    await holdfast.close()
  })
})

describe('a ttl', () => {
  test('of thirty days is renewed every ten, and holds', async () => {
    const { time, store, holdfast } = world()
    const lease = await holdfast.lock('key', { ttl: '720h' }).acquire()
    await time.advance(10 * dayMs - 1_000)
    expect(renewals()).toBe(0)
    await time.advance(90 * dayMs)
    expect(renewals()).toBe(9)
    expect(lease.active).toBe(true)
    await lease.release()
    await holdfast.close()

    function renewals(): number {
      return store.calls.filter(({ operation }) => operation === 'renew').length
    }
  })

  test.each([1, '1ms', 99, 0, -1] as const)('of %s is refused, and the least is named', (ttl) => {
    const { holdfast } = world()
    expect(() => holdfast.lock('key', { ttl: ttl as number })).toThrow(
      expect.objectContaining({
        code: 'INVALID_OPTION',
        message: expect.stringContaining('100 ms') as string,
      }) as Error,
    )
  })
})

describe('renewal never runs tight', () => {
  const ttls = [100, 101, 150, 250, 500, 1_000, 10_000, 60_000, 3_600_000, 30 * dayMs]
  const faults = {
    'a store that answers': undefined,
    'a store that throws at once': { fail: 'unknown' },
    'a store that refuses at once': { fail: 'not-applied' },
    'a store that is silent': { request: 'lost' },
  } as const

  for (const [store, fault] of Object.entries(faults)) {
    test.each(ttls)(`with ${store}: ttl %s ms`, async (ttlMs) => {
      let renewals = 0
      const plan: FaultPlan = ({ operation }) => {
        if (operation !== 'renew') return undefined
        renewals++
        return fault
      }
      const { time, store: server } = world()
      const { lock, close } = createHoldfast({ store: faulty(server, { env: time, plan }), env: time })
      await lock('key', { ttl: ttlMs }).acquire()
      await time.advance(ttlMs / 3)
      const spanMs = Math.min(ttlMs, 600_000)
      await time.advance(spanMs)
      expect(renewals).toBeGreaterThan(0)
      // every third of a lease, and after a failure a twentieth of it at the least, 10 ms to half a second
      const leastPauseMs = fault === undefined ? ttlMs / 3 : Math.min(Math.max(ttlMs / 20, 10), 500)
      expect(renewals).toBeLessThanOrEqual(Math.ceil(spanMs / leastPauseMs) + 2)
      await close()
    })
  }

  test('with a store that says no: once, and the hold is over', async () => {
    const { time, store, records, holdfast } = world()
    await holdfast.lock('key', { ttl: 100 }).acquire()
    records.forceRelease('holdfast:key')
    await time.advance(10_000)
    expect(store.calls.filter(({ operation }) => operation === 'renew').length).toBeLessThanOrEqual(1)
    await holdfast.close()
  })

  test('with an expire a moment ahead', async () => {
    const { time, store, holdfast } = world()
    const body = holdfast.lock('key', { ttl: 100, expire: 1_000 }).run(() => time.advance(1_500))
    await rejection(body).catch(() => undefined)
    expect(store.calls.filter(({ operation }) => operation === 'renew').length).toBeLessThanOrEqual(32)
    await holdfast.close()
  })
})

describe('a timer', () => {
  test.each([2 ** 31 - 1, 2 ** 31, 30 * dayMs, 400 * dayMs])(
    'of %s ms fires then, and not at once',
    async (delayMs) => {
      vi.useFakeTimers()
      try {
        let firedAtMs = Number.NaN
        const startMs = performance.now()
        new Timers().set(() => (firedAtMs = performance.now() - startMs), delayMs, false)
        await vi.advanceTimersByTimeAsync(delayMs - 1)
        expect(firedAtMs).toBeNaN()
        await vi.advanceTimersByTimeAsync(1)
        expect(firedAtMs).toBe(delayMs)
      } finally {
        vi.useRealTimers()
      }
    },
  )
})
