import { type Lease, LockTimeoutError, StoreError } from 'holdfast'
import { describe, expect, test } from 'vitest'
import { rejection, world } from '../support/world.js'

describe.each([
  ['a store that queues', { wake: 'push' } as const],
  ['a store that is polled', { fair: false, wake: 'poll' } as const],
])('waiting on %s', (_, capabilities) => {
  const setUp = () => world({}, capabilities)

  test('is served first come, first served', async () => {
    const { holdfast } = setUp()
    const lock = holdfast.lock('k', { wait: true })
    const order: number[] = []
    const first = await lock.acquire()
    const rest = Array.from({ length: 50 }, async (_value, index) => {
      const lease = await lock.acquire()
      order.push(index)
      await lease.release()
    })
    await first.release()
    await Promise.all(rest)
    expect(order).toEqual(Array.from({ length: 50 }, (_value, index) => index))
  })

  test('hands over within the process without a call of the store, at most 16 times in a row', async () => {
    const { holdfast, store } = setUp()
    const lock = holdfast.lock('k', { wait: true })
    const first = await lock.acquire()
    const rest = Array.from({ length: 40 }, async () => {
      const lease = await lock.acquire()
      const { token } = lease
      await lease.release()
      return token
    })
    await settle()
    const before = store.calls.length
    await first.release()
    const tokens = await Promise.all(rest)
    // the 17th and the 34th are calls that release and acquire at once, and the last release is one
    expect(store.calls.length - before).toBe(3)
    expect([first.token, ...tokens]).toEqual([first.token, ...tokens].sort((a, b) => a - b))
    expect(new Set(tokens).size).toBe(40)
  })

  test('a token that was handed out within the process is smaller than that of the next grant', async () => {
    const { holdfast, other } = setUp()
    const lock = holdfast.lock('k', { wait: true })
    const waits = Array.from({ length: 10 }, () => lock.acquire())
    let last = 0
    for (const wait of waits) {
      const lease = await wait
      expect(lease.token).toBeGreaterThan(last)
      last = lease.token
      if (wait !== waits.at(-1)) await lease.release()
    }
    await other().lock('k').forceRelease() // the store is never told of the tokens in between
    expect((await other().lock('k').acquire()).token).toBeGreaterThan(last)
  })

  test('a hold with limits of its own is not passed on behind the back of the store', async () => {
    const { holdfast, store, time } = setUp()
    for (const options of [{ expire: 5000 }, { minHold: 1 }, { ttl: 5000 }]) {
      const first = await holdfast.lock('k', { wait: true }).acquire()
      const second = holdfast.lock('k', { wait: true, ...options }).acquire()
      await settle()
      const before = store.calls.length
      await first.release()
      const lease = await second
      expect(store.calls.length - before).toBe(1)
      await lease.release()
      await time.advance(1)
    }
  })

  test('other processes get their turn after at most 16 of ours', async () => {
    const { holdfast, other, time } = setUp()
    const served: string[] = []
    const lock = holdfast.lock('k', { wait: true })
    const use = async (name: string, wait: Promise<Lease>): Promise<void> => {
      const lease = await wait
      served.push(name)
      await lease.release()
    }
    const first = await lock.acquire()
    const ours = Array.from({ length: 60 }, () => use('ours', lock.acquire()))
    const theirs = use('theirs', other().lock('k', { wait: true }).acquire())
    await settle()
    await first.release()
    await time.advance(300)
    await Promise.all([...ours, theirs])
    if (capabilities.wake === 'push') expect(served.indexOf('theirs')).toBeLessThanOrEqual(17)
    expect(served).toHaveLength(61)
  })

  test('has one contender for a process and key, however many wait', async () => {
    const { holdfast, store, other, time } = setUp()
    const theirs = await other().lock('k').acquire()
    const waits = Array.from({ length: 200 }, () => holdfast.lock('k', { wait: true }).acquire())
    await time.advance(3000)
    expect(store.calls.length).toBeLessThanOrEqual(capabilities.wake === 'poll' ? 40 : 6)
    await theirs.release()
    await time.advance(300)
    for (const wait of waits) await (await wait).release()
  })

  test('ends with LockTimeoutError that names the holder, and costs the store nothing more', async () => {
    const { holdfast, other, time, store, warnings } = setUp()
    await other().lock('k', { label: 'report' }).acquire()
    const wait = rejection(holdfast.lock('k', { wait: 500 }).acquire())
    await time.advance(501)
    const error = await wait
    expect(error).toBeInstanceOf(LockTimeoutError)
    expect(error).toMatchObject({ code: 'LOCK_TIMEOUT', key: 'k', holder: { label: 'report' } })
    expect(error.message).toMatch(/^k is already locked: held by "report" pid /)
    expect(warnings).toContain(error.message)
    const calls = store.calls.length
    await time.advance(10_000)
    expect(store.calls.length).toBeLessThanOrEqual(calls + 1)
    expect((await holdfast.lock('k').inspect())?.waiters).toEqual([])
  })

  test('with tryAcquire resolves to undefined when it is over', async () => {
    const { holdfast, other, time } = setUp()
    await other().lock('k').acquire()
    const wait = holdfast.lock('k', { wait: 500 }).tryAcquire()
    await time.advance(501)
    expect(await wait).toBeUndefined()
  })

  test('is cancelled by its signal, with the reason of the signal, and leaves no trace', async () => {
    const { holdfast, time } = setUp()
    const first = await holdfast.lock('k').acquire()
    const abort = new AbortController()
    const waits = ['second', 'third'].map(() => holdfast.lock('k', { wait: true, signal: abort.signal }).acquire())
    const reasons = waits.map((wait) => rejection(wait))
    await settle()
    const reason = new Error('the user left')
    abort.abort(reason)
    expect(await Promise.all(reasons)).toEqual([reason, reason])
    await first.release()
    await time.advance(100)
    expect(await holdfast.lock('k').isLocked()).toBe(false)
    expect(await rejection(holdfast.lock('k', { signal: abort.signal }).acquire())).toBe(reason)
  })

  test('a cancelled contender leaves its place to the next in line', async () => {
    const { holdfast, other, time } = setUp()
    const theirs = await other().lock('k').acquire()
    const abort = new AbortController()
    const cancelled = rejection(holdfast.lock('k', { wait: true, signal: abort.signal }).acquire())
    const next = holdfast.lock('k', { wait: true }).acquire()
    await time.advance(100)
    abort.abort()
    await cancelled
    await theirs.release()
    await time.advance(300)
    expect((await next).active).toBe(true)
  })

  test('a grant that arrives after its wait was cancelled is given back', async () => {
    const { holdfast, store, time, records } = setUp()
    const abort = new AbortController()
    store.next('acquire', { replyDelayMs: 400 })
    const wait = rejection(holdfast.lock('k', { wait: true, signal: abort.signal }).acquire())
    await time.advance(100)
    abort.abort()
    await wait
    store.always('release', {})
    await time.advance(2000)
    expect(records.inspect('holdfast:k')).toBeUndefined()
  })

  test('a grant that arrives after a try was cancelled is given back', async () => {
    const { holdfast, store, time, records } = setUp()
    const abort = new AbortController()
    store.next('acquire', { replyDelayMs: 400 })
    const attempt = rejection(holdfast.lock('k', { signal: abort.signal }).acquire())
    await time.advance(100)
    abort.abort()
    await attempt
    await time.advance(2000)
    expect(records.inspect('holdfast:k')).toBeUndefined()
  })

  test('a reply lost after the server ran the acquire makes nobody wait for himself', async () => {
    const { holdfast, store, time } = setUp()
    for (const wait of [false, true]) {
      store.next('acquire', { reply: 'lost', rejectAfterMs: 5 })
      const acquired = holdfast.lock(`k${String(wait)}`, { wait }).acquire()
      await time.advance(100)
      expect((await acquired).active).toBe(true)
    }
  })

  test('a try whose answer never came is released in the background', async () => {
    const { holdfast, store, time, other } = setUp()
    store.next('acquire', { reply: 'lost' })
    const attempt = rejection(holdfast.lock('k', { ttl: 3000 }).acquire())
    await time.advance(1001)
    expect(await attempt).toMatchObject({ code: 'STORE_FAILED', outcome: 'unknown' })
    await time.advance(1)
    expect(await other().lock('k').tryAcquire()).toBeDefined()
  })

  test('rides over a store that is down for a moment, and reports one that stays down', async () => {
    const { holdfast, store, time } = setUp()
    store.always('acquire', { fail: 'not-applied' })
    const patient = holdfast.lock('k', { wait: '60s' }).acquire()
    await time.advance(2000)
    store.heal()
    await time.advance(1000)
    await (await patient).release()
    store.always('acquire', { fail: 'not-applied' })
    const waits = [1, 2, 3].map(() => rejection(holdfast.lock('k', { wait: true }).acquire()))
    await time.advance(6000)
    for (const wait of waits) expect(await wait).toBeInstanceOf(StoreError)
  })

  test('never returns a lease with less than half its ttl left: it is renewed first', async () => {
    const { holdfast, store, time } = world({ storeTimeout: 5000 }, capabilities)
    for (const wait of [false, true]) {
      store.next('acquire', { replyDelayMs: 800 })
      const acquired = holdfast.lock(`k${String(wait)}`, { ttl: 1000, wait }).acquire()
      await time.advance(800)
      expect((await acquired).remainingMs).toBeGreaterThanOrEqual(500)
    }
  })

  test('never returns a lease that the store refuses to renew', async () => {
    const { holdfast, store, time, other } = world({ storeTimeout: 5000 }, capabilities)
    store.next('acquire', { replyDelayMs: 1500 })
    const attempt = holdfast.lock('k', { ttl: 1000 }).tryAcquire()
    await time.advance(1400)
    await other().lock('k').acquire() // the lease was over while its grant travelled
    await time.advance(200)
    expect(await attempt).toBeUndefined()
  })

  test('goes on when the holder of the same process loses its lease', async () => {
    const { holdfast, time } = setUp()
    const first = await holdfast.lock('k', { ttl: 1000 }).acquire()
    const second = holdfast.lock('k', { wait: true }).acquire()
    await settle()
    time.stall(1000)
    await time.advance(10)
    expect(first.active).toBe(false)
    await time.advance(300)
    expect((await second).active).toBe(true)
  })

  test('goes on at once after a forced release', async () => {
    const { holdfast, time, other } = setUp()
    await other().lock('k').acquire()
    const waiter = holdfast.lock('k', { wait: true }).acquire()
    await settle()
    await holdfast.lock('k').forceRelease()
    await time.advance(250)
    expect((await waiter).active).toBe(true)
  })

  test('close() ends the waits and releases what is held', async () => {
    const { holdfast, time, other } = setUp()
    await holdfast.lock('mine').acquire()
    await other().lock('theirs').acquire()
    const wait = rejection(holdfast.lock('theirs', { wait: true }).acquire())
    await settle()
    await holdfast.close()
    expect((await wait).message).toContain('closed')
    expect(await other().lock('mine').tryAcquire()).toBeDefined()
    expect(time.keepAliveTimers).toBe(0)
  })
})

