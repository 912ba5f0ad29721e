import { createHoldfast, LockedError, LockTimeoutError, memory, StoreError, type SyncStore } from 'holdfast'
import { virtualEnv } from 'holdfast/testing'
import { describe, expect, test } from 'vitest'
import type { AcquireRequest } from '../../src/core/store.js'
import { thrown } from '../support/world.js'

interface Call {
  readonly operation: 'acquire' | 'renew' | 'release'
  readonly atMs: number
  readonly owner: string
}

/** Records on a server that is asked in sync. Hooks are called in each call, `before` and `after` in acquire, and may let time pass or throw. */
function onServer({ storeTimeout = 300 } = {}) {
  const time = virtualEnv()
  const records = memory({ env: time })
  const calls: Call[] = []
  const note = (operation: Call['operation'], owner: string): void =>
    void calls.push({ operation, atMs: time.nowMs() - startMs, owner })
  const startMs = time.nowMs()
  const quiet = (): void => undefined
  const hooks = { before: quiet, after: quiet, renew: quiet, release: quiet }
  const store: SyncStore = Object.assign(memory({ env: time }), {
    capabilities: { ...records.capabilities, scope: 'network' as const, wake: 'poll' as const },
    acquire: (request: AcquireRequest) => {
      note('acquire', request.owner)
      hooks.before()
      const answer = records.acquire(request)
      hooks.after()
      return answer
    },
    renew: (key: string, owner: string, ttlMs: number) => {
      note('renew', owner)
      hooks.renew()
      return records.renew(key, owner, ttlMs)
    },
    release: ((key: string, owner: string, next: AcquireRequest) => {
      note('release', owner)
      hooks.release()
      return records.release(key, owner, next)
    }) as SyncStore['release'],
    inspect: records.inspect.bind(records),
  })
  const warnings: string[] = []
  const logger = { warn: (message: string) => warnings.push(message) }
  const { lock } = createHoldfast({ store, env: time, storeTimeout, logger })
  const theirs = createHoldfast({ store: records, env: time }) // another process
  const failing = (times: number, error: Error): (() => void) => {
    let left = times
    return () => {
      if (left-- > 0) throw error
    }
  }
  return { time, records, store, calls, hooks, lock, theirs, warnings, failing, startMs }
}

const clearly = new StoreError('acquire', 'refused to talk', { outcome: 'not-applied' })
const perhaps = new StoreError('acquire', 'the reply was lost', { outcome: 'unknown' })

