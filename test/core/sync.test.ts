import {
  createHoldfast,
  LockedError,
  LockLostError,
  LockTimeoutError,
  memory,
  StoreError,
  type SyncStore,
  SyncUnsupportedError,
} from 'holdfast'
import { virtualEnv } from 'holdfast/testing'
import { describe, expect, test } from 'vitest'
import { until } from '../support/until.js'
import { rejection, thrown, world } from '../support/world.js'

function local() {
  const time = virtualEnv()
  const warnings: string[] = []
  const logger = { warn: (message: string) => warnings.push(message) }
  const holdfast = createHoldfast({ env: time, logger })
  return { time, lock: holdfast.lock, holdfast, warnings }
}

describe('in sync code', () => {
  test('using holds and releases', () => {
    const { lock } = local()
    {
      using lease = lock('k').acquireSync()
      expect(lease.active).toBe(true)
      expect(lock('k').isLockedSync()).toBe(true)
      expect(() => lock('k').acquireSync()).toThrow(LockedError)
      expect(lock('k').tryAcquireSync()).toBeUndefined()
    }
    expect(lock('k').isLockedSync()).toBe(false)
  })

  test('minHold without a ttl keeps the key held after its release, and no longer', async () => {
    const { lock, time } = local()
    lock('k', { minHold: '1s' }).acquireSync().release()
    await time.advance(900)
    expect(lock('k').isLockedSync()).toBe(true)
    await time.advance(101)
    expect(lock('k').isLockedSync()).toBe(false)
    expect(time.pendingTimers).toBe(0)
  })

  test('release returns a boolean', () => {
    const { lock } = local()
    const lease = lock('k').acquireSync()
    expect(lease.release()).toBe(true)
    expect(lease.release()).toBe(false)
    const handle = lock('k')
    handle.acquireSync()
    expect(handle.releaseSync()).toBe(true)
    expect(handle.releaseSync()).toBe(false)
  })

  test('one lock for sync and async code', async () => {
    const { lock } = local()
    const lease = await lock('k').acquire()
    expect(lock('k').tryAcquireSync()).toBeUndefined()
    await lease.release()
    const held = lock('k').acquireSync()
    const waiting = lock('k', { wait: true }).acquire()
    held.release()
    expect((await waiting).active).toBe(true)
  })

  test('runSync returns what the body returns, and frees the key when it throws', () => {
    const { lock } = local()
    expect(lock('k').runSync(({ token }) => token > 0)).toBe(true)
    expect(() =>
      lock('k').runSync(() => {
        throw new Error('the body failed')
      }),
    ).toThrow('the body failed')
    expect(lock('k').isLockedSync()).toBe(false)
  })

  test('runSync refuses a body that goes on without the lock', () => {
    const { lock } = local()
    expect(() => lock('k').runSync(async () => Promise.reject(new Error('late')))).toThrow(SyncUnsupportedError)
    expect(lock('k').isLockedSync()).toBe(false)
  })

  test('forced release tells the holder at once', () => {
    const { lock } = local()
    const lease = lock('k').acquireSync()
    expect(lock('k').forceReleaseSync()).toBe(true)
    expect(lease.signal.reason).toMatchObject({ code: 'LOCK_REVOKED' })
    expect(lock('k').forceReleaseSync()).toBe(false)
    expect(lock('k').inspectSync()).toBeUndefined()
  })

  test('throws LockLostError with the result at the end when a ttl was outlasted', () => {
    const { lock, time } = local()
    const outlast = (): unknown => lock('k', { ttl: 500 }).runSync(() => (time.stall(600), 42))
    expect(outlast).toThrow(LockLostError)
    try {
      outlast()
    } catch (error) {
      expect(error).toMatchObject({ code: 'LOCK_LOST', result: 42 })
    }
    expect(() => {
      using lease = lock('k', { ttl: 500 }).acquireSync()
      time.stall(600)
      expect(lease.active).toBe(false)
    }).toThrow(LockLostError)
  })

  test('without a ttl nothing lapses in memory, however long the thread is busy', () => {
    const { lock, time } = local()
    const result = lock('k').runSync((lease) => {
      time.stall(3_600_000)
      return lease.active
    })
    expect(result).toBe(true)
  })
})

