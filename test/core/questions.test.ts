import { createHoldfast, InvalidOptionError, LockTimeoutError, type Holdfast } from 'holdfast'
import { describe, expect, test } from 'vitest'
import { rejection, world, type World } from '../support/world.js'

/** A process whose first question is answered after 50 ms, by `error`. */
function firstFails({ store, time }: World, error: Error): Holdfast<'async'> {
  let asked = 0
  const acquire: typeof store.acquire = async (request) => {
    if (++asked > 1) return store.acquire(request)
    await new Promise<void>((resolve) => void time.setTimer(resolve, 50, true))
    throw error
  }
  return createHoldfast({ store: { ...store, acquire }, env: time })
}

describe('who waits', () => {
  test('is told by the call that failed, when the store is silent', async () => {
    const { holdfast, store, time } = world({ storeTimeout: 300 })
    store.always('acquire', { request: 'lost' })
    const failed = rejection(holdfast.lock('k', { wait: '1m' }).acquire())
    await time.advance(2_000)
    expect(await failed).toMatchObject({ code: 'STORE_FAILED', key: 'k', operation: 'acquire' })
    expect((await failed).message).toContain('acquire: no answer within 300 ms')
  })

  test('asks when the holder ends, though no notice comes', async () => {
    const { holdfast, other, store, time } = world()
    const theirs = await other().lock('k', { expire: 300 }).acquire()
    store.loseNotices()
    const waiting = holdfast.lock('k', { wait: true }).acquire()
    await time.advance(302)
    expect((await waiting).active).toBe(true)
    expect(theirs.active).toBe(false)
  })

  test('leaves no timer when its first answer is a refusal that comes too late', async () => {
    const { holdfast, other, store, time } = world()
    await other().lock('k').acquire()
    const before = time.pendingTimers
    store.next('acquire', { replyDelayMs: 50 })
    const waiting = rejection(holdfast.lock('k', { wait: 20 }).acquire())
    await time.advance(51)
    expect(await waiting).toBeInstanceOf(LockTimeoutError)
    expect(time.pendingTimers).toBe(before)
  })

  test('hears nothing of what another was told who gave up', async () => {
    const all = world()
    const { time } = all
    const { lock } = firstFails(all, new InvalidOptionError('no such limit'))
    const abort = new AbortController()
    const first = rejection(lock('k', { wait: true, signal: abort.signal }).acquire())
    const second = lock('k', { wait: true, ttl: '5s' }).acquire()
    await time.advance(10)
    abort.abort(new Error('no more'))
    expect((await first).message).toBe('no more')
    await time.advance(50)
    expect((await second).active).toBe(true)
  })

  test('is served after one whom the store told that it can never be', async () => {
    const all = world()
    const { lock } = firstFails(all, new InvalidOptionError('no such limit'))
    const first = rejection(lock('k', { wait: true }).acquire())
    const second = lock('k', { wait: true }).acquire()
    await all.time.advance(51)
    expect(await first).toMatchObject({ code: 'INVALID_OPTION', key: 'k' })
    expect((await second).active).toBe(true)
  })
})
