import { describe, expect, it } from 'vitest'
import { elapsedMs, type Env, markOf } from '../../src/core/env.js'
import { virtualEnv, type VirtualEnv } from '../../src/testing/index.js'

/** Remembers what fired, and at what time. */
function diary(time: VirtualEnv): {
  entries: string[]
  after: (name: string, ms: number) => ReturnType<VirtualEnv['setTimer']>
} {
  const startMs = time.nowMs()
  const entries: string[] = []
  return {
    entries,
    after: (name, ms) => time.setTimer(() => entries.push(`${name} at ${String(time.nowMs() - startMs)}`), ms, false),
  }
}

describe('a virtual clock', () => {
  it('fires no timer before its time, not by the last digit of a number', async () => {
    const early: number[] = []
    for (let round = 0; round < 2_000; round++) {
      const time = virtualEnv()
      const [first, second] = [round + 2, round + 5_000].map((number) => Math.abs(Math.sin(number)))
      await time.advance(7_000 * (first ?? 0))
      const dueMs = time.nowMs() + 21_688
      time.setTimer(() => undefined, 20_000 * (second ?? 0), false)
      time.setTimer(() => early.push(...(time.nowMs() < dueMs ? [dueMs - time.nowMs()] : [])), 21_688, false)
      await time.advance(21_688)
    }
    expect(early).toEqual([])
  })

  it('stands still until it is told to advance', async () => {
    const time = virtualEnv()
    const { entries, after } = diary(time)
    const before = [time.nowMs(), time.wallMs(), time.bootMs()]
    after('a', 1)
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect([time.nowMs(), time.wallMs(), time.bootMs()]).toEqual(before)
    expect(entries).toEqual([])
  })

  it('fires the timers that fall due, in order and at their time', async () => {
    const time = virtualEnv()
    const { entries, after } = diary(time)
    after('third', 300)
    after('first', 100)
    after('second', 200)
    after('with third, but set later', 300)
    after('too late', 301)
    await time.advance(300)
    expect(entries).toEqual(['first at 100', 'second at 200', 'third at 300', 'with third, but set later at 300'])
    await time.advance(1)
    expect(entries).toHaveLength(5)
  })

  it('advances all three clocks alike', async () => {
    const time = virtualEnv()
    const mark = readingsOf(time)
    await time.advance(1_500.5)
    expect(time.nowMs() - mark.nowMs).toBe(1_500.5)
    expect(time.wallMs() - mark.wallMs).toBe(1_500.5)
    expect(time.bootMs() - mark.bootMs).toBe(1_500.5)
  })

  it('fires timers that were set by timers on the way', async () => {
    const time = virtualEnv()
    const { entries, after } = diary(time)
    const again = (): void => {
      after('tick', 1)
      time.setTimer(again, 100, false)
    }
    time.setTimer(again, 100, false)
    await time.advance(350)
    expect(entries).toEqual(['tick at 101', 'tick at 201', 'tick at 301'])
  })

  it('lets promise jobs and immediates run between timers', async () => {
    const time = virtualEnv()
    const { entries, after } = diary(time)
    const work = async (): Promise<void> => {
      await new Promise<void>((resolve) => void time.setTimer(resolve, 100, false))
      for (let job = 0; job < 50; job += 1) await Promise.resolve()
      await new Promise<void>((resolve) => time.setImmediate(resolve))
      await new Promise<void>((resolve) => time.setImmediate(resolve))
      after('from a job', 10)
    }
    void work()
    after('later', 150)
    await time.advance(150)
    expect(entries).toEqual(['from a job at 110', 'later at 150'])
  })

  it('runs promise jobs that were pending before it advances', async () => {
    const time = virtualEnv()
    const { entries, after } = diary(time)
    void Promise.resolve().then(() => after('asked for before', 10))
    await time.advance(10)
    expect(entries).toEqual(['asked for before at 10'])
  })

  it('lets go of a cleared timer', async () => {
    const time = virtualEnv()
    const { entries, after } = diary(time)
    const [first, second] = [after('cleared', 10), after('cleared by another', 30)]
    time.setTimer(() => second.clear(), 20, false)
    first.clear()
    first.clear()
    await time.advance(100)
    second.clear()
    expect(entries).toEqual([])
    expect(time.pendingTimers).toBe(0)
  })

  it('counts the timers that are pending, and those that keep a process alive', async () => {
    const time = virtualEnv()
    const timers = [10, 20, 30].map((ms) => time.setTimer(() => undefined, ms, ms === 20))
    expect([time.pendingTimers, time.keepAliveTimers]).toEqual([3, 1])
    await time.advance(10)
    expect([time.pendingTimers, time.keepAliveTimers]).toEqual([2, 1])
    for (const timer of timers) timer.clear()
    expect([time.pendingTimers, time.keepAliveTimers]).toEqual([0, 0])
  })

  it('keeps a timer of more than 2^31 ms, and makes one of 0 ms a timer of 1 ms', async () => {
    const time = virtualEnv()
    const { entries, after } = diary(time)
    after('in 30 days', 2_592_000_000)
    after('at once', 0)
    after('before now', -5)
    after('never a number', Number.NaN)
    await time.advance(1)
    expect(entries).toEqual(['at once at 1', 'before now at 1', 'never a number at 1'])
    await time.advance(2_592_000_000 - 2)
    expect(entries).toHaveLength(3)
    await time.advance(1)
    expect(entries).toHaveLength(4)
  })

  it('holds 30,000 timers', async () => {
    const time = virtualEnv()
    let fired = 0
    const timers = Array.from({ length: 30_000 }, (_, index) =>
      time.setTimer(() => (fired += 1), 1_000 + ((index * 7_919) % 30_000), false),
    )
    for (const timer of timers.slice(0, 29_900)) timer.clear()
    expect(time.pendingTimers).toBe(100)
    await time.advance(40_000)
    expect(fired).toBe(100)
  })
})