describe('a sync acquire on a server', () => {
  test('is logged when it is refused, and a try is not', () => {
    const { lock, theirs, warnings, calls } = onServer()
    theirs.lock('k').acquireSync()
    const error = thrown(() => lock('k').acquireSync())
    expect(error).toBeInstanceOf(LockedError)
    expect(error).toMatchObject({ code: 'LOCKED', holder: { host: 'virtual' } })
    expect(warnings).toEqual([error.message])
    expect(lock('k').tryAcquireSync()).toBeUndefined()
    expect(warnings).toHaveLength(1)
    expect(calls).toHaveLength(2)
    theirs.lock('k').forceReleaseSync()
    expect(lock('k').tryAcquireSync()?.active).toBe(true)
  })

  test('asks more and more rarely while it waits, and not after its time is over', () => {
    const { lock, theirs, time, calls, startMs, warnings } = onServer()
    theirs.lock('k').acquireSync()
    const error = thrown(() => lock('k', { wait: 2_000 }).acquireSync())
    expect(error).toBeInstanceOf(LockTimeoutError)
    expect(error).toMatchObject({ waitedMs: expect.closeTo(2_000, 1) as number, holder: { host: 'virtual' } })
    expect(error.message).toContain('Gave up after waiting 2.0 s')
    expect(warnings).toEqual([error.message])
    expect(time.nowMs() - startMs).toBeCloseTo(2_000, 1)
    const pauses = calls.slice(1).map(({ atMs }, index) => atMs - (calls[index]?.atMs ?? 0))
    expect(pauses[0]).toBeLessThanOrEqual(10)
    expect(Math.max(...pauses)).toBeGreaterThan(125)
    expect(calls.length).toBeLessThan(25)
    expect(calls.at(-1)?.atMs).toBeCloseTo(2_000, 1)
    expect(new Set(calls.map(({ owner }) => owner)).size).toBe(1)
  })

  test('asks again when the holder ends', () => {
    const { lock, theirs, calls } = onServer()
    theirs.lock('k', { expire: 5 }).acquireSync()
    const lease = lock('k', { wait: 2_000 }).acquireSync()
    expect(lease.active).toBe(true)
    expect(calls.at(-1)?.atMs).toBeLessThanOrEqual(6)
  })

  test('fails at once when the store surely did nothing, and releases nothing', async () => {
    const { lock, hooks, calls, time, failing } = onServer()
    hooks.before = failing(1, clearly)
    expect(thrown(() => lock('k').acquireSync())).toMatchObject({ code: 'STORE_FAILED', key: 'k' })
    await time.advance(1_000)
    expect(calls.map(({ operation }) => operation)).toEqual(['acquire'])
  })

  test('goes on through such failures while it may wait, but not longer than one call may take', () => {
    const { lock, hooks, calls, failing } = onServer()
    hooks.before = failing(3, clearly)
    expect(lock('k', { wait: 1_000 }).acquireSync().active).toBe(true)
    expect(calls).toHaveLength(4)
    hooks.before = failing(100, clearly)
    expect(thrown(() => lock('other', { wait: 1_000 }).acquireSync())).toBeInstanceOf(StoreError)
    const since = calls[4]?.atMs ?? 0
    expect((calls.at(-1)?.atMs ?? 0) - since).toBeLessThan(300)
    expect(calls.length).toBeGreaterThan(4 + 3)
    expect(calls.length).toBeLessThan(4 + 9)
  })

  test('does not outlast its wait for a store that fails', () => {
    const { lock, hooks, calls, failing } = onServer({ storeTimeout: 5_000 })
    hooks.before = failing(100, clearly)
    expect(thrown(() => lock('k', { wait: 50 }).acquireSync())).toBeInstanceOf(StoreError)
    expect(calls.at(-1)?.atMs).toBeGreaterThanOrEqual(50)
    expect(calls.at(-1)?.atMs).toBeLessThan(50 + 160)
  })

  test('asks again for what it may have, though it does not wait, and gives it back when that fails', async () => {
    const { lock, hooks, calls, records, time, failing } = onServer()
    hooks.after = failing(2, perhaps)
    const lease = lock('k').acquireSync()
    expect(lease.active).toBe(true)
    expect(calls).toHaveLength(3)
    lease.release()
    hooks.after = failing(100, perhaps)
    expect(thrown(() => lock('k').acquireSync())).toMatchObject({ outcome: 'unknown' })
    const within = calls.at(-1)
    expect(within?.operation).toBe('acquire') // the release is left to a timer: this call has taken long enough
    await time.advance(1)
    expect(calls.at(-1)).toMatchObject({ operation: 'release', owner: within?.owner })
    expect(records.inspect('holdfast:k')).toBeUndefined()
  })

  test('tells what it is that is thrown, whoever throws', () => {
    const { lock, hooks, calls, failing } = onServer()
    hooks.before = failing(1, new Error('no such server'))
    const error = thrown(() => lock('k', { wait: 1_000 }).acquireSync())
    expect(error).toMatchObject({ code: 'STORE_FAILED', key: 'k', operation: 'acquire' })
    expect(error.message).toBe('The store failed to acquire: no such server')
    expect(calls).toHaveLength(1)
  })

  test('renews a grant that came late, and takes none that is over', async () => {
    const { lock, hooks, calls, time, records } = onServer()
    hooks.after = () => time.stall(489)
    const lease = lock('k', { ttl: 1_000 }).acquireSync()
    expect(calls.map(({ operation }) => operation)).toEqual(['acquire', 'renew'])
    expect(lease.remainingMs).toBe(988)
    expect(records.inspect('holdfast:k')?.holders).toMatchObject([{ token: lease.token, remainingMs: 1_000 }])
    hooks.after = () => time.stall(488)
    expect(lock('other', { ttl: 1_000 }).acquireSync().remainingMs).toBe(500)
    expect(calls).toHaveLength(3)
    hooks.after = () => time.stall(1_100)
    const error = thrown(() => lock('late', { ttl: 1_000 }).acquireSync())
    expect(error.message).toContain('longer than the lease lasts')
    await time.advance(10)
    expect(records.inspect('holdfast:late')).toBeUndefined()
  })
})

