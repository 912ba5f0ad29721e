import { createHoldfast, LockedError, LockLostError, LockTimeoutError, type MultiLease, StoreError } from 'holdfast'
import { virtualTime } from 'holdfast/testing'
import { describe, expect, it } from 'vitest'
import { rejection, world, type World } from '../support/world.js'

/** Everything that stands in the records. */
function held({ records }: World): string[] {
  return [...records.list('', 100).keys].map((key) => key.replace('holdfast:', ''))
}

function operations({ store }: World): string[] {
  return store.calls.map(({ operation, key }) => `${operation} ${key?.replace('holdfast:', '') ?? ''}`)
}

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

  it('waits for each of its keys, with one deadline for all', async () => {
    const fleet = world()
    const { holdfast, other, time } = fleet
    const [a, b] = [await other().lock('a').acquire(), await other().lock('b').acquire()]
    const began = time.nowMs()
    const waiting = rejection(holdfast.lock(['b', 'a'], { wait: '10s' }).acquire())
    await time.advance(6_000)
    await a.release()
    await time.advance(1)
    expect((await holdfast.lock('a').inspect())?.holders[0]?.pid).toBe(1)
    expect(await time.advanceUntil(() => held(fleet).length === 1, 30_000)).toBe(true)
    const error = await waiting
    if (!(error instanceof LockTimeoutError)) throw error
    expect([error.key, Math.round(error.waitedMs / 100)]).toEqual(['b', 100])
    expect(Math.round((time.nowMs() - began) / 100)).toBe(100)
    expect(held(fleet)).toEqual(['b'])
    await b.release()
  })

  it('is granted when the last of its keys comes free, and renews those it took early', async () => {
    const fleet = world()
    const { holdfast, other, time } = fleet
    const b = await other().lock('b').acquire()
    let lease: MultiLease | undefined
    const taken = holdfast.lock(['a', 'b'], { wait: true, ttl: '1s' }).acquire().then((granted) => (lease = granted)) // prettier-ignore
    await time.advance(20_000)
    expect(lease).toBeUndefined()
    expect(held(fleet)).toEqual(['a', 'b'])
    await b.release()
    await time.advance(10)
    expect((await taken).active).toBe(true)
    await time.advance(20_000)
    expect(lease?.active).toBe(true)
    expect(await lease?.release()).toBe(true)
    expect(held(fleet)).toEqual([])
  })

  it('keeps nothing of what it took when its wait is cancelled', async () => {
    const fleet = world()
    const { holdfast, other, time } = fleet
    await other().lock('b').acquire()
    const controller = new AbortController()
    const waiting = rejection(holdfast.lock(['a', 'b', 'c'], { wait: true, signal: controller.signal }).acquire())
    await time.advance(5_000)
    expect(held(fleet)).toEqual(['a', 'b'])
    const reason = new Error('enough')
    controller.abort(reason)
    expect(await waiting).toBe(reason)
    await time.advance(100)
    expect(held(fleet)).toEqual(['b'])
    expect(await rejection(holdfast.lock(['x', 'y'], { signal: controller.signal }).acquire())).toBe(reason)
    expect(held(fleet)).toEqual(['b'])
  })

  it('stays held for its least time when an answer comes late that was asked for before it had all', async () => {
    const fleet = world()
    const { holdfast, other, store, time } = fleet
    const a = await other().lock('a').acquire()
    store.next('acquire', { replyDelayMs: 4_000 }) // that it has a place
    const taken = holdfast.lock(['a', 'b'], { wait: true, ttl: '10s', minHold: '5s' }).acquire()
    await time.advance(3_500)
    await a.release()
    await time.advance(100)
    await (await taken).release()
    expect(held(fleet)).toEqual(['a', 'b'])
    await time.advance(1_000)
    expect(held(fleet)).toEqual(['a', 'b'])
    await time.advance(5_000)
    expect(held(fleet)).toEqual([])
  })

  it('lets those who wait for one of its keys go first', async () => {
    const fleet = world()
    const { holdfast, other, time } = fleet
    const first = await other().lock('b').acquire()
    const order: string[] = []
    const single = other().lock('b', { wait: true }).run(async () => void order.push('single')) // prettier-ignore
    const local = holdfast.lock('b', { wait: true }).run(async () => void order.push('local')) // prettier-ignore
    await time.advance(10)
    expect(await holdfast.lock(['a', 'b']).tryAcquire()).toBeUndefined()
    const several = holdfast.lock(['a', 'b'], { wait: true }).run(async () => void order.push('several')) // prettier-ignore
    await time.advance(10)
    await first.release()
    await time.advance(2_000)
    await Promise.all([single, local, several])
    expect(order).toEqual(['single', 'local', 'several'])
  })

  it('lets those go first whose request is still under way', async () => {
    const fleet = world()
    const { holdfast, store, time } = fleet
    const order: string[] = []
    store.next('acquire', { delayMs: 500 })
    const single = holdfast.lock('b', { wait: true }).run(async () => void order.push('single')) // prettier-ignore
    const several = holdfast.lock(['a', 'b'], { wait: true }).run(async () => void order.push('several')) // prettier-ignore
    await time.advance(2_000)
    await Promise.all([single, several])
    expect(order).toEqual(['single', 'several'])
  })

  it('leaves its place to none of those to whom a hold may be passed on: no tokens were reserved for them', async () => {
    const time = virtualTime({ scope: 'process' })
    const options = { ttl: '30s', wait: '1m' } as const
    const holder = { host: 'here', pid: 42, label: undefined, since: 0 }
    time.records.acquire({ key: 'holdfast:a', owner: 'x', ttlMs: 1_000, limit: 1, permits: 1, queueMs: 0, holder })
    const leaves = new AbortController()
    const several = time.lock(['a', 'b'], { ...options, minHold: '1s', signal: leaves.signal }).acquire()
    await time.advance(0)
    const waits = [1, 2].map(() => time.lock('a', options).acquire())
    time.stall(2_000) // the key came free, and no timer has told of it yet
    leaves.abort()
    await rejection(several)
    const tokens: number[] = []
    for (const wait of waits) {
      const lease = await wait
      tokens.push(lease.token)
      await lease.release()
    }
    const last = time.lock('a').acquireSync()
    expect(new Set([...tokens, last.token]).size).toBe(3)
    expect(last.token).toBeGreaterThan(Math.max(...tokens))
    await time.close()
  })

  it('counts expire and minHold from when all keys are held', async () => {
    const fleet = world()
    const { holdfast, other, time } = fleet
    const b = await other().lock('b').acquire()
    const waiting = holdfast.lock(['a', 'b'], { wait: true, expire: '2s', minHold: '1s' }).acquire()
    await time.advance(1_500)
    await b.release()
    await time.advance(10)
    const lease = await waiting
    expect(lease.remainingMs).toBeGreaterThan(1_000) // the last of them asked up to a heartbeat ago
    await lease.release()
    expect(held(fleet)).toEqual(['a', 'b'])
    await time.advance(1_100)
    expect(held(fleet)).toEqual([])
    const again = await holdfast.lock(['a', 'b'], { expire: '2s' }).acquire()
    await time.advance(2_100)
    expect(again.signal.reason).toMatchObject({ code: 'LOCK_EXPIRED', key: 'a' })
    expect(held(fleet)).toEqual([])
  })

  it('keeps no key for its minHold when another is not to be had', async () => {
    const fleet = world({}, {})
    const { holdfast, other, time, store } = fleet
    delete store.acquireAll
    await other().lock('b').acquire()
    const lock = holdfast.lock(['a', 'b', 'c'], { minHold: '1m' })
    expect((await rejection(lock.acquire())).code).toBe('LOCKED')
    expect(held(fleet)).toEqual(['b'])
    const waits = rejection(holdfast.lock(['a', 'b'], { minHold: '1m', wait: '1s' }).acquire())
    await time.advance(1_100)
    expect((await waits).code).toBe('LOCK_TIMEOUT')
    expect(held(fleet)).toEqual(['b'])
  })

  it('begins again when what it took early is lost while it waits', async () => {
    const fleet = world()
    const { holdfast, other, time } = fleet
    const process = other()
    const b = await process.lock('b').acquire()
    const waiting = holdfast.lock(['a', 'b'], { wait: true }).acquire()
    await time.advance(100)
    await process.lock('a').forceRelease()
    const a = await process.lock('a').acquire()
    await b.release()
    await time.advance(2_000)
    expect(held(fleet)).toEqual(['a'])
    await a.release()
    await time.advance(2_000)
    const lease = await waiting
    expect([lease.active, held(fleet)]).toEqual([true, ['a', 'b']])
    await lease.release()
  })
})

