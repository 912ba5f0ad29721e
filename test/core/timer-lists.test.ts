import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Timers } from '../../src/core/timers.js'

const made: NodeJS.Timeout[] = []

/** By the clock of the test; what Node's timers are like is kept in `made`. */
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'] })
  made.length = 0
  const keep =
    <Args extends unknown[]>(set: (...args: Args) => NodeJS.Timeout) =>
    (...args: Args): NodeJS.Timeout => {
      const timer = set(...args)
      made.push(timer)
      return timer
    }
  vi.stubGlobal('setInterval', keep(globalThis.setInterval))
  vi.stubGlobal('setTimeout', keep(globalThis.setTimeout))
})
afterEach(() => {
  vi.unstubAllGlobals()
  vi.useRealTimers()
})

function setUp() {
  const timers = new Timers()
  const fired: string[] = []
  const set = (name: string, delayMs: number, keepAlive = false) =>
    timers.set(() => void fired.push(name), delayMs, keepAlive)
  const keptAlive = (): boolean => made.some((timer) => timer.hasRef())
  return { timers, fired, set, keptAlive }
}

describe('timers', () => {
  test('fire when they are due, in order, and not before', () => {
    const { fired, set } = setUp()
    set('b', 20)
    set('a', 10)
    vi.advanceTimersByTime(5)
    set('c', 20)
    vi.advanceTimersByTime(4)
    expect(fired).toEqual([])
    vi.advanceTimersByTime(1)
    expect(fired).toEqual(['a'])
    vi.advanceTimersByTime(10)
    expect(fired).toEqual(['a', 'b'])
    vi.advanceTimersByTime(4)
    expect(fired).toEqual(['a', 'b'])
    vi.advanceTimersByTime(1)
    expect(fired).toEqual(['a', 'b', 'c'])
    vi.advanceTimersByTime(1_000)
    expect(fired).toHaveLength(3)
  })

  test('of the same delay share one of Node, which is gone when none is left', () => {
    const { fired, set } = setUp()
    const idle = vi.getTimerCount()
    for (const name of ['a', 'b', 'c']) set(name, 10)
    expect(vi.getTimerCount()).toBe(idle + 1)
    vi.advanceTimersByTime(10)
    expect(fired).toEqual(['a', 'b', 'c'])
    expect(vi.getTimerCount()).toBe(idle)
    set('d', 10)
    expect(vi.getTimerCount()).toBe(idle + 1)
    vi.advanceTimersByTime(10)
    expect(fired).toEqual(['a', 'b', 'c', 'd'])
  })

  test('that were cleared do not fire, wherever they stood', () => {
    const { fired, set } = setUp()
    const [a, , c, , e] = ['a', 'b', 'c', 'd', 'e'].map((name) => set(name, 10))
    c?.clear()
    a?.clear()
    e?.clear()
    e?.clear()
    vi.advanceTimersByTime(10)
    expect(fired).toEqual(['b', 'd'])
    a?.clear()
    const all = ['x', 'y'].map((name) => set(name, 10))
    for (const timer of all) timer.clear()
    set('z', 10)
    vi.advanceTimersByTime(10)
    expect(fired).toEqual(['b', 'd', 'z'])
  })

  test('of a fraction of a millisecond, or of none, take one', () => {
    const { fired, set } = setUp()
    for (const delayMs of [0.2, 0, -5]) set(String(delayMs), delayMs)
    set('1.5', 1.5)
    vi.advanceTimersByTime(1)
    expect(fired).toEqual(['0.2', '0', '-5'])
    vi.advanceTimersByTime(1)
    expect(fired).toHaveLength(4)
  })

  test('wake Node when they are due, and not before', () => {
    const { fired, set } = setUp()
    set('a', 1_000)
    vi.advanceTimersByTime(500)
    set('b', 1_000)
    const before = made.length
    vi.advanceTimersByTime(1_000)
    expect(fired).toEqual(['a', 'b'])
    expect(made).toHaveLength(before + 1) // at 1,000 for what is due at 1,500
  })

  test('may set others while they fire', () => {
    const { timers, fired, set } = setUp()
    const idle = vi.getTimerCount()
    timers.set(() => void set('next', 10), 10, false)
    set('last', 10)
    vi.advanceTimersByTime(10)
    expect(fired).toEqual(['last'])
    expect(vi.getTimerCount()).toBe(idle + 1)
    vi.advanceTimersByTime(9)
    expect(fired).toEqual(['last'])
    vi.advanceTimersByTime(1)
    expect(fired).toEqual(['last', 'next'])
  })

  test('fire though one before them throws', () => {
    const { timers, fired, set } = setUp()
    const failing = (): never => {
      throw new Error('a listener failed')
    }
    timers.set(failing, 10, false)
    set('next', 10)
    expect(() => vi.advanceTimersByTime(10)).toThrow('a listener failed')
    vi.advanceTimersByTime(1)
    expect(fired).toEqual(['next'])
  })

  test('may tell an object instead of calling a function', () => {
    const { timers } = setUp()
    let told = 0
    timers.set({ due: () => told++ }, 10, false)
    vi.advanceTimersByTime(10)
    expect(told).toBe(1)
  })

  test('keep the process alive while one is pending that is to, and else not', () => {
    const { set, keptAlive } = setUp()
    set('light', 10)
    expect(keptAlive()).toBe(false)
    const [first, second] = [set('first', 10, true), set('second', 20, true)]
    expect(keptAlive()).toBe(true)
    first.clear()
    first.clear()
    expect(keptAlive()).toBe(true)
    vi.advanceTimersByTime(20)
    expect(keptAlive()).toBe(false)
    second.clear()
    const third = set('third', 10, true)
    expect(keptAlive()).toBe(true)
    third.clear()
    expect(keptAlive()).toBe(false)
  })
})