describe('a sync wait in memory', () => {
  test('is long enough when it ends just after the holder does', () => {
    const time = virtualEnv()
    const { lock } = createHoldfast({ env: time })
    lock('k', { expire: 1_500 }).acquireSync()
    expect(lock('k', { wait: 1_501 }).acquireSync().active).toBe(true)
  })

  test('says what to do when nobody can release', () => {
    const { lock } = createHoldfast({ env: virtualEnv() })
    lock('k', { expire: 1_500 }).acquireSync()
    const error = thrown(() => lock('k', { wait: 1_500 }).acquireSync())
    expect(error).toMatchObject({ code: 'LOCK_TIMEOUT', waitedMs: 0 })
    expect(error.message).toContain('while this thread is blocked')
    expect(error.message).toContain('use acquire(), or set { expire }')
  })

  test('ends when the store cannot say who holds', () => {
    const store = memory()
    store.acquire = () => ({ granted: false })
    const { lock } = createHoldfast({ store })
    expect(thrown(() => lock('k', { wait: 1_500 }).acquireSync())).toMatchObject({ holder: undefined })
  })
})

describe('a sync release on a server', () => {
  test('that fails is told, and tried again in the background', async () => {
    const { lock, calls, records, time, failing, hooks } = onServer()
    const lease = lock('k').acquireSync()
    hooks.release = failing(1, new Error('no such server'))
    expect(thrown(() => lease.release())).toMatchObject({ code: 'STORE_FAILED', key: 'k', operation: 'release' })
    expect(lease.active).toBe(false)
    expect(records.inspect('holdfast:k')).toBeDefined()
    await time.advance(1)
    expect(records.inspect('holdfast:k')).toBeUndefined()
    expect(calls.map(({ operation }) => operation)).toEqual(['acquire', 'release', 'release'])
  })

  test('that fails leaves a key that has to stay held to its least hold', async () => {
    const { lock, records, time, failing, hooks } = onServer()
    const lease = lock('k', { minHold: '5s' }).acquireSync()
    hooks.renew = failing(1, perhaps)
    expect(thrown(() => lease.release())).toMatchObject({ code: 'STORE_FAILED' })
    await time.advance(4_900)
    expect(records.inspect('holdfast:k')).toBeDefined()
  })

  test('that fails at the end of finished work is a warning, and the result stands', () => {
    const { lock, failing, hooks, warnings } = onServer()
    hooks.release = failing(10, perhaps)
    expect(lock('k').runSync(() => 42)).toBe(42)
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toContain('The work is done; the key comes free when its ttl is over.')
    const error = new Error('the work failed')
    const work = (): never => {
      throw error
    }
    expect(thrown(() => lock('other').runSync(work))).toBe(error)
    expect(warnings).toHaveLength(2)
  })

  test('that finds the hold gone says so at the end of work, with the result', () => {
    const { lock, records, warnings } = onServer()
    const lose = (): number => {
      records.release('holdfast:k', records.inspect('holdfast:k')?.holders[0]?.owner ?? '')
      return 42
    }
    const error = thrown(() => lock('k').runSync(lose))
    expect(error).toMatchObject({ code: 'LOCK_LOST', key: 'k', result: 42 })
    expect(error.message).toContain('did not know the hold any more when it was released')
    expect(warnings).toEqual([error.message])
    expect(lock('k', { onLost: 'warn' }).runSync(lose)).toBe(42)
    expect(warnings).toHaveLength(2)
  })

  test.each([
    [(): boolean => true, 'LOCK_REVOKED'],
    [(): boolean => false, 'LOCK_LOST'],
    [
      (): never => {
        throw new Error('no')
      },
      'LOCK_LOST',
    ],
    [undefined, 'LOCK_LOST'],
  ] as const)('whose renewal is refused ended as the store says', async (wasRevoked, code) => {
    const { lock, records, store, time } = onServer()
    if (wasRevoked !== undefined) store.wasRevoked = wasRevoked
    const lease = lock('k', { ttl: 900 }).acquireSync()
    records.forceRelease('holdfast:k')
    await time.advance(301)
    expect(lease.active).toBe(false)
    expect(lease.signal.reason).toMatchObject({ code })
  })
})

