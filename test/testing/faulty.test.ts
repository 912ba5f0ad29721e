import { beforeEach, describe, expect, it } from 'vitest'
import { StoreError } from '../../src/core/errors.js'
import type { AcquireRequest, Notice } from '../../src/core/store.js'
import { memory } from '../../src/stores/memory/index.js'
import { faulty, storeContract, virtualEnv } from '../../src/testing/index.js'
import { clientOf, processCapabilities, Reference } from './reference-store.js'
import { selfRenewing } from './self-renewing.js'

const holder = { host: 'here', pid: 1, label: undefined, since: 0 }
const key = 'invoice-42'
const request = (owner: string): AcquireRequest => ({
  ...{ key, owner, ttlMs: 30_000, limit: 1, permits: 1, queueMs: 0, holder },
})
const asks = { operation: 'acquire', key, owner: 'anna' } as const

function world() {
  const time = virtualEnv()
  const inner = memory({ env: time })
  return { time, inner, store: faulty(inner, { env: time }) }
}

/** What a promise has come to by now. */
function stateOf<T>(promise: Promise<T>): () => string {
  let state = 'pending'
  promise.then(
    () => (state = 'resolved'),
    (error: unknown) => (state = error instanceof StoreError ? `${error.operation} ${error.outcome}` : 'another error'),
  )
  return () => state
}

let { time, inner, store } = world()
beforeEach(() => {
  ;({ time, inner, store } = world())
})

describe('a faulty store that is told nothing', () => {
  const capabilities = { ...processCapabilities, sync: false } as const
  const create = () => ({ store: faulty(clientOf(new Reference(), capabilities)) })
  const cases = storeContract({
    name: 'faulty',
    capabilities,
    has: ['acquireAll', 'wasRevoked', 'resize', 'onNotice', 'values'],
    create,
  })
  for (const { name, run } of cases) it.concurrent(name, run)

  it('makes a sync store one that answers with promises, and keeps its other capabilities', async () => {
    expect(store.capabilities).toEqual({ ...inner.capabilities, sync: false })
    expect(store.acquire(request('anna'))).toBeInstanceOf(Promise)
    expect(inner.inspect(key)?.holders).toHaveLength(1)
  })

  it('has the optional parts that the inner store has, and no others', () => {
    expect([store.onNotice, store.wasRevoked, store.selfRenewal].map((part) => typeof part)).toEqual([
      'function',
      'undefined',
      'undefined',
    ])
    const client = clientOf(new Reference())
    const renewing = { ...client, ...selfRenewing(client) }
    expect(faulty(renewing).selfRenewal).toBe(renewing.selfRenewal)
  })

  it('notes the calls that reached the store', async () => {
    await store.acquire(request('anna'))
    await store.renew(key, 'anna', 1_000)
    await store.inspect(key)
    await store.list('invoice', 10)
    await store.release(key, 'anna', request('ben'))
    await store.forceRelease(key)
    await store.close()
    expect(store.calls).toEqual([
      asks,
      { operation: 'renew', key, owner: 'anna' },
      { operation: 'inspect', key },
      { operation: 'list', key: 'invoice' },
      { operation: 'release', key, owner: 'anna' },
      { operation: 'forceRelease', key },
      { operation: 'close' },
    ])
  })
})

