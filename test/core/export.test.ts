import { createHoldfast, type Lease } from 'holdfast'
import { virtualTime } from 'holdfast/testing'
import { describe, expect, test } from 'vitest'
import { rejection, thrown, world } from '../support/world.js'

const readText = (text: string): unknown => JSON.parse(Buffer.from(text, 'base64url').toString())

describe('an export', () => {
  test('is a text that a process of another version can read', async () => {
    const { holdfast, records, time } = world()
    const lease = await holdfast.lock('a', { ttl: '30s', expire: '1m', minHold: '5s' }).acquire()
    const [holder] = records.inspect('holdfast:a')?.holders ?? []
    await time.advance(40_000)
    expect(readText(await lease.export())).toEqual({
      v: 1,
      store: 'model of a server',
      key: 'holdfast:a',
      owner: holder?.owner,
      limit: 1,
      permits: 1,
      leaseMs: 20_000, // no more than what is left of `expire`
      heldMs: 40_000,
      wallMs: time.wallMs(),
      expireMs: 60_000,
      minHoldMs: 5_000,
    })
  })

  test('ends the lease, which says why', async () => {
    const { holdfast, store } = world()
    const lease = await holdfast.lock('a').acquire()
    await lease.export()
    const error = thrown(() => lease.assertActive())
    expect(error).toMatchObject({ code: 'LOCK_RELEASED', key: 'a' })
    expect(error.message).toContain('it was exported: whoever adopts it holds now')
    expect(await lease.release()).toBe(false)
    expect(store.calls.map(({ operation }) => operation)).toEqual(['acquire', 'renew'])
  })

  test('gives an end to what lasts until it is released', async () => {
    const time = virtualTime({ scope: 'process' })
    const text = time.lock('a').acquireSync().export()
    expect(readText(text)).toMatchObject({ leaseMs: 30_000, heldMs: 0, minHoldMs: 0 })
    expect(time.records.inspect('holdfast:a')?.holders).toMatchObject([{ remainingMs: 30_000 }])
  })

  test('keeps the process alive while it is under way, and has the time limit of a call', async () => {
    const { holdfast, store, time } = world({ storeTimeout: 300 })
    const lease = await holdfast.lock('a').acquire()
    store.next('renew', { request: 'lost' })
    const failed = rejection(lease.export())
    expect(time.keepAliveTimers).toBe(1)
    await time.advance(299)
    expect(lease.active).toBe(true)
    await time.advance(1)
    expect(await failed).toMatchObject({ code: 'STORE_FAILED', key: 'a', operation: 'renew' })
    expect((await failed).message).toContain('renew: no answer within 300 ms')
    expect(lease.active).toBe(true)
    expect(time.keepAliveTimers).toBe(0)
  })

  test('says what the store threw, and leaves the hold where it is', async () => {
    const { store, time } = world()
    const renew = (): Promise<never> => Promise.reject(new Error('no such server'))
    const lease = await createHoldfast({ store: { ...store, renew }, env: time })
      .lock('a')
      .acquire()
    const error = await rejection(lease.export())
    expect(error).toMatchObject({ code: 'STORE_FAILED', key: 'a', operation: 'renew' })
    expect(error.message).toBe('The store failed to renew: no such server')
    expect(lease.active).toBe(true)
  })

  test('says the same in sync, and can be made later', () => {
    const { lock, store } = virtualTime({ scope: 'process' })
    const lease = lock('a').acquireSync()
    const renew = store.renew.bind(store)
    store.renew = () => {
      throw new Error('out of order')
    }
    const error = thrown(() => lease.export())
    expect(error).toMatchObject({ code: 'STORE_FAILED', key: 'a', operation: 'renew' })
    expect(error.message).toBe('The store failed to renew: out of order')
    expect(lease.active).toBe(true)
    store.renew = renew
    expect(lock('a').adoptSync(lease.export()).active).toBe(true)
  })

  test('asks a store that cannot nothing, and names it', async () => {
    const { holdfast, store } = world({}, { adopts: false })
    const lease = await holdfast.lock('a').acquire()
    const error = await rejection(lease.export())
    expect(error).toMatchObject({ code: 'INVALID_OPTION', key: 'a' })
    expect(error.message).toBe("a: the store 'model of a server' cannot hand a hold over.")
    expect(store.calls).toHaveLength(1)
    expect(lease.active).toBe(true)
  })

  test('of what has ended asks nothing', async () => {
    const { holdfast, store } = world()
    const lease = await holdfast.lock('a').acquire()
    await lease.release()
    expect(await rejection(lease.export())).toMatchObject({ code: 'LOCK_RELEASED' })
    expect(store.calls).toHaveLength(2)
  })

  test('lets those of its own process who wait ask at once', async () => {
    const { holdfast, other, records, time } = world()
    const lease = await holdfast.lock('a').acquire()
    const waiting = holdfast.lock('a', { wait: '1m' }).acquire() // asks nothing while its own process holds
    await time.advance(10)
    expect(records.inspect('holdfast:a')?.waiters).toEqual([])
    const text = await lease.export()
    await time.advance(1)
    expect(records.inspect('holdfast:a')?.waiters).toHaveLength(1)
    await (await other().lock('a').adopt(text)).release()
    expect((await waiting).active).toBe(true)
  })
})