describe('an async wait on a server that is asked in sync', () => {
  test('goes on through failures, and is granted', async () => {
    const { lock, calls, hooks, time, failing } = onServer()
    hooks.before = failing(3, clearly)
    const waiting = lock('k', { wait: '10s' }).acquire()
    await time.advance(200)
    expect((await waiting).active).toBe(true)
    expect(calls).toHaveLength(4)
    expect(time.keepAliveTimers).toBe(0)
  })

  test('is brought along by the release of its process', async () => {
    const { lock, calls, time } = onServer()
    const first = lock('k').acquireSync()
    const waiting = lock('k', { wait: '10s', ttl: '5s' }).acquire()
    await time.advance(10)
    const before = calls.length
    first.release()
    await time.advance(0)
    expect((await waiting).active).toBe(true)
    expect(calls.slice(before).map(({ operation }) => operation)).toEqual(['release'])
  })

  test('has the key when the least hold of its process is over', async () => {
    const { lock, time } = onServer()
    const first = lock('k', { minHold: 100 }).acquireSync()
    let granted = false
    const waiting = lock('k', { wait: '10s' }).acquire()
    void waiting.then(() => (granted = true))
    await time.advance(10)
    first.release()
    await time.advance(95)
    expect(granted).toBe(true)
  })

  test('goes on when the release that was to bring it along failed', async () => {
    const { lock, hooks, time, failing } = onServer()
    const first = lock('k').acquireSync()
    const waiting = lock('k', { wait: '10s', ttl: '5s' }).acquire()
    await time.advance(10)
    hooks.release = failing(1, perhaps)
    expect(thrown(() => first.release())).toBeInstanceOf(StoreError)
    await time.advance(300)
    expect((await waiting).active).toBe(true)
  })
})

describe('what goes on in the background on a server that is asked in sync', () => {
  test('is one release after a doubtful failure, which keeps no process alive', async () => {
    const { lock, calls, hooks, time, failing } = onServer()
    hooks.after = failing(100, perhaps)
    thrown(() => lock('k').acquireSync())
    expect(time.keepAliveTimers).toBe(0)
    await time.advance(10_000)
    expect(calls.filter(({ operation }) => operation === 'release')).toHaveLength(1)
  })

  test('is six tries of a release that fails', async () => {
    const { lock, calls, hooks, time, failing } = onServer()
    const lease = lock('k').acquireSync()
    hooks.release = failing(100, perhaps)
    thrown(() => lease.release())
    await time.advance(10_000)
    expect(calls.filter(({ operation }) => operation === 'release')).toHaveLength(7)
  })

  test('is another try of a renewal that failed', async () => {
    const { lock, calls, hooks, time, failing } = onServer()
    const lease = lock('k', { ttl: 900 }).acquireSync()
    hooks.renew = failing(1, perhaps)
    await time.advance(301 + 91)
    expect(calls.filter(({ operation }) => operation === 'renew')).toHaveLength(2)
    expect(lease.remainingMs).toBeGreaterThan(700)
  })
})

test('an async lease on a server that is asked in sync rejects when its release fails', async () => {
  const { lock, hooks, failing } = onServer()
  const lease = await lock('k').acquire()
  hooks.release = failing(1, new Error('no such server'))
  await expect(lease.release()).rejects.toMatchObject({ code: 'STORE_FAILED', operation: 'release', key: 'k' })
})
