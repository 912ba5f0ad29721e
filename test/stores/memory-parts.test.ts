import { describe, expect, test } from 'vitest'
import { HitClock } from '../../src/stores/memory/hit-clock.js'
import { memory } from '../../src/stores/memory/memory.js'
import { Resizes } from '../../src/stores/memory/resizes.js'
import { virtualEnv } from '../../src/testing/virtual-env.js'
import { request } from '../redis/support.js'
import { thrown } from '../support/thrown.js'

const dayMs = 24 * 3_600_000

describe('the limits that a key had', () => {
  test('mean the one it has now, any of them, and others mean themselves', () => {
    const resizes = new Resizes(virtualEnv())
    expect(resizes.meant('k', 2)).toBe(2)
    resizes.remember('k', { from: 2, to: 3, inUse: true })
    resizes.remember('k', { from: 3, to: 5, inUse: true })
    expect([1, 2, 3, 4, 5].map((limit) => resizes.meant('k', limit))).toEqual([1, 5, 5, 4, 5])
    expect(resizes.meant('other', 2)).toBe(2)
    const asked = request('k', 'anna', { limit: 2, permits: 2 })
    expect(resizes.request(asked)).toEqual({ ...asked, limit: 5 })
    const right = request('k', 'anna', { limit: 5 })
    expect(resizes.request(right)).toBe(right)
    resizes.remember('k', { from: 5, to: 2, inUse: true }) // back to what it was
    expect([2, 3, 5].map((limit) => resizes.meant('k', limit))).toEqual([2, 2, 2])
  })

  test('are forgotten when a key that nobody uses is resized from another one', () => {
    for (const inUse of [false, true]) {
      const resizes = new Resizes(virtualEnv())
      resizes.remember('k', { from: 2, to: 3, inUse: false })
      resizes.remember('k', { from: 7, to: 4, inUse })
      expect([2, 3, 7].map((limit) => resizes.meant('k', limit))).toEqual(inUse ? [4, 4, 4] : [2, 3, 4])
    }
    const resizes = new Resizes(virtualEnv())
    resizes.remember('k', { from: 2, to: 3, inUse: false })
    resizes.remember('k', { from: 3, to: 4, inUse: false })
    resizes.remember('k', { from: 2, to: 5, inUse: false })
    expect([2, 3, 4].map((limit) => resizes.meant('k', limit))).toEqual([5, 5, 5])
  })

  test('are remembered for a day after the last request that meant them', async () => {
    const time = virtualEnv()
    const resizes = new Resizes(time)
    resizes.remember('k', { from: 2, to: 3, inUse: false })
    await time.advance(dayMs - 1)
    expect(resizes.meant('k', 2)).toBe(3)
    await time.advance(dayMs - 1)
    expect(resizes.meant('k', 3)).toBe(3) // says nothing of the old one
    expect(resizes.meant('k', 2)).toBe(3)
    await time.advance(dayMs)
    expect([resizes.meant('k', 2), resizes.meant('k', 2)]).toEqual([2, 2])
  })

  test('are those of a thousand keys, and 32 of each', () => {
    const resizes = new Resizes(virtualEnv())
    for (let key = 0; key < 1_000; key++) resizes.remember(`k${key}`, { from: 2, to: 3, inUse: false })
    resizes.remember('k0', { from: 3, to: 4, inUse: false }) // the last now
    expect([resizes.meant('k0', 2), resizes.meant('k1', 2)]).toEqual([4, 3])
    resizes.remember('more', { from: 2, to: 3, inUse: false })
    expect(['k0', 'k1', 'k2', 'k999', 'more'].map((key) => resizes.meant(key, 2))).toEqual([4, 2, 3, 3, 3])
    for (let limit = 1; limit <= 40; limit++) resizes.remember('k', { from: limit, to: limit + 1, inUse: true })
    expect([8, 9, 40].map((limit) => resizes.meant('k', limit))).toEqual([8, 41, 41])
  })
})

describe('a clock that is looked at millions of times a second', () => {
  const start = () => {
    const time = virtualEnv()
    let reads = 0
    const env = Object.assign(Object.create(time) as typeof time, {
      nowMs: () => {
        reads += 1
        return time.nowMs()
      },
      setImmediate: (run: () => void) => time.setImmediate(run),
    })
    const clock = new HitClock(env)
    const look = (times: number): number => {
      const before = reads
      for (let turn = 0; turn < times; turn++) clock.nowMs()
      return reads - before
    }
    return { time, clock, look }
  }

  test('is read ever less often within a turn, at each 32nd look at least, and anew in the next', async () => {
    const { time, clock, look } = start()
    expect(clock.nowMs()).toBe(time.nowMs())
    expect([2, 4, 8, 16, 32, 32, 32].map(look)).toEqual([1, 1, 1, 1, 1, 1, 1])
    look(1)
    time.stall(5)
    expect(clock.nowMs()).toBe(time.nowMs() - 5)
    await time.advance(0)
    expect(clock.nowMs()).toBe(time.nowMs())
    await time.advance(0)
    expect([look(1), look(1)]).toEqual([1, 0])
  })

  test('is read at each look where looks come less than one in a millisecond', () => {
    const { time, clock, look } = start()
    for (let turn = 0; turn < 5; turn++) {
      time.stall(1)
      expect(look(1)).toBe(1)
    }
    time.stall(1)
    expect(clock.nowMs()).toBe(time.nowMs())
  })
})

