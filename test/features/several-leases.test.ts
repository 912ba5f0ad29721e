import { createHoldfast, LockLostError, type MultiLease, StoreError } from 'holdfast'
import { describe, expect, it } from 'vitest'
import { rejection, world } from '../support/world.js'
import { forget, held, sleep } from './support/several.js'

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
