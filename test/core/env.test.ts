import { hostname, uptime } from 'node:os'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { type Env, type Mark, markOf, realEnv } from '../../src/core/env.js'

describe('the real world', () => {
  afterEach(() => {
    vi.unstubAllGlobals()
  })

  /** That of a process on another platform: the module, loaded anew. */
  async function envOn(platform: string): Promise<Env> {
    const path = `../../src/core/env.js?${platform}`
    vi.stubGlobal('process', Object.create(process, { platform: { value: platform } }))
    const module = (await import(/* @vite-ignore */ path)) as { realEnv: Env }
    return module.realEnv
  }

  test.each([
    ['linux', 10, 0],
    ['freebsd', 1_000, 0],
    ['win32', 16, 0],
    ['darwin', 2_000, 1_000],
  ])(
    'on %s knows its time since boot, which comes in steps of %i ms, %i ms behind',
    async (platform, stepMs, behindMs) => {
      const env = await envOn(platform)
      expect(env.bootStepMs).toBe(stepMs)
      const before = uptime() * 1000 - behindMs
      const readMs = env.bootMs()
      expect(readMs).toBeGreaterThanOrEqual(before)
      expect(readMs).toBeLessThanOrEqual(uptime() * 1000 - behindMs)
    },
  )

  test('has the clocks of Node', () => {
    const before = [performance.now(), Date.now()]
    const read = [realEnv.nowMs(), realEnv.wallMs()]
    const after = [performance.now(), Date.now()]
    for (const [index, ms] of read.entries()) {
      expect(ms).toBeGreaterThanOrEqual(before[index] ?? Number.NaN)
      expect(ms).toBeLessThanOrEqual(after[index] ?? Number.NaN)
    }
  })

  test('says where it is', () => {
    expect([realEnv.host, realEnv.pid]).toEqual([hostname(), process.pid])
  })

  test('has ids of 128 bits that never come twice, and numbers below 1', () => {
    const ids = Array.from({ length: 1_000 }, () => realEnv.randomId())
    for (const id of ids) expect(id).toMatch(/^[\w-]{22}$/)
    expect(new Set(ids).size).toBe(ids.length)
    const numbers = Array.from({ length: 1_000 }, () => realEnv.random())
    for (const number of numbers) expect(number >= 0 && number < 1).toBe(true)
    expect(new Set(numbers).size).toBeGreaterThan(900)
  })

  test('blocks the thread for as long as it is told', () => {
    const before = performance.now()
    realEnv.sleepSync(25)
    expect(performance.now() - before).toBeGreaterThanOrEqual(24)
  })

  test('performs a task later, once', async () => {
    const done: string[] = []
    realEnv.setImmediate(() => void done.push('soon'))
    realEnv.setTimer(() => void done.push('cleared'), 5, false).clear()
    expect(done).toEqual([])
    await new Promise<void>((resolve) => void realEnv.setTimer(resolve, 10, true))
    expect(done).toEqual(['soon'])
  })
})

