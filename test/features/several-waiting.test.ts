import { LockTimeoutError, type MultiLease } from 'holdfast'
import { virtualTime } from 'holdfast/testing'
import { describe, expect, it } from 'vitest'
import { rejection, world } from '../support/world.js'
import { held } from './support/several.js'

describe('a lock of several keys that waits', () => {
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
