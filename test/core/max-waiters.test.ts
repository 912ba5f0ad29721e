import { createHoldfast, LockedError, TooManyWaitersError } from 'holdfast'
import { describe, expect, test } from 'vitest'
import { rejection, world } from '../support/world.js'

describe('more waiters of a key than maxWaiters', () => {
  test('are refused at once, with what to do; those of other keys are not', async () => {
    const { time, records } = world()
    const warnings: string[] = []
    const logger = { warn: (message: string) => void warnings.push(message) }
    const { lock, close } = createHoldfast({ store: records, env: time, maxWaiters: 2, logger })
    const holder = await lock('key', { label: 'import' }).acquire()
    const other = await lock('other').acquire()
    const patient = lock('key', { wait: true })
    const waiting = [patient.acquire(), patient.acquire()]
    const error = await rejection(patient.acquire())
    expect(error).toBeInstanceOf(TooManyWaitersError)
    expect(error).toBeInstanceOf(LockedError)
    expect(error).toMatchObject({ name: 'TooManyWaitersError', code: 'TOO_MANY_WAITERS', key: 'key' })
    expect(error.message).toMatch(/^key is already locked: held by "import".*2 requests.*\{ wait \}.*\{ maxWaiters \}/)
    expect(warnings).toEqual([error.message])
    expect(await patient.tryAcquire()).toBeUndefined()
    expect(await lock('key').tryAcquire()).toBeUndefined() // does not wait, so it is not counted
    const elsewhere = lock('other', { wait: true }).acquire()
    await holder.release()
    const [first] = await Promise.all([waiting[0]])
    const third = patient.acquire() // there is a place again
    await first?.release()
    await (await waiting[1])?.release()
    await (await third).release()
    await other.release()
    await (await elsewhere).release()
    await close()
    expect(time.pendingTimers).toBe(0)
  })

  test('are many: 100,000 wait where nothing else was said, and the next one does not', async () => {
    const { time, records } = world()
    const { lock, close } = createHoldfast({ store: records, env: time })
    const holder = await lock('key').acquire()
    const handle = lock('key', { wait: true })
    let served = 0
    const waits = Array.from({ length: 100_000 }, () => handle.run(() => (served += 1)))
    expect(await rejection(handle.acquire())).toMatchObject({ code: 'TOO_MANY_WAITERS' })
    await holder.release()
    await Promise.all(waits)
    expect(served).toBe(100_000)
    await close()
  })

  test('are as many as come, with Infinity', async () => {
    const { time, records } = world()
    const { lock, close } = createHoldfast({ store: records, env: time, maxWaiters: Number.POSITIVE_INFINITY })
    const holder = await lock('key').acquire()
    const waits = Array.from({ length: 100_001 }, () => lock('key', { wait: true }).run(() => undefined))
    await holder.release()
    expect(await Promise.all(waits)).toHaveLength(100_001)
    await close()
  })
})
