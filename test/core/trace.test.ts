import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { createHoldfast } from 'holdfast'
import { virtualEnv } from 'holdfast/testing'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { rejection, world } from '../support/world.js'

const events = ['acquired', 'contended', 'released', 'ended', 'renewed', 'store-failed'] as const

/** What was published since the test began. */
let told: [event: string, message: unknown][] = []
const listeners = events.map((event) => {
  const listener = (message: unknown): void => void told.push([event, message])
  return [`holdfast:${event}`, listener] as const
})

beforeEach(() => {
  told = []
  for (const [channel, listener] of listeners) subscribe(channel, listener)
})
afterEach(() => {
  for (const [channel, listener] of listeners) unsubscribe(channel, listener)
})

describe('those who watch are told', () => {
  test('of a hold from its grant to its release', async () => {
    const { holdfast, time } = world()
    const lease = await holdfast.lock('k', { ttl: 900 }).acquire()
    const { token } = lease
    await time.advance(301)
    await lease.release()
    expect(told).toEqual([
      ['acquired', { key: 'k', token, waitedMs: 0 }],
      ['renewed', { key: 'k', token }],
      ['released', { key: 'k', token }],
    ])
  })

  test('of a hold in memory, asked for in sync', () => {
    const lease = createHoldfast().lock('k').acquireSync()
    const { token } = lease
    lease.release()
    expect(told).toEqual([
      ['acquired', { key: 'k', token, waitedMs: 0 }],
      ['released', { key: 'k', token }],
    ])
  })

  test('of a refusal that is final', async () => {
    const { holdfast, other } = world()
    await other().lock('k').acquire()
    told = []
    await rejection(holdfast.lock('k').acquire())
    expect(told).toEqual([['contended', { key: 'k', waits: false }]])
  })

  test('once of each who begins to wait, and of how long it waited', async () => {
    const { holdfast, other, time } = world()
    const theirs = await other().lock('k').acquire()
    told = []
    const waits = [1, 2].map(() => holdfast.lock('k', { wait: true }).acquire())
    await time.advance(2_500)
    expect(told).toEqual([
      ['contended', { key: 'k', waits: true }],
      ['contended', { key: 'k', waits: true }],
    ])
    told = []
    await theirs.release()
    const [first, second] = waits
    const { token } = (await first) ?? {}
    expect(told).toEqual([
      ['released', { key: 'k', token: theirs.token }],
      ['acquired', { key: 'k', token, waitedMs: 2_500 }],
    ])
    told = []
    await time.advance(100)
    await (await first)?.release()
    await second
    expect(told).toEqual([
      ['released', { key: 'k', token }],
      ['acquired', { key: 'k', token: Number(token) + 1, waitedMs: 2_600 }],
    ])
  })

  test('of a sync wait', () => {
    const { lock } = createHoldfast({ env: virtualEnv() })
    lock('k', { expire: 100 }).acquireSync()
    told = []
    lock('k').tryAcquireSync()
    lock('k', { wait: 200 }).acquireSync()
    expect(told.filter(([event]) => event === 'contended')).toEqual([
      ['contended', { key: 'k', waits: false }],
      ['contended', { key: 'k', waits: true }],
    ])
  })

  test('of the end of a hold that nobody released, and why', async () => {
    const { holdfast, other, time } = world()
    const expired = await holdfast.lock('expired', { expire: 100 }).acquire()
    const revoked = await holdfast.lock('revoked').acquire()
    await time.advance(100)
    await other().lock('revoked').forceRelease()
    await time.advance(1)
    expect(told.filter(([event]) => event === 'ended')).toEqual([
      ['ended', { key: 'expired', token: expired.token, code: 'LOCK_EXPIRED' }],
      ['ended', { key: 'revoked', token: revoked.token, code: 'LOCK_REVOKED' }],
    ])
    expect(told.filter(([event]) => event === 'released')).toEqual([])
  })

  test('of calls of the store that fail', async () => {
    const { holdfast, store, time } = world({ storeTimeout: 100 })
    const failures = (): unknown[] => told.filter(([event]) => event === 'store-failed').map(([, message]) => message)
    const error = expect.objectContaining({ code: 'STORE_FAILED' }) as unknown
    store.next('acquire', { fail: 'not-applied' })
    await rejection(holdfast.lock('k').acquire())
    expect(failures()).toEqual([{ key: 'k', operation: 'acquire', error }])
    told = []
    const lease = await holdfast.lock('k', { ttl: 900 }).acquire()
    store.next('renew', { fail: 'unknown' })
    await time.advance(301)
    expect(failures()).toEqual([{ key: 'k', operation: 'renew', error }])
    told = []
    store.next('release', { fail: 'unknown' }, 2)
    await rejection(lease.release())
    await time.advance(1)
    expect(failures()).toEqual([
      { key: 'k', operation: 'release', error },
      { key: 'k', operation: 'release', error }, // in the background
    ])
  })
})