test('the next in line goes on when the first gave up', async () => {
  const { holdfast, other, time } = world()
  const theirs = await other().lock('k').acquire()
  const first = holdfast.lock('k', { wait: 100 }).tryAcquire()
  const second = holdfast.lock('k', { wait: true, label: 'second' }).acquire()
  await time.advance(101)
  expect(await first).toBeUndefined()
  await theirs.release()
  expect((await second).active).toBe(true)
})

test('a pending wait keeps the process alive, and nothing else does', async () => {
  const { holdfast, time } = world()
  const lease = await holdfast.lock('k').acquire()
  expect(time.keepAliveTimers).toBe(0)
  const wait = holdfast.lock('k', { wait: true }).acquire()
  expect(time.keepAliveTimers).toBeGreaterThan(0)
  await lease.release()
  await (await wait).release()
  expect(time.keepAliveTimers).toBe(0)
  expect(time.pendingTimers).toBe(0)
})

/** Lets promise jobs run. */
async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}

test('close() ends the waits of a line whose first has not asked yet', async () => {
  const { holdfast } = world()
  await holdfast.lock('k').acquire()
  const waits = [1, 2, 3].map(() => rejection(holdfast.lock('k', { wait: true }).acquire()))
  await holdfast.close()
  for (const wait of waits) expect((await wait).message).toContain('closed')
})

