import { createHoldfast, InvalidOptionError, memory, PoolFullError } from 'holdfast'
import { faulty } from 'holdfast/testing'
import { describe, expect, test } from 'vitest'
import { rejection, world } from '../support/world.js'

describe('a pool that is resized', () => {
  test('grants to those who wait, in every process, when it grows; nobody else has to know', async () => {
    const { time, holdfast, other } = world()
    const terms = { max: 2, wait: true, ttl: '10s' } as const
    const [here, there] = [holdfast.pool('api', terms), other().pool('api', terms)]
    await Promise.all([here.acquire(), here.acquire()])
    const granted: string[] = []
    for (const [name, pool] of [['here', here] as const, ['there', there] as const]) {
      for (let waiter = 0; waiter < 3; waiter++) void pool.acquire().then(() => granted.push(name))
    }
    await time.advance(100)
    expect(granted).toEqual([])
    await other().pool('api', { max: 2 }).resize(6)
    await time.advance(100)
    expect(granted.sort()).toEqual(['here', 'here', 'there', 'there'])
    expect(await here.size()).toBe(6)
    expect((await there.inspect())?.limit).toBe(6)
    await here.resize(7) // by its own number still
    await time.advance(100)
    expect(granted).toHaveLength(5)
    expect(await rejection(other().pool('api', { max: 3 }).acquire())).toMatchObject({ code: 'INVALID_OPTION' })
    expect(await other().pool('api', { max: 6 }).tryAcquire()).toBeUndefined()
  })

  test('lets holders go on when it shrinks, and grants no more before so many have ended', async () => {
    const { holdfast, other } = world()
    const api = holdfast.pool('api', { max: 4, ttl: '10s' })
    const leases = await Promise.all(Array.from({ length: 4 }, () => api.acquire()))
    await other().pool('api', { max: 4 }).resize(2)
    expect(leases.map(({ active }) => active)).toEqual([true, true, true, true])
    const error = await rejection(api.acquire())
    expect(error).toBeInstanceOf(PoolFullError)
    expect(error).toMatchObject({ max: 2, holders: { length: 4 } })
    for (const lease of leases.slice(0, 2)) {
      await lease.release()
      expect(await api.tryAcquire()).toBeUndefined()
    }
    await leases[2]?.release()
    expect(await api.tryAcquire()).toBeDefined()
    expect(await api.size()).toBe(2)
  })

  test('is resized in sync code too, down to one and back', () => {
    const { pool } = createHoldfast()
    const seats = pool('seats', { max: 3 })
    const first = seats.acquireSync()
    seats.resizeSync(1)
    expect(seats.tryAcquireSync()).toBeUndefined()
    first.release()
    const second = seats.acquireSync()
    expect(() => seats.acquireSync()).toThrow(/it has 1 permits/)
    seats.resizeSync(3)
    expect([seats.tryAcquireSync(), seats.tryAcquireSync(), seats.tryAcquireSync()].filter(Boolean)).toHaveLength(2)
    second.release()
  })

  test('tells who wants more permits than it has now, and lets those behind pass', async () => {
    const { time, holdfast } = world()
    const wide = holdfast.pool('cpu', { max: 8, permits: 6, wait: true, ttl: '10s' })
    const narrow = holdfast.pool('cpu', { max: 8, permits: 4, wait: true, ttl: '10s' })
    const held = await narrow.acquire()
    const failing = rejection(wide.acquire())
    await time.advance(100)
    const passing = narrow.acquire()
    await narrow.resize(5)
    await held.release()
    await time.advance(3_000)
    const error = await failing
    expect(error).toBeInstanceOf(InvalidOptionError)
    expect(error.message).toMatch(/\b6\b.*\b5\b|\b5\b.*\b6\b/)
    expect((await passing).active).toBe(true)
  })

  test('stays so while nobody holds, until a day after the last who asks with the old number', async () => {
    const { time, holdfast, other } = world()
    const api = holdfast.pool('api', { max: 2, ttl: '10s' })
    await other().pool('api', { max: 2 }).resize(3)
    const mostAtOnce = async (): Promise<number> => {
      const leases = await Promise.all(Array.from({ length: 5 }, () => api.tryAcquire()))
      const held = leases.filter((lease) => lease !== undefined)
      for (const lease of held) await lease.release()
      return held.length
    }
    expect(await mostAtOnce()).toBe(3)
    await time.advance(23 * 3_600_000)
    expect(await mostAtOnce()).toBe(3)
    await time.advance(23 * 3_600_000)
    expect(await mostAtOnce()).toBe(3)
    await time.advance(24 * 3_600_000 + 1)
    expect(await mostAtOnce()).toBe(2)
  })

  test('cannot be resized by who says another max, nor where it is a lock, nor to no number of permits', async () => {
    const { pool, lock } = createHoldfast()
    await pool('api', { max: 4 }).acquire()
    const refused = await rejection(pool('api', { max: 7 }).resize(9))
    expect(refused).toBeInstanceOf(InvalidOptionError)
    expect(refused.message).toMatch(/\b4\b.*\b7\b/)
    expect((await pool('api', { max: 4 }).inspect())?.limit).toBe(4)
    await lock('one').acquire()
    expect((await rejection(pool('one', { max: 1 }).resize(2))).message).toMatch(/max of 1/)
    for (const max of [0, -1, 1.5, 2 ** 30, Number.NaN]) {
      expect((await rejection(pool('api', { max: 4 }).resize(max))).message).toMatch(/^max is/)
    }
  })

  test('says so where the store has no way to', async () => {
    const store = faulty(memory())
    delete store.resize
    const { pool } = createHoldfast({ store })
    const error = await rejection(pool('api', { max: 4 }).resize(5))
    expect(error).toBeInstanceOf(InvalidOptionError)
    expect(error.message).toMatch(/has no way to/)
  })

  test('keeps the count of many keys that were resized within bounds', async () => {
    const { pool } = createHoldfast()
    for (let index = 0; index <= 1_000; index++) await pool(`api-${index}`, { max: 2 }).resize(1)
    const holds = async (key: string): Promise<number> => {
      const leases = await Promise.all([pool(key, { max: 2 }).tryAcquire(), pool(key, { max: 2 }).tryAcquire()])
      return leases.filter(Boolean).length
    }
    expect([await holds('api-0'), await holds('api-1'), await holds('api-1000')]).toEqual([2, 1, 1])
  })
})