describe('an export of what has been lost', () => {
  const lose = (records: ReturnType<typeof world>['records']): void => {
    records.release('holdfast:a', records.inspect('holdfast:a')?.holders[0]?.owner ?? '')
  }

  test.each([
    [(): Promise<boolean> => Promise.resolve(true), 'LOCK_REVOKED'],
    [(): Promise<boolean> => Promise.resolve(false), 'LOCK_LOST'],
  ] as const)('says how', async (wasRevoked, code) => {
    const { store, records, time } = world()
    const lease = await createHoldfast({ store: { ...store, wasRevoked }, env: time })
      .lock('a')
      .acquire()
    lose(records)
    expect(await rejection(lease.export())).toMatchObject({ code, key: 'a' })
    expect(lease.signal.reason).toMatchObject({ code })
  })

  test.each([
    [(): boolean => true, 'LOCK_REVOKED'],
    [(): boolean => false, 'LOCK_LOST'],
  ] as const)('says how in sync', (wasRevoked, code) => {
    const { lock, store, records } = virtualTime({ scope: 'process' })
    store.wasRevoked = wasRevoked
    const lease = lock('a').acquireSync()
    lose(records)
    expect(thrown(() => lease.export())).toMatchObject({ code, key: 'a' })
    expect(lease.signal.reason).toMatchObject({ code })
  })

  /** Only the slow clock has seen it. */
  const sleepUnseen = (time: ReturnType<typeof world>['time']): void => {
    time.suspend(60_000)
    time.advanceWall(-60_000)
  }
  const lost = async (exporting: Promise<unknown>, lease: Lease): Promise<void> => {
    expect(await rejection(exporting)).toMatchObject({ code: 'LOCK_LOST' })
    expect(lease.active).toBe(false)
  }

  test('while the machine was suspended asks the store nothing', async () => {
    const { holdfast, store, time } = world()
    const lease = await holdfast.lock('a', { ttl: '30s' }).acquire()
    sleepUnseen(time)
    await lost(lease.export(), lease)
    expect(store.calls.map(({ operation }) => operation)).not.toContain('renew')
  })

  test('while the store was asked gives no text', async () => {
    const { holdfast, store, time } = world()
    const lease = await holdfast.lock('a', { ttl: '30s' }).acquire()
    store.next('renew', { replyDelayMs: 500 })
    const exporting = lease.export()
    exporting.catch(() => undefined)
    await time.advance(100)
    sleepUnseen(time)
    await time.advance(400)
    await lost(exporting, lease)
  })
})
