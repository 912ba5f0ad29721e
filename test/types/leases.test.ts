import { describe, expect, expectTypeOf, it } from 'vitest'
import {
  createHoldfast,
  HoldfastError,
  type Inspection,
  type Lease,
  LockedError,
  LockLostError,
  LockTimeoutError,
  type SyncLease,
} from 'holdfast'

const { lock } = createHoldfast()

describe('a lease', () => {
  it('of acquire is released with a promise, one of acquireSync at once', async () => {
    const lease = await lock('key').acquire()
    expectTypeOf(lease).toEqualTypeOf<Lease>()
    expectTypeOf(lease.release()).toEqualTypeOf<Promise<boolean>>()
    expectTypeOf<Lease>().toExtend<AsyncDisposable>()
    expectTypeOf<Lease>().not.toExtend<Disposable>()
    const syncLease = lock('key').acquireSync()
    expectTypeOf(syncLease).toEqualTypeOf<SyncLease>()
    expectTypeOf(syncLease.release()).toEqualTypeOf<boolean>()
    expectTypeOf<SyncLease>().toExtend<Disposable>()
    expectTypeOf<SyncLease>().not.toExtend<AsyncDisposable>()
  })

  it('tells what it holds, and can only be read', async () => {
    const lease = await lock('key').acquire()
    expectTypeOf(lease.key).toEqualTypeOf<string>()
    expectTypeOf(lease.token).toEqualTypeOf<number>()
    expectTypeOf(lease.active).toEqualTypeOf<boolean>()
    expectTypeOf(lease.remainingMs).toEqualTypeOf<number>()
    expectTypeOf(lease.signal).toEqualTypeOf<AbortSignal>()
    // @ts-expect-error -- read only
    expect(() => (lease.token = 1)).toThrow(TypeError)
    // @ts-expect-error -- a lease knows no owner
    expect(lease.owner).toBeUndefined()
    expect(await lease.release()).toBe(true)
  })

  it('is handed over as it was acquired, with a promise or at once', async () => {
    const { rwLock } = createHoldfast()
    const exported = (await lock('given').acquire()).export()
    expectTypeOf(exported).toEqualTypeOf<Promise<string>>()
    const lease = await lock('given').adopt(await exported)
    expectTypeOf(lease).toEqualTypeOf<Lease>()
    expectTypeOf(lease.closing).toEqualTypeOf<AbortSignal>()
    await lease.release()
    const given = lock('given').acquireSync().export()
    expectTypeOf(given).toEqualTypeOf<string>()
    expectTypeOf(lock('given').adoptSync(given)).toEqualTypeOf<SyncLease>()
    expectTypeOf(rwLock('given').write.adopt).returns.resolves.toHaveProperty('downgrade')
    const onServer = createHoldfast({ store: 'redis://localhost:6379' }).lock('given')
    expectTypeOf(onServer).not.toHaveProperty('adoptSync')
  })

  it('of tryAcquire may be undefined, and still be used with `await using`', async () => {
    await using lease = await lock('key').tryAcquire()
    expectTypeOf(lease).toEqualTypeOf<Lease | undefined>()
    // @ts-expect-error -- it may be undefined
    expect(lease.active).toBe(true)
  })
})

describe('run', () => {
  it('has the type of its body', async () => {
    expectTypeOf(lock('key').run(async (lease) => lease.token)).toEqualTypeOf<Promise<number>>()
    expectTypeOf(lock('key-2').run(() => 'text')).toEqualTypeOf<Promise<string>>()
    expectTypeOf(lock('key-3').runSync((lease) => lease.token)).toEqualTypeOf<number>()
    await lock('key-4').run((lease) => expectTypeOf(lease).toEqualTypeOf<Lease>())
    lock('key-5').runSync((lease) => expectTypeOf(lease).toEqualTypeOf<SyncLease>())
  })
})

describe('inspect', () => {
  it('may find nobody', async () => {
    const seen = await lock('nobody').inspect()
    expectTypeOf(seen).toEqualTypeOf<Inspection | undefined>()
    expectTypeOf(lock('nobody').inspectSync()).toEqualTypeOf<Inspection | undefined>()
    expectTypeOf<Inspection['holders'][number]['since']>().toEqualTypeOf<Date>()
    expectTypeOf<Inspection['holders'][number]['remainingMs']>().toEqualTypeOf<number | undefined>()
    // @ts-expect-error -- owners are never shown
    expectTypeOf<Inspection['holders'][number]['owner']>().toBeUnknown()
    expect(seen).toBeUndefined()
  })
})

describe('errors', () => {
  it('tell their codes, and a LockedError its key', () => {
    expectTypeOf<LockedError>().toExtend<HoldfastError>()
    expectTypeOf<LockTimeoutError>().toExtend<LockedError>()
    expectTypeOf<LockedError['key']>().toEqualTypeOf<string>()
    expectTypeOf<HoldfastError['key']>().toEqualTypeOf<string | undefined>()
    expectTypeOf<LockLostError['code']>().toEqualTypeOf<
      'LOCK_EXPIRED' | 'LOCK_REVOKED' | 'LOCK_LOST' | 'LOCK_RELEASED'
    >()
    expect(LockTimeoutError.prototype).toBeInstanceOf(LockedError)
    expect(LockLostError.prototype).toBeInstanceOf(HoldfastError)
  })
})