describe('a sync wait in memory', () => {
  test('succeeds when the expire of the holder falls within it', () => {
    const { lock, time } = local()
    const first = lock('k', { expire: 1500 }).acquireSync()
    const before = time.nowMs()
    const second = lock('k', { wait: 2000 }).acquireSync()
    expect(time.nowMs() - before).toBeLessThan(1510)
    expect(first.active).toBe(false)
    expect(second.token).toBeGreaterThan(first.token)
  })

  test('asks again when the holder has ended, and not before', () => {
    const time = virtualEnv()
    const store = memory({ env: time })
    const { lock } = createHoldfast({ store, env: time })
    lock('k', { expire: 1500 }).acquireSync()
    const acquire = store.acquire.bind(store)
    const since = time.nowMs()
    const asked: number[] = []
    store.acquire = (request) => (asked.push(time.nowMs() - since), acquire(request))
    lock('k', { wait: 2000 }).acquireSync()
    expect(asked.filter((atMs) => atMs > 0)).toEqual([1501])
  })

  test('fails at once when nobody can release, saying why', () => {
    const { lock, time, warnings } = local()
    lock('k', { expire: 5000 }).acquireSync()
    const before = time.nowMs()
    expect(() => lock('k', { wait: 2000 }).acquireSync()).toThrow(LockTimeoutError)
    expect(warnings.at(-1)).toContain('this thread is blocked')
    lock('endless').acquireSync()
    expect(() => lock('endless', { wait: true }).acquireSync()).toThrow(
      expect.objectContaining({ code: 'LOCK_TIMEOUT', key: 'endless' }) as Error,
    )
    expect(lock('endless', { wait: true }).tryAcquireSync()).toBeUndefined()
    expect(time.nowMs()).toBe(before)
  })

  test('for a pool that stays full is logged once, as that', () => {
    const { holdfast, warnings } = local()
    const pool = holdfast.pool('k', { max: 1, wait: 100 })
    pool.acquireSync()
    const error = thrown(() => pool.acquireSync())
    expect(error).toMatchObject({ code: 'POOL_FULL', key: 'k' })
    expect(warnings).toEqual([error.message])
  })

  test('does not take a lease from a holder who cannot renew it while the thread is blocked', () => {
    const { lock } = local()
    const holder = lock('k', { ttl: 200 }).acquireSync()
    expect(() => lock('k', { wait: 1000 }).acquireSync()).toThrow(LockTimeoutError)
    expect(holder.active).toBe(true)
  })
})

describe('on a store that answers at once but can fail', () => {
  function shaky(): { store: SyncStore; fail: (times: number, outcome?: 'unknown' | 'not-applied') => void } {
    const local = memory()
    const store: SyncStore = Object.assign(local, {
      capabilities: { ...local.capabilities, scope: 'network' as const },
    })
    let left = 0
    let how: 'unknown' | 'not-applied' = 'unknown'
    const acquire = store.acquire.bind(store)
    store.acquire = (request) => {
      if (left-- <= 0) return acquire(request)
      if (how === 'unknown') acquire(request)
      throw new StoreError('acquire', 'the reply was lost', { outcome: how })
    }
    return { store, fail: (times, outcome = 'unknown') => ((left = times), (how = outcome)) }
  }

  test('a lost reply is asked for again with the same owner', () => {
    const { store, fail } = shaky()
    const { lock } = createHoldfast({ store })
    fail(2)
    expect(lock('k', { wait: 1000 }).acquireSync().active).toBe(true)
  })

  test('a failure is reported as such, and what may have been granted is released', async () => {
    const { store, fail } = shaky()
    const { lock } = createHoldfast({ store, storeTimeout: 30 })
    fail(50, 'not-applied')
    expect(() => lock('k').acquireSync()).toThrow(StoreError)
    fail(50)
    expect(() => lock('k').acquireSync()).toThrow(StoreError)
    fail(0)
    await until(() => !lock('k').isLockedSync())
  })
})

test('sync calls on a store that answers with promises say what to do', async () => {
  const { holdfast } = world()
  const lock = holdfast.lock('k') as unknown as Record<string, (body?: () => void) => unknown>
  for (const call of ['acquireSync', 'tryAcquireSync', 'runSync', 'isLockedSync', 'inspectSync', 'forceReleaseSync']) {
    expect(() => lock[call]?.(() => undefined)).toThrow(
      expect.objectContaining({
        code: 'SYNC_UNSUPPORTED',
        key: 'k',
        message: expect.stringMatching(
          `^${call === 'runSync' ? 'acquireSync' : call}\\(\\) on k: the store 'model of a server' .*holdfast/blocking`,
        ) as string,
      }) as Error,
    )
  }
  expect(await rejection(holdfast.lock('k').run(() => Promise.reject(new Error('as usual'))))).toMatchObject({
    message: 'as usual',
  })
})