describe('several keys, while some of them are held and others waited for', () => {
  it('wait as long as they were told, though the time of day jumps ahead', async () => {
    const { holdfast, other, time } = world()
    const b = await other().lock('b').acquire()
    const waiting = holdfast.lock(['a', 'b'], { wait: '10s', ttl: '3s' }).acquire()
    await time.advance(1_000)
    time.advanceWall(60_000)
    await time.advance(3_000)
    await b.release()
    await time.advance(3_000)
    const lease = await waiting
    expect([lease.active, lease.remainingMs > 1_400]).toEqual([true, true])
  })

  it('are handed out with half of each lease left at least', async () => {
    const { holdfast, other, store, time } = world()
    const b = await other().lock('b').acquire()
    const waiting = holdfast.lock(['a', 'b'], { wait: '1m', ttl: '3s' }).acquire()
    await time.advance(500)
    store.always('renew', { fail: 'not-applied' })
    await time.advance(1_900)
    store.heal()
    await b.release()
    await time.advance(1)
    const lease = await waiting
    expect(lease.remainingMs).toBeGreaterThan(1_400)
  })

  it('are released when the last step fails, with an error of ours', async () => {
    const fleet = world()
    const { holdfast, store, time } = fleet
    delete store.acquireAll
    const asked: string[] = []
    const { acquire } = store
    Object.assign(store, {
      acquire: (request: Parameters<typeof acquire>[0]) => {
        if (asked.push(request.key) > 2) return Promise.reject(new Error('read ECONNRESET'))
        return acquire(request)
      },
    })
    const error = await rejection(holdfast.lock(['a', 'b'], { expire: '10s', minHold: '5s' }).acquire())
    expect(asked).toEqual(['holdfast:a', 'holdfast:b', 'holdfast:a'])
    expect(error).toMatchObject({ code: 'STORE_FAILED', key: 'a' })
    await time.advance(1_000)
    expect(held(fleet)).toEqual([])
  })

  it('are released when the signal aborts in the last step, of which nobody waits for the end', async () => {
    const fleet = world()
    const { holdfast, store, time } = fleet
    delete store.acquireAll
    store.next('acquire', {}, 2)
    store.next('acquire', { replyDelayMs: 1_000 })
    const controller = new AbortController()
    const { signal } = controller
    let reason: unknown
    holdfast.lock(['a', 'b'], { expire: '10s', signal }).acquire().catch((error: unknown) => (reason = error)) // prettier-ignore
    await time.advance(100)
    controller.abort('enough')
    await time.advance(1)
    expect([reason, held(fleet)]).toEqual(['enough', []])
    await time.advance(1_000)
    expect(held(fleet)).toEqual([])
  })

  it('are released when the answer of the last step comes after it was given up', async () => {
    const fleet = world({ storeTimeout: 200 })
    const { holdfast, store, time } = fleet
    delete store.acquireAll
    store.next('acquire', {}, 2)
    store.next('acquire', { delayMs: 1_000 })
    const failed = rejection(holdfast.lock(['a', 'b'], { expire: '10s' }).acquire())
    await time.advance(3_000)
    expect(await failed).toMatchObject({ code: 'STORE_FAILED', key: 'a' })
    expect(held(fleet)).toEqual([])
  })
})