test('an acquire under way while the instance is closed does not outlive it', async () => {
  const { holdfast, store, time, records } = world()
  store.always('acquire', { replyDelayMs: 50 })
  const attempt = rejection(holdfast.lock('k').acquire())
  const closing = holdfast.close()
  await time.advance(60)
  await closing
  expect((await attempt).message).toContain('closed')
  expect(records.inspect('holdfast:k')).toBeUndefined()
})

test('a wait shorter than a round trip does no worse than not to wait', async () => {
  const { holdfast, store, time, other } = world()
  store.always('acquire', { replyDelayMs: 50 })
  const free = holdfast.lock('free', { wait: 1 }).acquire()
  await other().lock('held').acquire()
  const held = rejection(holdfast.lock('held', { wait: 1 }).acquire())
  await time.advance(60)
  expect((await free).active).toBe(true)
  expect(await held).toBeInstanceOf(LockTimeoutError)
  store.heal()
  store.always('acquire', { delayMs: 20, fail: 'not-applied' })
  const failing = rejection(holdfast.lock('k', { wait: 1 }).acquire())
  await time.advance(6000)
  expect(await failing).toBeInstanceOf(StoreError)
})

test('those behind a first who is granted at once keep the process alive as well', async () => {
  const { holdfast, time } = world()
  const first = holdfast.lock('k', { wait: true }).acquire()
  const second = holdfast.lock('k', { wait: true }).acquire()
  const lease = await first
  expect(time.keepAliveTimers).toBeGreaterThan(0)
  await lease.release()
  await (await second).release()
  expect(time.pendingTimers).toBe(0)
})

test('the next in line does not take a lease that was asked for by another with a shorter ttl', async () => {
  const { holdfast, store, time, other } = world({ storeTimeout: 5000 })
  const abort = new AbortController()
  store.next('acquire', { replyDelayMs: 50 })
  const short = rejection(holdfast.lock('k', { ttl: 300, wait: true, signal: abort.signal }).acquire())
  const long = holdfast.lock('k', { ttl: '30s', wait: true }).acquire()
  await time.advance(10)
  abort.abort()
  await short
  await time.advance(100)
  const lease = await long
  await time.advance(1000)
  expect(lease.active).toBe(true)
  expect(await other().lock('k').tryAcquire()).toBeUndefined()
})