describe('a moment', () => {
  /** Clocks that are set by hand. */
  const setUp = (bootStepMs?: number) => {
    const clocks = { nowMs: 1_000, wallMs: 1e12, bootMs: 500_000 }
    let read = 0
    const env: Partial<Env> = {
      nowMs: () => clocks.nowMs,
      wallMs: () => clocks.wallMs,
      bootMs: () => (read++, clocks.bootMs),
      ...(bootStepMs === undefined ? {} : { bootStepMs }),
    }
    const pass = (nowMs: number, wallMs = nowMs, bootMs = nowMs): void => {
      clocks.nowMs += nowMs
      clocks.wallMs += wallMs
      clocks.bootMs += bootMs
    }
    const mark = (strict?: boolean): Mark => markOf(env as Env, strict)
    return { pass, mark, slow: () => read }
  }

  test.each([
    [2, 0],
    [-2, 0],
    [2.5, 1],
    [-2.5, 1],
  ])('asks the slow clock when the two others disagree by more than 2 ms: %s ms', (wallMs, times) => {
    const { pass, mark, slow } = setUp()
    mark()
    expect(slow()).toBe(1)
    pass(100)
    mark()
    expect(slow()).toBe(1)
    pass(0, wallMs)
    mark()
    expect(slow()).toBe(1 + times)
    mark()
    expect(slow()).toBe(1 + times) // they agree again
  })

  test('asks the slow clock each time when that is wanted', () => {
    const { mark, slow } = setUp()
    for (let times = 0; times < 3; times++) mark(true)
    expect(slow()).toBe(3)
  })

  test('tells a suspend by the slow clock, to the millisecond where that has no steps', () => {
    const { pass, mark } = setUp()
    const before = mark(true)
    pass(50)
    pass(0, 700, 700)
    const after = mark()
    expect(after.bootAheadMs - before.bootAheadMs).toBe(700)
    pass(50)
    expect(mark(true).bootAheadMs).toBe(after.bootAheadMs)
  })
  test('takes a slow clock that is a millisecond off for no suspend, and one that is further for one', () => {
    const { pass, mark } = setUp()
    const before = mark(true)
    pass(50, 50, 51)
    expect(mark(true).bootAheadMs).toBe(before.bootAheadMs)
    pass(50, 50, 51.5)
    expect(mark(true).bootAheadMs - before.bootAheadMs).toBe(2)
  })

  test.each([
    [-4, 0],
    [-5, 10],
    [4, 0],
    [5, 10],
  ])(
    'counts a step of the slow clock when the wall clock jumped, behind which it may hide: %s ms',
    (wallMs, countedMs) => {
      const { pass, mark } = setUp(10)
      const before = mark(true)
      pass(0, wallMs)
      expect(mark(true).bootAheadMs - before.bootAheadMs).toBe(countedMs)
      pass(100)
      expect(mark(true).bootAheadMs - before.bootAheadMs).toBe(countedMs) // once
    },
  )

  /** After so many looks that it is known to the millisecond how the slow clock, which comes in steps of 10 ms, stands. */
  const known = () => {
    const { pass, mark } = setUp(10)
    let bootMs = 0
    const passed = (nowMs: number, asleepMs = 0, wallMs = nowMs + asleepMs): number => {
      const before = Math.floor(bootMs / 10) * 10
      bootMs += nowMs + asleepMs
      pass(nowMs, wallMs, Math.floor(bootMs / 10) * 10 - before)
      return mark(true).bootAheadMs
    }
    for (let looks = 0; looks < 40; looks++) passed(1)
    return passed
  }

  test('counts a suspend with a step, and not with two, where the slow clock comes in steps', () => {
    const passed = known()
    const before = passed(5)
    const counted = passed(0, 1_000) - before
    expect(counted).toBeGreaterThanOrEqual(1_000)
    expect(counted).toBeLessThanOrEqual(1_011)
    for (let looks = 0; looks < 40; looks++) expect(passed(1) - before).toBe(counted)
  })

  test('counts a suspend that is shorter than a step, too', () => {
    const passed = known()
    const before = passed(0)
    passed(1, 7)
    for (let looks = 0; looks < 10; looks++) passed(1)
    expect(passed(0) - before).toBeGreaterThanOrEqual(7)
    expect(passed(0) - before).toBeLessThanOrEqual(7 + 11)
  })
  test('counts a suspend that the wall clock hides and is a little longer than a step', () => {
    for (let begun = 0; begun < 10; begun++) {
      const passed = known()
      const before = passed(begun)
      passed(0, 14, 0)
      for (let looks = 0; looks < 10; looks++) passed(1)
      expect(passed(0) - before).toBeGreaterThanOrEqual(14)
      expect(passed(0) - before).toBeLessThanOrEqual(14 + 12)
    }
  })
})
