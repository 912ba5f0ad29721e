import { StoreError } from 'holdfast'
import { describe, expect, test } from 'vitest'
import type { AcquireRequest, NoticeListener, Store } from '../../src/core/store.js'
import { changed, rejection, world } from '../support/world.js'

const lost = (): Promise<never> => Promise.reject(new StoreError('release', 'the reply was lost'))

describe('a release that fails', () => {
  test('is tried six times more in the background, more and more rarely, and keeps no process alive', async () => {
    let tries = 0
    const { holdfast, time } = changed(() => ({ release: () => (tries++, lost()) }))
    const lease = await holdfast.lock('k').acquire()
    expect(await rejection(lease.release())).toMatchObject({ code: 'STORE_FAILED', operation: 'release', key: 'k' })
    await time.advance(1)
    expect(tries).toBe(2)
    expect(time.keepAliveTimers).toBe(0)
    await time.advance(75)
    expect(tries).toBe(2)
    await time.advance(90)
    expect(tries).toBe(3)
    await time.advance(300)
    expect(tries).toBeLessThan(6)
    await time.advance(10_000)
    expect(tries).toBe(7)
    expect(time.pendingTimers).toBe(1) // the record of the server, which the ttl ends
  })

  test('is not tried again after the instance was closed', async () => {
    let tries = 0
    const { holdfast, time } = changed(() => ({ release: () => (tries++, lost()) }))
    const lease = await holdfast.lock('k').acquire()
    await rejection(lease.release())
    await holdfast.close()
    const before = tries
    await time.advance(10_000)
    expect(tries).toBe(before)
  })

  test('is not tried again when the instance is closed meanwhile, and leaves no timer', async () => {
    const { holdfast, store, time } = world()
    const lease = await holdfast.lock('k').acquire()
    store.next('release', { fail: 'unknown' })
    store.next('release', { request: 'lost', rejectAfterMs: 100 })
    await rejection(lease.release())
    const closing = holdfast.close()
    await time.advance(100)
    await closing
    expect(time.pendingTimers).toBe(0)
  })

  test('leaves a key that has to stay held to its least hold', async () => {
    const { holdfast, store, time, records } = world()
    const lease = await holdfast.lock('k', { ttl: '1s', minHold: '5s' }).acquire()
    store.next('renew', { fail: 'unknown' })
    expect(await rejection(lease.release())).toMatchObject({ code: 'STORE_FAILED' })
    await time.advance(4_900)
    expect(records.inspect('holdfast:k')).toBeDefined()
    expect(store.calls.filter(({ operation }) => operation === 'release')).toEqual([])
  })

  test('at the end of finished work is a warning, and the result stands', async () => {
    const { holdfast, store, warnings } = world()
    store.always('release', { fail: 'unknown' })
    expect(await holdfast.lock('k').run(() => 42)).toBe(42)
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toMatch(/^k: The store failed to release: .* The work is done; the key comes free when its ttl/)
  })

  test('at the end of work that threw does not hide what it threw', async () => {
    const { holdfast, store, warnings } = world()
    store.always('release', { fail: 'unknown' })
    const error = new Error('the work failed')
    expect(await rejection(holdfast.lock('k').run(() => Promise.reject(error)))).toBe(error)
    expect(warnings).toHaveLength(1)
  })
})

describe('close', () => {
  test('warns of what it could not release, and releases the rest', async () => {
    const { holdfast, time, records, warnings } = changed((store) => ({
      release: ((key: string, owner: string) =>
        key.endsWith('bad') ? Promise.reject(new Error('no')) : store.release(key, owner)) as Store['release'],
    }))
    await holdfast.lock('bad').acquire()
    await holdfast.lock('good').acquire()
    await holdfast.close()
    expect(warnings).toEqual(['The store failed to release: no (while closing)'])
    expect(records.inspect('holdfast:good')).toBeUndefined()
    await time.advance(10_000)
    expect(time.keepAliveTimers).toBe(0)
  })

  test('waits for the calls that are under way, and hears no notice after that', async () => {
    let listening = 0
    const { holdfast, time, store } = changed(() => ({
      onNotice: () => {
        listening++
        return () => {
          listening--
        }
      },
    }))
    store.next('acquire', { replyDelayMs: 100 })
    const refused = rejection(holdfast.lock('k').acquire())
    let closed = false
    const closing = holdfast.close().then(() => (closed = true))
    await time.advance(99)
    expect(closed).toBe(false)
    expect(listening).toBe(1)
    await time.advance(1)
    await closing
    expect(listening).toBe(0)
    expect((await refused).message).toContain('closed')
  })
})

describe('what a store is told', () => {
  test('of a request', async () => {
    const requests: AcquireRequest[] = []
    const { holdfast, time } = changed((store) => ({
      acquire: (request) => (requests.push(request), store.acquire(request)),
    }))
    const holder = { host: 'virtual', pid: 1, label: undefined, since: time.wallMs(), expireMs: undefined }
    const mutex = { limit: 1, permits: 1, again: false, limitMs: 5_000 }
    await holdfast.lock('a').acquire()
    await holdfast.lock('b', { wait: true }).acquire()
    await holdfast.lock('c', { wait: true, label: 'import', ttl: '10s', expire: '5s' }).acquire()
    await holdfast.lock('d', { wait: true, minHold: '1m' }).acquire()
    const owner = expect.stringMatching(/^[\w-]{22}\.1[A-D]$/) as string
    expect(requests).toEqual([
      { ...mutex, key: 'holdfast:a', owner, ttlMs: 30_000, queueMs: 0, turns: 0, holder },
      { ...mutex, key: 'holdfast:b', owner, ttlMs: 30_000, queueMs: 2_700, turns: 16, holder },
      {
        ...mutex,
        key: 'holdfast:c',
        owner,
        limitMs: 10_000 / 3,
        ttlMs: 5_000,
        queueMs: 2_700,
        turns: 0,
        holder: { ...holder, label: 'import', expireMs: 5_000 },
      },
      { ...mutex, key: 'holdfast:d', owner, ttlMs: 60_000, queueMs: 2_700, turns: 0, holder },
    ])
  })

  test('never by the same owner twice', async () => {
    const owners: string[] = []
    const { holdfast } = changed((store) => ({
      acquire: (request) => (owners.push(request.owner), store.acquire(request)),
    }))
    for (let times = 0; times < 200; times++) await (await holdfast.lock('k').acquire()).release()
    expect(new Set(owners).size).toBe(200)
    expect(new Set(owners.map((owner) => owner.split('.')[0])).size).toBe(1)
  })
})