describe('a lease of several keys', () => {
  it('tells that its instance is being closed', async () => {
    const holdfast = createHoldfast()
    const lease = await holdfast.lock(['a', 'b']).acquire()
    const { closing } = lease
    const closed = holdfast.close({ drainMs: 5_000 })
    expect(closing.aborted).toBe(true)
    expect(lease.active).toBe(true)
    await lease.release()
    await closed
  })

  it('cannot be reentrant', () => {
    const { lock } = createHoldfast()
    expect(() => lock(['a', 'b'], { reentrant: true })).toThrow('reentrant: a lock of several keys has no scope')
  })

  it('ends for the body when one of its keys is lost, and keeps the others until the end', async () => {
    const fleet = world()
    const { holdfast, time } = fleet
    let reason: unknown
    let late: MultiLease | undefined
    const failed = rejection(
      holdfast.lock(['a', 'b', 'c'], { ttl: '3s' }).run(async (lease) => {
        late = lease
        lease.signal.addEventListener('abort', () => void (reason = lease.signal.reason as unknown))
        forget(fleet, 'b')
        await sleep(fleet, 1_100)
        expect([lease.active, lease.remainingMs, held(fleet)]).toEqual([false, 0, ['a', 'c']])
        expect(() => lease.assertActive()).toThrow(LockLostError)
        return 'done'
      }),
    )
    await time.advance(1_200)
    const error = await failed
    expect(error).toMatchObject({ code: 'LOCK_LOST', key: 'b', result: 'done' })
    expect([reason, late?.signal.reason]).toEqual([error, error])
    expect(held(fleet)).toEqual([])
  })

  it('lets the result stand when one of its keys was released by force, or onLost is warn', async () => {
    const fleet = world()
    const { holdfast, other, warnings } = fleet
    const revoked = holdfast.lock(['a', 'b']).run(async (lease) => {
      await other().lock('a').forceRelease()
      expect(lease.signal.reason).toMatchObject({ code: 'LOCK_REVOKED', key: 'a' })
      return 'done'
    })
    expect(await revoked).toBe('done')
    const lost = holdfast.lock(['a', 'b'], { onLost: 'warn' }).run(async () => forget(fleet, 'b'))
    await lost
    expect(warnings.some((text) => text.startsWith('b was lost while held'))).toBe(true)
    expect(held(fleet)).toEqual([])
  })

  it('throws at the end of using when a key was lost, and has released the others', async () => {
    const fleet = world()
    const use = async (): Promise<void> => {
      await using lease = await fleet.holdfast.lock(['a', 'b']).acquire()
      forget(fleet, lease.keys[0] ?? '')
    }
    expect(await rejection(use())).toMatchObject({ code: 'LOCK_LOST', key: 'a' })
    expect(held(fleet)).toEqual([])
  })

  it('lets the error of the body go first', async () => {
    const fleet = world()
    const bang = new Error('bang')
    const run = fleet.holdfast.lock(['a', 'b']).run(async () => {
      forget(fleet, 'a')
      throw bang
    })
    expect(await rejection(run)).toBe(bang)
    expect(held(fleet)).toEqual([])
  })

  it('tells false when it releases what is not all there, and the error of a store that fails, after all was tried', async () => {
    const fleet = world()
    const { holdfast, store, time } = fleet
    const lock = holdfast.lock(['a', 'b', 'c'])
    const lease = await lock.acquire()
    forget(fleet, 'b')
    expect(await lock.release()).toBe(false)
    expect([lease.active, held(fleet)]).toEqual([false, []])
    await lock.acquire()
    store.next('release', { fail: 'unknown' })
    expect(await rejection(lock.release())).toBeInstanceOf(StoreError)
    await time.advance(2_000)
    expect(held(fleet)).toEqual([])
  })
})

