import { type AsyncLock, createHoldfast, type Holdfast, lock, type LockOptions } from 'holdfast'
import { fakeLocks, virtualTime, type SimulatedWorker } from 'holdfast/testing'
import { describe, expectTypeOf, it } from 'vitest'

/** What docs/testing.md tells code to ask for. */
type AnyLock = (key: string, options?: LockOptions<never>) => AsyncLock

describe('the locks of a test', () => {
  it('fit where any lock is asked for', () => {
    expectTypeOf(lock).toExtend<AnyLock>()
    expectTypeOf(createHoldfast({ store: 'redis://localhost' }).lock).toExtend<AnyLock>()
    expectTypeOf(fakeLocks().lock).toExtend<AnyLock>()
    expectTypeOf(virtualTime().lock).toExtend<AnyLock>()
    expectTypeOf<SimulatedWorker['lock']>().toExtend<AnyLock>()
  })

  it('that keep a record fit where those of one kind of store are asked for', () => {
    const locks = fakeLocks()
    expectTypeOf(locks.lock).toExtend<typeof lock>()
    expectTypeOf(locks.lock).toExtend<Holdfast<'async'>['lock']>()
    expectTypeOf(locks.lock('a', { store: 'sessions' }).acquireSync).toBeFunction()
  })

  it('in the scope of a process have sync calls, else not', () => {
    expectTypeOf(virtualTime({ scope: 'process' }).lock('a').acquireSync).toBeFunction()
    expectTypeOf(virtualTime().lock('a')).not.toHaveProperty('acquireSync')
  })
})
