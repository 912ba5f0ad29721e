import { describe, expect, it } from 'vitest'
import { rejection, world } from '../support/world.js'
import { forget, held, operations } from './support/several.js'

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
