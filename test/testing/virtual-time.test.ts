import { configure, close, InvalidOptionError, lock, LockLostError } from 'holdfast'
import { virtualTime } from 'holdfast/testing'
import { describe, expect, expectTypeOf, it } from 'vitest'

describe('an instance in virtual time', () => {
  it('keeps a lease for as long as time stands still or its renewals come through, and loses it when they do not', async () => {
    await using time = virtualTime({ ttl: '30s' })
    const lease = await settled(time.lock('report').acquire(), time)
    await time.advance(3_600_000)
    expect(lease.active).toBe(true)
    time.store.always('renew', { fail: 'unknown' })
    await time.advance(30_000)
    expect(lease.active).toBe(false)
    expect(lease.signal.reason).toBeInstanceOf(LockLostError)
  })

  it('ends a wait when it is told that it is over', async () => {
    await using time = virtualTime()
    const other = time.another()
    await settled(other.lock('report').acquire(), time)
    const waits = time.lock('report', { wait: '5m' }).acquire()
    const outcome = waits.catch((error: unknown) => (error as { code: string }).code)
    await time.advance(5 * 60_000)
    expect(await outcome).toBe('LOCK_TIMEOUT')
  })

  it('frees the key of a process that died when its lease is over, and not before', async () => {
    await using time = virtualTime({ ttl: '10s' })
    const dead = time.another()
    await settled(dead.lock('report').acquire(), time)
    time.stall(9_999) // nobody renews
    expect(time.records.inspect('holdfast:report')).toBeDefined()
    time.stall(1)
    expect(time.records.inspect('holdfast:report')).toBeUndefined()
  })

  it('stalls, suspends and sleeps', async () => {
    await using time = virtualTime({ ttl: '10s' })
    const lease = await settled(time.lock('report').acquire(), time)
    time.suspend(10_000)
    expect(lease.active).toBe(false)
    let awake = false
    void time.sleep('1m').then(() => (awake = true))
    await time.advance(59_999)
    expect(awake).toBe(false)
    await time.advance(1)
    expect(awake).toBe(true)
  })

  it('goes from timer to timer until something has come true', async () => {
    await using time = virtualTime()
    let done = 0
    const startMs = time.env.nowMs()
    void time.sleep('10s').then(() => (done += 1))
    expect(await time.advanceUntil(() => done > 0, 60_000)).toBe(true)
    expect(time.env.nowMs() - startMs).toBe(10_000)
    expect(await time.advanceUntil(() => done > 1, 60_000)).toBe(false)
  })

  it('drives the global instance as well, when that is given its store and clock', async () => {
    await using time = virtualTime({ ttl: '10s' })
    configure({ store: time.store, env: time.env, ttl: '10s' })
    const lease = await settled(lock('report').acquire(), time)
    time.stall(10_000)
    expect(lease.active).toBe(false)
    await settled(close(), time)
  })

  it('leaves no timer behind', async () => {
    const time = virtualTime()
    const other = time.another()
    await settled(time.lock('a').acquire(), time)
    await settled(other.lock('b').acquire(), time)
    expect(time.pendingTimers).toBeGreaterThan(0)
    await time.close()
    await other.close()
    expect([time.pendingTimers, time.keepAliveTimers]).toEqual([0, 0])
  })

  it('in the scope of a process has sync calls, and holds without a lease', async () => {
    await using time = virtualTime({ scope: 'process' })
    const lease = time.lock('report').acquireSync()
    time.stall(24 * 3_600_000)
    expect(lease.active).toBe(true)
    expect(time.another().lock('report').tryAcquireSync()).toBeUndefined()
  })

  it('on a server has no sync calls: it does not compile, nor work', () => {
    const time = virtualTime()
    expectTypeOf(time.lock('report')).not.toHaveProperty('acquireSync')
  })

  it('can stand for a store that polls', async () => {
    await using time = virtualTime({ capabilities: { fair: false, wake: 'poll' } })
    expect(time.store.capabilities).toMatchObject({
      fair: false,
      wake: 'poll',
      scope: 'network',
      crashRelease: 'lease',
    })
  })

  it('is the same every time, for the same seed', async () => {
    const owners = async (seed: number): Promise<unknown> => {
      await using time = virtualTime({ seed })
      await settled(time.lock('report').acquire(), time)
      await settled(time.another().lock('other').acquire(), time)
      return time.store.calls
    }
    expect(await owners(7)).toEqual(await owners(7))
    expect(await owners(7)).not.toEqual(await owners(8))
  })

  it('refuses options that there are not', () => {
    expect(() => virtualTime({ tll: '3s' } as object)).toThrow(InvalidOptionError)
  })
})

/** What `promise` comes to, without time passing. */
async function settled<T>(promise: Promise<T>, time: { advance(ms: number): Promise<void> }): Promise<T> {
  await time.advance(0)
  return promise
}