describe('several keys of a store that fails', () => {
  it('asks again after a lost reply, and holds what it was granted before', async () => {
    const fleet = world()
    fleet.store.next('acquireAll', { reply: 'lost', rejectAfterMs: 20 }, 2)
    const asked = fleet.holdfast.lock(['a', 'b']).acquire()
    await fleet.time.advance(500)
    const lease = await asked
    const record = fleet.records.inspect('holdfast:b')
    expect([record?.holders.length, record?.holders[0]?.token]).toEqual([1, lease.tokenOf('b')])
    await lease.release()
    expect(held(fleet)).toEqual([])
  })

  it.each([
    ['is never answered', { reply: 'lost' }],
    ['comes late', { delayMs: 15_000 }],
    ['is answered late', { replyDelayMs: 15_000 }],
    ['is answered late, of which the first part was lost', { request: 'lost' }],
  ] as const)('leaves nothing behind when the request %s', async (_, fault) => {
    const fleet = world()
    const { holdfast, store, time } = fleet
    store.always('acquireAll', fault)
    const failed = rejection(holdfast.lock(['a', 'b', 'c']).acquire())
    await time.advance(12_000)
    expect(await failed).toMatchObject({ code: 'STORE_FAILED', key: 'a, b, c' })
    await time.advance(10_000)
    expect(held(fleet)).toEqual([])
    await holdfast.close()
    expect(time.pendingTimers).toBe(0)
  })

  it('leaves nothing behind when the signal aborts during the request', async () => {
    const fleet = world()
    const { holdfast, store, time } = fleet
    store.always('acquireAll', { replyDelayMs: 1_000 })
    const controller = new AbortController()
    const failed = rejection(holdfast.lock(['a', 'b'], { signal: controller.signal }).acquire())
    await time.advance(500)
    expect(held(fleet)).toEqual(['a', 'b'])
    controller.abort(new Error('enough'))
    expect((await failed).message).toBe('enough')
    await time.advance(2_000)
    expect(held(fleet)).toEqual([])
  })

  it('leaves nothing behind when it is refused after a lost reply', async () => {
    const fleet = world()
    const { holdfast, other, store, time } = fleet
    const process = other()
    store.next('acquireAll', { reply: 'lost', rejectAfterMs: 100 })
    const failed = rejection(holdfast.lock(['a', 'b']).acquire())
    await time.advance(50)
    expect(held(fleet)).toEqual(['a', 'b'])
    forget(fleet, 'b')
    await process.lock('b').acquire()
    await time.advance(500)
    expect(await failed).toMatchObject({ code: 'LOCKED', key: 'b' })
    expect(held(fleet)).toEqual(['b'])
  })

  it('gives no lease of which less than half is left: it asks again', async () => {
    const fleet = world({ storeTimeout: '2s' })
    const { holdfast, store, time } = fleet
    store.next('acquireAll', { replyDelayMs: 600 })
    const asked = holdfast.lock(['a', 'b'], { ttl: '1s' }).acquire()
    await time.advance(700)
    expect((await asked).remainingMs).toBeGreaterThan(850)
    expect(operations(fleet)).toEqual(['acquireAll a', 'acquireAll a'])
    expect(fleet.records.inspect('holdfast:b')?.holders.length).toBe(1)
  })

  it('releases what it took one by one when the store fails for a later key', async () => {
    const fleet = world()
    const { holdfast, store, time } = fleet
    delete store.acquireAll
    const run = (): Promise<Error> => rejection(holdfast.lock(['a', 'b', 'c']).acquire())
    store.next('acquire', {})
    store.next('acquire', { fail: 'not-applied' })
    const error = await run()
    expect(error).toMatchObject({ code: 'STORE_FAILED', key: 'b' })
    await time.advance(1_000)
    expect(held(fleet)).toEqual([])
  })

  it('gives back what is granted while the instance closes', async () => {
    const fleet = world()
    const { holdfast, store, time } = fleet
    store.next('acquireAll', { replyDelayMs: 300 })
    const failed = rejection(holdfast.lock(['a', 'b']).acquire())
    const closing = holdfast.close()
    await time.advance(1_000)
    expect((await failed).message).toContain('was closed')
    await closing
    expect(held(fleet)).toEqual([])
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

/** The records lose a key, and nobody is told. */
function forget({ records }: World, key: string): void {
  const [holder] = records.inspect(`holdfast:${key}`)?.holders ?? []
  if (holder === undefined) throw new Error(`${key} is not held`)
  records.release(`holdfast:${key}`, holder.owner)
}

/** In a body that runs while the test moves the clock. */
function sleep({ time }: World, ms: number): Promise<void> {
  return new Promise((resolve) => void time.setTimer(resolve, ms, true))
}
