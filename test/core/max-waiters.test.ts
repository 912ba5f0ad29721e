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
})
