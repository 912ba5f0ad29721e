import { createHoldfast, StoreError } from 'holdfast'
import { describe, expect, test } from 'vitest'
import { rejection, world } from '../support/world.js'

const releases = (store: { calls: readonly { operation: string }[] }): number =>
  store.calls.filter(({ operation }) => operation === 'release').length

describe('a question of one who gave up', () => {
  const setUp = (capabilities = {}) => {
    const all = world({ storeTimeout: 200 }, capabilities)
    const abort = new AbortController()
    const giveUp = async (waiting: Promise<unknown>): Promise<void> => {
      const cancelled = rejection(waiting)
      await all.time.advance(10)
      abort.abort(new Error('no more'))
      expect((await cancelled).message).toBe('no more')
    }
    return { ...all, giveUp, options: { wait: true, signal: abort.signal } }
  }

  test.each([
    ['the key', {}],
    ['the key, which then has to be held for a while', { minHold: '10s' }],
  ] as const)('that is granted %s afterwards gives it back', async (_, minimum) => {
    const { holdfast, store, time, records, giveUp, options } = setUp()
    store.next('acquire', { delayMs: 50 })
    await giveUp(holdfast.lock('k', { ...options, ...minimum }).acquire())
    await time.advance(39)
    expect(records.inspect('holdfast:k')).toBeUndefined()
    await time.advance(1)
    expect(records.inspect('holdfast:k')).toBeUndefined()
    expect(releases(store)).toBe(2) // when it gave up, and when it was granted all the same
    expect(time.pendingTimers).toBe(0)
  })

  test('that is granted long after its time limit gives it back', async () => {
    const { holdfast, store, time, records, giveUp, options } = setUp()
    store.next('acquire', { delayMs: 5_000 })
    await giveUp(holdfast.lock('k', options).acquire())
    await time.advance(4_900)
    expect(releases(store)).toBe(2) // when it gave up, and when nobody knew what had become of it
    await time.advance(91)
    expect(records.inspect('holdfast:k')).toBeUndefined()
    expect(releases(store)).toBe(3)
  })

  test('that comes to stand in the queue afterwards leaves it', async () => {
    const { holdfast, other, store, time, records, giveUp, options } = setUp()
    const theirs = await other().lock('k').acquire()
    store.next('acquire', { delayMs: 50 })
    await giveUp(holdfast.lock('k', options).acquire())
    await time.advance(41)
    expect(records.inspect('holdfast:k')?.waiters).toEqual([])
    expect(theirs.active).toBe(true)
  })

  test('that was refused, and stands in no queue, leaves nothing to release', async () => {
    const { holdfast, other, store, time, giveUp, options } = setUp({ fair: false, wake: 'poll' })
    await other().lock('k').acquire()
    store.next('acquire', { delayMs: 50 })
    await giveUp(holdfast.lock('k', options).acquire())
    await time.advance(1_000)
    expect(releases(store)).toBe(1) // when it gave up
  })

  test('that surely did nothing leaves nothing to release', async () => {
    const { holdfast, store, time, giveUp, options } = setUp()
    const acquire = async (): Promise<never> => {
      await new Promise<void>((resolve) => void time.setTimer(resolve, 50, true))
      throw new StoreError('acquire', 'busy', { outcome: 'not-applied' })
    }
    const { lock } = createHoldfast({ store: { ...store, acquire }, env: time })
    await giveUp(lock('k', options).acquire())
    await time.advance(1_000)
    expect(releases(store)).toBe(1) // when it gave up
    await holdfast.close()
  })
})

describe('a question that is overtaken by a notice of the grant', () => {
  /** Ours waits in the queue, is granted by the release of another, and its heartbeat is under way. */
  const setUp = async (fault: { delayMs: number } | { replyDelayMs: number }, options = {}) => {
    const all = world({ storeTimeout: 2_000 })
    const { holdfast, other, store, time } = all
    const theirs = await other().lock('k').acquire()
    const waiting = holdfast.lock('k', { wait: true, ...options }).acquire()
    await time.advance(10)
    const asked = store.calls.length
    store.next('acquire', fault)
    await time.advance(900) // its heartbeat
    if ('replyDelayMs' in fault) expect(store.calls).toHaveLength(asked + 1)
    await theirs.release()
    await time.advance(1)
    return { ...all, lease: await waiting }
  }

  test.each([{ delayMs: 300 }, { replyDelayMs: 300 }])('leaves the hold as it is: %o', async (fault) => {
    const { lease, records, time } = await setUp(fault)
    await time.advance(500)
    expect(lease.active).toBe(true)
    expect(records.inspect('holdfast:k')?.holders).toMatchObject([{ token: lease.token }])
    await lease.release()
    expect(records.inspect('holdfast:k')).toBeUndefined()
  })

  test('and by its release, too, leaves nothing', async () => {
    const { lease, records, store, time } = await setUp({ delayMs: 300 })
    await lease.release()
    expect(records.inspect('holdfast:k')).toBeUndefined()
    await time.advanceUntil(() => store.calls.at(-1)?.operation === 'acquire', 1_000)
    await time.advance(1)
    expect(records.inspect('holdfast:k')).toBeUndefined()
  })

  test('and by its release leaves a key that has to stay held to its least hold', async () => {
    const { lease, records, time } = await setUp({ delayMs: 300 }, { minHold: '5s' })
    await lease.release()
    await time.advance(4_500)
    expect(records.inspect('holdfast:k')?.holders).toHaveLength(1)
    await time.advance(30_000)
    expect(records.inspect('holdfast:k')).toBeUndefined()
  })
})
