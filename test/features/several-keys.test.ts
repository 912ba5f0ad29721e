import { createHoldfast, LockedError } from 'holdfast'
import { describe, expect, it } from 'vitest'
import { rejection, world } from '../support/world.js'
import { held, operations } from './support/several.js'

describe('a lock of several keys', () => {
  it('takes them in one call, sorted and each once, and releases them in reverse', async () => {
    const fleet = world()
    const lock = fleet.holdfast.lock(['b', 'c', 'a', 'b'])
    expect([lock.keys, lock.key]).toEqual([['a', 'b', 'c'], 'a, b, c'])
    const lease = await lock.acquire()
    expect(held(fleet)).toEqual(['a', 'b', 'c'])
    expect([lease.keys, lease.key, lease.active]).toEqual([['a', 'b', 'c'], 'a, b, c', true])
    expect([...lease.tokens.keys()]).toEqual(['a', 'b', 'c'])
    expect(lease.tokens.get('b')).toBe(lease.tokenOf('b'))
    expect(() => lease.tokenOf('d')).toThrow("'d' is none of the keys")
    expect(await lease.release()).toBe(true)
    expect(await lease.release()).toBe(false)
    expect(held(fleet)).toEqual([])
    expect(operations(fleet)).toEqual(['acquireAll a', 'release c', 'release b', 'release a'])
  })

  it('excludes those who lock one of its keys, and is excluded by them', async () => {
    const fleet = world()
    const { holdfast, other } = fleet
    const several = await holdfast.lock(['a', 'b']).acquire()
    expect((await rejection(other().lock('b').acquire())).code).toBe('LOCKED')
    await several.release()
    const single = await other().lock('b', { label: 'the other' }).acquire()
    const error = await rejection(holdfast.lock(['c', 'b', 'a']).acquire())
    expect(error).toBeInstanceOf(LockedError)
    expect(error).toMatchObject({ code: 'LOCKED', key: 'b', holder: { label: 'the other' } })
    expect(await holdfast.lock(['c', 'b', 'a']).tryAcquire()).toBeUndefined()
    expect(held(fleet)).toEqual(['b'])
    await single.release()
  })

  it('is one lock when its keys are one, the same as that of the key alone', async () => {
    const fleet = world()
    const lease = await fleet.holdfast.lock(['a', 'a']).acquire()
    expect(lease.keys).toEqual(['a'])
    expect((await rejection(fleet.holdfast.lock('a').acquire())).code).toBe('LOCKED')
    await lease.release()
    expect(operations(fleet)).toEqual(['acquire a', 'acquire a', 'release a'])
  })
})

describe('several keys without promises', () => {
  it('are had, used and released in the memory of the process', () => {
    const { lock } = createHoldfast()
    const both = lock(['b', 'a'])
    {
      using lease = both.acquireSync()
      expect([lease.keys, lease.active, both.isLockedSync(), lock('a').isLockedSync()]).toEqual([['a', 'b'], true, true, true]) // prettier-ignore
      expect(lock('a').tryAcquireSync()).toBeUndefined()
      expect(lock(['a', 'c']).tryAcquireSync()).toBeUndefined()
      expect(both.inspectSync().map(({ key, holders }) => [key, holders.length])).toEqual([['a', 1], ['b', 1]]) // prettier-ignore
      expect(lock('c').isLockedSync()).toBe(false)
    }
    expect(both.isLockedSync()).toBe(false)
    expect(both.runSync(({ keys }) => keys.length)).toBe(2)
    expect(() => both.runSync(async () => undefined)).toThrow('returned a promise')
    expect([both.releaseSync(), both.forceReleaseSync(), both.inspectSync()]).toEqual([false, false, []])
    both.acquireSync()
    expect([both.forceReleaseSync(), both.isLockedSync()]).toEqual([true, false])
  })

  it('name the key that is held, and say why waiting is of no use', () => {
    const { lock } = createHoldfast()
    lock('b', { label: 'the other' }).acquireSync()
    const thrown = (wait: number): unknown => {
      try {
        return lock(['a', 'b', 'c'], { wait }).acquireSync()
      } catch (error) {
        return error
      }
    }
    expect(thrown(0)).toMatchObject({ code: 'LOCKED', key: 'b', holder: { label: 'the other' } })
    expect(thrown(1_000)).toMatchObject({ code: 'LOCK_TIMEOUT', key: 'b' })
    expect((thrown(1_000) as Error).message).toContain('Nobody can release it while this thread is blocked')
    expect([lock('a').isLockedSync(), lock('c').isLockedSync()]).toEqual([false, false])
  })

  it('wait for a holder that ends by itself, one after the other', () => {
    const { lock } = createHoldfast()
    lock('a', { expire: 40 }).acquireSync()
    lock('b', { expire: 80 }).acquireSync()
    const lease = lock(['a', 'b'], { wait: '5s', expire: '1m', minHold: 30 }).acquireSync()
    expect([lease.active, lease.remainingMs > 59_000]).toEqual([true, true])
    expect(lease.release()).toBe(true)
    expect(lock('a').isLockedSync()).toBe(true)
  })
})