describe('a faulty store', () => {
  it('delays a request: it reaches the store late', async () => {
    store.next('acquire', { delayMs: 500 })
    const state = stateOf(store.acquire(request('anna')))
    await time.advance(499)
    expect([state(), inner.inspect(key)]).toEqual(['pending', undefined])
    await time.advance(1)
    expect([state(), inner.inspect(key)?.holders.length]).toEqual(['resolved', 1])
  })

  it('delays an answer: the store has done it long since', async () => {
    store.next('acquire', { replyDelayMs: 500 })
    const state = stateOf(store.acquire(request('anna')))
    await time.advance(499)
    expect([state(), inner.inspect(key)?.holders.length]).toEqual(['pending', 1])
    await time.advance(1)
    expect(state()).toBe('resolved')
  })

  it('loses an answer: done, and nobody hears', async () => {
    store.next('acquire', { reply: 'lost' })
    const state = stateOf(store.acquire(request('anna')))
    await time.advance(3_600_000)
    expect(state()).toBe('pending')
    expect(store.calls).toEqual([asks])
    expect(time.pendingTimers).toBe(0)
  })

  it('loses an answer and says so later, with an unknown outcome', async () => {
    store.next('acquire', { reply: 'lost', rejectAfterMs: 50 })
    const state = stateOf(store.acquire(request('anna')))
    await time.advance(49)
    expect(state()).toBe('pending')
    await time.advance(1)
    expect(state()).toBe('acquire unknown')
    expect(inner.inspect(key)?.holders).toHaveLength(1)
    expect(await store.acquire(request('anna'))).toMatchObject({ granted: true })
  })

  it('loses a request: nothing is done', async () => {
    store.next('acquire', { request: 'lost', rejectAfterMs: 0 })
    const state = stateOf(store.acquire(request('anna')))
    await time.advance(1)
    expect([state(), inner.inspect(key), store.calls]).toEqual(['acquire unknown', undefined, []])
  })

  it('repeats a call: done twice, the second answer counts', async () => {
    await store.acquire(request('anna'))
    store.next('release', { repeat: true })
    expect(await store.release(key, 'anna')).toBe(false)
    expect(store.calls.filter(({ operation }) => operation === 'release')).toHaveLength(2)
  })

  it('echoes a call: a copy arrives later, and nobody hears its answer', async () => {
    store.next('acquire', { echoAfterMs: 200 })
    await store.acquire(request('anna'))
    await store.release(key, 'anna')
    await time.advance(199)
    expect(inner.inspect(key)).toBeUndefined()
    await time.advance(1)
    expect(inner.inspect(key)?.holders[0]?.owner).toBe('anna')
  })

  it('echoes into a store that fails without harm', async () => {
    store.next('acquire', { echoAfterMs: 10 })
    await store.acquire({ ...request('anna'), limit: 2 })
    await store.release(key, 'anna')
    await store.acquire(request('ben'))
    await time.advance(10)
    expect(store.calls).toHaveLength(4)
    expect(inner.inspect(key)?.holders.map(({ owner }) => owner)).toEqual(['ben'])
  })

  it.each(['not-applied', 'unknown'] as const)('fails with the outcome %s, without a call', async (outcome) => {
    store.next('renew', { fail: outcome })
    const error = await store.renew(key, 'anna', 1_000).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(StoreError)
    expect(error).toMatchObject({ operation: 'renew', outcome, key, code: 'STORE_FAILED' })
    expect(store.calls).toEqual([])
  })

  it('misbehaves as often as it is told, and only in the operation it is told', async () => {
    store.next('renew', { fail: 'unknown' }, 2)
    store.next('renew', { fail: 'not-applied' })
    await store.acquire(request('anna'))
    await expect(store.renew(key, 'anna', 1_000)).rejects.toMatchObject({ outcome: 'unknown' })
    await expect(store.renew(key, 'anna', 1_000)).rejects.toMatchObject({ outcome: 'unknown' })
    await expect(store.renew(key, 'anna', 1_000)).rejects.toMatchObject({ outcome: 'not-applied' })
    expect(await store.renew(key, 'anna', 1_000)).toBe(true)
  })

  it('misbehaves until it is healed', async () => {
    await store.acquire(request('anna'))
    store.always('renew', { fail: 'unknown' })
    store.next('renew', {})
    expect(await store.renew(key, 'anna', 1_000)).toBe(true)
    for (let turn = 0; turn < 3; turn += 1) await expect(store.renew(key, 'anna', 1_000)).rejects.toThrow(StoreError)
    store.next('renew', { fail: 'unknown' })
    store.heal()
    expect(await store.renew(key, 'anna', 1_000)).toBe(true)
  })

  it('follows a plan where it was told nothing, until it is healed', async () => {
    const asked: unknown[] = []
    const planned = faulty(inner, {
      env: time,
      plan: (call) => {
        asked.push(call)
        return call.operation === 'acquire' ? { fail: 'not-applied' } : undefined
      },
    })
    await expect(planned.acquire(request('anna'))).rejects.toMatchObject({ outcome: 'not-applied' })
    expect(await planned.release(key, 'anna')).toBe(false)
    planned.next('acquire', {})
    expect(await planned.acquire(request('anna'))).toMatchObject({ granted: true })
    expect(asked).toEqual([asks, { operation: 'release', key, owner: 'anna' }])
    planned.heal()
    expect(await planned.acquire(request('anna'))).toMatchObject({ granted: true })
  })

  it('loses notices until it is healed', async () => {
    const heard: Notice[] = []
    const unsubscribe = store.onNotice?.((notice) => void heard.push(notice))
    const revoke = async (): Promise<void> => {
      await store.acquire(request('anna'))
      await store.forceRelease(key)
    }
    store.loseNotices()
    await revoke()
    expect(heard).toEqual([])
    store.heal()
    await revoke()
    expect(heard).toEqual([{ type: 'revoked', key, owner: 'anna' }])
    unsubscribe?.()
    await revoke()
    expect(heard).toHaveLength(1)
  })

  it('asks the inner store whether a hold was revoked', async () => {
    const shared = faulty(clientOf(new Reference()), { env: time })
    await shared.acquire(request('anna'))
    await shared.forceRelease(key)
    expect(await shared.wasRevoked?.(key, 'anna')).toBe(true)
    shared.next('wasRevoked', { fail: 'unknown' })
    await expect(shared.wasRevoked?.(key, 'anna')).rejects.toThrow(StoreError)
  })

  it('passes on the errors of the store', async () => {
    await expect(store.acquire({ ...request('anna'), permits: 2 })).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  })
})

describe('a faulty store that is closed', () => {
  it('ends the calls that would never have settled', async () => {
    store.always('acquire', { reply: 'lost' })
    store.always('renew', { request: 'lost' })
    store.always('inspect', { delayMs: 60_000 })
    store.always('list', { replyDelayMs: 60_000 })
    const states = [
      stateOf(store.acquire(request('anna'))),
      stateOf(store.renew(key, 'anna', 1_000)),
      stateOf(store.inspect(key)),
      stateOf(store.list('', 10)),
    ]
    await time.advance(1_000)
    expect(states.map((state) => state())).toEqual(['pending', 'pending', 'pending', 'pending'])
    await store.close()
    await time.advance(0)
    expect(new Set(states.map((state) => state()))).toEqual(new Set(['close unknown']))
    expect(store.calls).not.toContainEqual({ operation: 'inspect', key })
  })

  it('leaves no timer', async () => {
    store.next('acquire', { echoAfterMs: 5_000 })
    await store.acquire(request('anna'))
    store.next('renew', { replyDelayMs: 5_000 })
    const state = stateOf(store.renew(key, 'anna', 30_000))
    await time.advance(0)
    expect(time.keepAliveTimers).toBe(1)
    await store.close()
    await time.advance(0)
    expect([time.pendingTimers, state()]).toEqual([0, 'close unknown'])
    await time.advance(10_000)
    expect(store.calls.filter(({ operation }) => operation === 'acquire')).toHaveLength(1)
  })

  it('can fail to close too', async () => {
    store.next('close', { fail: 'unknown' })
    await expect(store.close()).rejects.toMatchObject({ operation: 'close' })
    await store.close()
  })
})