describe('trouble with time', () => {
  it('stalls: time passes on every clock and timers fire late', async () => {
    const time = virtualEnv()
    const { entries, after } = diary(time)
    const mark = markOf(time, true)
    after('due in the stall', 100)
    after('due after it', 600)
    time.stall(500)
    expect(elapsedMs(time, mark)).toBe(500)
    expect(entries).toEqual([])
    await time.advance(0)
    expect(entries).toEqual(['due in the stall at 500'])
    await time.advance(100)
    expect(entries).toEqual(['due in the stall at 500', 'due after it at 600'])
  })

  it('stalls within a timer, and does not go back afterwards', async () => {
    const time = virtualEnv()
    const startMs = time.nowMs()
    const { entries, after } = diary(time)
    time.setTimer(() => time.stall(1_000), 100, false)
    after('late', 150)
    after('still to come', 1_200)
    await time.advance(200)
    expect(entries).toEqual(['late at 1100'])
    expect(time.nowMs() - startMs).toBe(1_100)
  })

  it('suspends: the monotonic clock stands still, wall and boot go on', () => {
    const time = virtualEnv()
    const mark = readingsOf(time)
    time.suspend(60_000)
    expect(time.nowMs()).toBe(mark.nowMs)
    expect(time.wallMs() - mark.wallMs).toBe(60_000)
    expect(time.bootMs() - mark.bootMs).toBe(60_000)
  })

  it('jumps on the wall clock alone, in both directions', () => {
    const time = virtualEnv()
    const mark = readingsOf(time)
    time.advanceWall(-3_600_000)
    expect(time.wallMs() - mark.wallMs).toBe(-3_600_000)
    time.advanceWall(7_200_000)
    expect(time.wallMs() - mark.wallMs).toBe(3_600_000)
    expect([time.nowMs(), time.bootMs()]).toEqual([mark.nowMs, mark.bootMs])
  })

  it('sleeps with the thread blocked: time passes, no timer fires', async () => {
    const time = virtualEnv()
    const { entries, after } = diary(time)
    const mark = markOf(time, true)
    after('due in the sleep', 10)
    time.sleepSync(50)
    expect(elapsedMs(time, mark)).toBe(50)
    expect(entries).toEqual([])
    await time.advance(0)
    expect(entries).toEqual(['due in the sleep at 50'])
  })

  it('refuses to pass a time that is none', async () => {
    const time = virtualEnv()
    for (const ms of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
      await expect(time.advance(ms)).rejects.toThrow(RangeError)
      expect(() => time.stall(ms)).toThrow(RangeError)
      expect(() => time.suspend(ms)).toThrow(RangeError)
      expect(() => time.sleepSync(ms)).toThrow(RangeError)
    }
  })

  it('says so when the code under test never rests', async () => {
    const time = virtualEnv()
    let runs = 0
    const again = (): void => {
      runs += 1
      if (runs < 150_000) time.setImmediate(again)
    }
    again()
    await expect(time.advance(1)).rejects.toThrow('never rests')
    runs = 150_000
  })

  it('passes on what a timer throws', async () => {
    const time = virtualEnv()
    time.setTimer(
      () => {
        throw new Error('from a timer')
      },
      10,
      false,
    )
    await expect(time.advance(20)).rejects.toThrow('from a timer')
  })
})

describe('virtual randomness', () => {
  const sample = (time: VirtualEnv): unknown[] => [
    ...Array.from({ length: 5 }, () => time.random()),
    ...Array.from({ length: 5 }, () => time.randomId()),
  ]

  it('is the same for the same seed, and another for another', () => {
    expect(sample(virtualEnv({ seed: 7 }))).toEqual(sample(virtualEnv({ seed: 7 })))
    expect(sample(virtualEnv({ seed: 7 }))).not.toEqual(sample(virtualEnv({ seed: 8 })))
  })

  it('gives numbers from 0 to below 1, spread evenly', () => {
    const time = virtualEnv()
    const numbers = Array.from({ length: 10_000 }, () => time.random())
    expect(numbers.every((number) => number >= 0 && number < 1)).toBe(true)
    for (let tenth = 0; tenth < 10; tenth += 1) {
      const share = numbers.filter((number) => Math.floor(number * 10) === tenth).length
      expect(share).toBeGreaterThan(850)
      expect(share).toBeLessThan(1_150)
    }
  })

  it('gives ids of 22 characters of base64url, all different', () => {
    const time = virtualEnv()
    const ids = Array.from({ length: 10_000 }, () => time.randomId())
    expect(new Set(ids).size).toBe(10_000)
    expect(ids.every((id) => /^[\w-]{22}$/.test(id))).toBe(true)
  })

  it('is who and when it was told to be', () => {
    const time = virtualEnv({ host: 'node-1', pid: 42, wallMs: 5_000 })
    expect([time.host, time.pid, time.wallMs()]).toEqual(['node-1', 42, 5_000])
    expect(new Date(virtualEnv().wallMs()).toISOString()).toBe('2026-01-01T00:00:00.000Z')
  })
})

function readingsOf(time: Env): Record<'nowMs' | 'wallMs' | 'bootMs', number> {
  return { nowMs: time.nowMs(), wallMs: time.wallMs(), bootMs: time.bootMs() }
}