describe('values in memory', () => {
  const start = (maxValues?: number) => {
    const time = virtualEnv()
    const store = memory({ env: time, ...(maxValues !== undefined && { maxValues }) })
    const { values } = store
    if (values === undefined) throw new Error('it has them')
    const set = (key: string, content: unknown, wish: object = {}): boolean =>
      values.set(key, { content, token: 7, freshMs: 1_000, staleMs: 500, ...wish })
    const content = (key: string): unknown => values.get(key)?.content
    return { time, store, values, set, content }
  }

  test('are fresh, then stale, then gone', async () => {
    const { time, values, set } = start()
    expect(values.get('k')).toBeUndefined()
    expect(set('k', 'text')).toBe(true)
    const value = values.get('k')
    expect(value).toMatchObject({ content: 'text', token: 7, staleMs: 0 })
    await time.advance(999)
    expect(value?.staleMs).toBe(0)
    await time.advance(1)
    expect(value?.staleMs).toBe(0)
    await time.advance(499)
    expect([value?.staleMs, values.get('k')?.content]).toEqual([499, 'text'])
    await time.advance(1)
    expect(value?.staleMs).toBe(Number.POSITIVE_INFINITY)
    expect(values.get('k')).toBeUndefined()
    expect([value?.content, value?.staleMs]).toEqual([undefined, Number.POSITIVE_INFINITY])
  })

  test('may have no end', async () => {
    const { time, values, set } = start()
    set('k', 'text', { freshMs: null })
    await time.advance(100 * dayMs)
    expect(values.get('k')).toMatchObject({ content: 'text', staleMs: 0 })
  })

  test('are not taken from who has an older token, but from any other', () => {
    const { set, content } = start()
    set('k', 'first', { token: 7 })
    expect([set('k', 'older', { token: 6 }), content('k')]).toEqual([false, 'first'])
    expect([set('k', 'same', { token: 7 }), content('k')]).toEqual([true, 'same'])
    expect([set('k', 'newer', { token: 8 }), content('k')]).toEqual([true, 'newer'])
  })

  test('say of themselves when they were replaced, deleted or cleared', () => {
    const { store, values, set } = start()
    const ends: (() => unknown)[] = [() => set('k', 'new'), () => values.delete('k'), () => store.close()]
    for (const end of ends) {
      set('k', 'text', { freshMs: null })
      const value = values.get('k')
      end()
      expect([value?.content, value?.staleMs]).toEqual([undefined, Number.POSITIVE_INFINITY])
    }
    expect(values.get('k')).toBeUndefined()
    start().store.close() // with no values
  })

  test('are deleted once, also for who is computing one just then', async () => {
    const { time, store, values, set, content } = start()
    expect(values.delete('k')).toBe(false)
    set('k', 'text')
    expect([values.delete('k'), values.delete('k'), content('k')]).toEqual([true, false, undefined])
    const answer = store.acquire(request('k', 'computing', { ttlMs: null }))
    const token = answer.granted ? answer.token : 0
    expect(values.delete('k')).toBe(false)
    expect([set('k', 'late', { token }), content('k')]).toEqual([false, undefined])
    expect([values.delete('k'), set('k', 'late', { token })]).toEqual([false, false])
    store.release('k', 'computing')
    expect(values.delete('k')).toBe(false)
    expect(set('k', 'late', { token })).toBe(false) // the mark stays
    await time.advance(3_599_999)
    expect(set('k', 'late', { token })).toBe(false)
    await time.advance(1)
    expect([set('k', 'late', { token }), content('k')]).toEqual([true, 'late'])
    const next = store.acquire(request('k', 'next'))
    expect(next.granted && next.token > token + 1).toBe(true)
  })

  test('make way to others, those first that were not used for longest', () => {
    const { values, set, content } = start(2)
    set('a', 1)
    set('b', 2)
    const first = values.get('a')
    set('c', 3)
    expect([content('a'), content('b'), content('c')]).toEqual([1, undefined, 3])
    expect(first?.staleMs).toBe(0) // asking counts as a use
    set('d', 4)
    expect([content('a'), content('c'), content('d')]).toEqual([1, undefined, 4])
  })

  test.each([0, -1, 1.5, Number.NaN, '7'])('cannot be %j at most', (maxValues) => {
    // @ts-expect-error one of them is no number, as from JavaScript
    const error = thrown(() => memory({ maxValues }))
    expect(error).toMatchObject({ code: 'INVALID_OPTION' })
    expect(error.message).toMatch(/^maxValues is .*: give a whole number above 0\.$/)
  })

  test('may be one at most', () => {
    const { set, content } = start(1)
    set('a', 1)
    set('b', 2)
    expect([content('a'), content('b')]).toEqual([undefined, 2])
  })
})