describe('news from the store', () => {
  /** A store whose notices the test makes up. */
  const setUp = () => {
    const listeners: NoticeListener[] = []
    const all = changed(() => ({
      onNotice: (listener) => {
        listeners.push(listener)
        return () => undefined
      },
    }))
    const calls = (name: string): number => all.store.calls.filter(({ operation }) => operation === name).length
    return { ...all, tell: (notice: Parameters<NoticeListener>[0]) => listeners[0]?.(notice), calls }
  }

  test('that some may have been missed makes holders and waiters ask at once', async () => {
    const { holdfast, other, time, tell, calls, store } = setUp()
    await holdfast.lock('mine').acquire()
    await holdfast.lock('for ever', { ttl: '1h', expire: '1m' }).acquire() // has nothing to renew
    await other().lock('theirs').acquire()
    const waiting = holdfast.lock('theirs', { wait: true }).acquire()
    await time.advance(10)
    const asked = calls('acquire')
    tell({ type: 'resync' })
    await time.advance(2)
    expect(store.calls.filter(({ operation }) => operation === 'renew')).toMatchObject([{ key: 'holdfast:mine' }])
    expect(calls('acquire')).toBe(asked + 1)
    await time.advance(9_000)
    expect(calls('renew')).toBe(1) // the next is due a third of the ttl after that
    await time.advance(1_100)
    expect(calls('renew')).toBe(2)
    waiting.catch(() => undefined)
    await holdfast.close()
  })

  test('that a hold was ended by force is for its holder alone', async () => {
    const { holdfast, records, tell } = setUp()
    const [one, two] = [await holdfast.lock('one').acquire(), await holdfast.lock('two').acquire()]
    const owner = records.inspect('holdfast:one')?.holders[0]?.owner ?? ''
    tell({ type: 'revoked', key: 'holdfast:one', owner: `x${owner}` })
    expect(one.active).toBe(true)
    tell({ type: 'revoked', key: 'holdfast:one', owner })
    expect(one.signal.reason).toMatchObject({ code: 'LOCK_REVOKED' })
    expect(two.active).toBe(true)
  })
})

describe('a renewal that is refused', () => {
  const endOf = async (change: Partial<Store>): Promise<{ code?: unknown; message?: unknown }> => {
    const { holdfast, time } = changed(() => ({ renew: () => Promise.resolve(false), ...change }))
    const lease = await holdfast.lock('k', { ttl: 900 }).acquire()
    await time.advance(299)
    expect(lease.active).toBe(true)
    await time.advance(302)
    expect(lease.active).toBe(false)
    return lease.signal.reason as object
  }

  test('ends the hold, as the store says how', async () => {
    expect(await endOf({ wasRevoked: () => Promise.resolve(true) })).toMatchObject({ code: 'LOCK_REVOKED' })
    const { code, message } = await endOf({ wasRevoked: () => Promise.resolve(false) })
    expect(code).toBe('LOCK_LOST')
    expect(message).toContain('(the store does not know the hold any more)')
  })

  test('ends it as lost, when the store cannot say', async () => {
    expect(await endOf({})).toMatchObject({ code: 'LOCK_LOST' })
    expect(await endOf({ wasRevoked: () => Promise.reject(new Error('no')) })).toMatchObject({ code: 'LOCK_LOST' })
    expect(await endOf({ wasRevoked: () => new Promise(() => undefined) })).toMatchObject({ code: 'LOCK_LOST' })
  })
})

test('a renewal that fails is tried again after a tenth of the lease, and one that is under way is not doubled', async () => {
  const { holdfast, store, time } = world({ storeTimeout: 200 })
  const renewals = (): number => store.calls.filter(({ operation }) => operation === 'renew').length
  await holdfast.lock('k', { ttl: 900 }).acquire()
  store.next('renew', { reply: 'lost', rejectAfterMs: 10 })
  await time.advance(301)
  expect(renewals()).toBe(1)
  await time.advance(50)
  expect(renewals()).toBe(1)
  await time.advance(60) // 45 to 90 ms after the failure
  expect(renewals()).toBe(2)
  store.next('renew', { replyDelayMs: 150 })
  await time.advance(300)
  expect(renewals()).toBe(3)
  await time.advance(140)
  expect(renewals()).toBe(3)
})

test('a hold that is gone when it is released says so', async () => {
  const { holdfast, records, warnings } = world()
  const failed = rejection(
    holdfast.lock('k').run(() => {
      records.forceRelease('holdfast:other')
      records.release('holdfast:k', records.inspect('holdfast:k')?.holders[0]?.owner ?? '')
    }),
  )
  const error = await failed
  expect(error).toMatchObject({ code: 'LOCK_LOST' })
  expect(error.message).toContain('(the store did not know the hold any more when it was released)')
  expect(warnings).toEqual([error.message])
})
