import { StoreError } from 'holdfast'
import { faulty, virtualEnv } from 'holdfast/testing'
import { describe, expect, it } from 'vitest'
import type { AcquireRequest } from '../../src/core/store.js'
import { packError, unpackError } from '../../src/layers/blocking/failure.js'
import type { Call, Results, ToMain } from '../../src/layers/blocking/messages.js'
import { serve } from '../../src/layers/blocking/serve.js'
import { noSlot, SlotPool, Slots } from '../../src/layers/blocking/slots.js'
import { memory } from '../../src/stores/memory/index.js'

const ttlMs = 1000

/** What the worker does, without a thread and under a clock that the test moves. */
function worker() {
  const time = virtualEnv()
  const records = memory({ env: time })
  const store = faulty(records, { env: time })
  const heard: ToMain[] = []
  const take = serve({ store, env: time, post: (message) => heard.push(message) })
  const words = new BigInt64Array(new SharedArrayBuffer(8 * 1024))
  const slots = new Slots()
  slots.add(words)
  take({ op: 'slots', words })
  let lastId = 0
  const post = (call: Call): number => {
    take({ ...call, id: ++lastId })
    return lastId
  }
  const answerTo = (id: number) => heard.find((message) => 'id' in message && message.id === id)
  const ask = async (call: Call) => {
    const id = post(call)
    await time.advance(0)
    const answer = answerTo(id)
    if (answer === undefined || !('value' in answer)) throw new Error(`no value: ${JSON.stringify(answer)}`)
    return answer.value
  }
  const request = (owner: string, wish: Partial<AcquireRequest> = {}): AcquireRequest => {
    const holder = { host: 'here', pid: 1, label: undefined, since: time.wallMs() }
    return { key: 'k', owner, ttlMs, limit: 1, permits: 1, queueMs: 0, holder, ...wish }
  }
  const acquire = (owner: string, wish?: Partial<AcquireRequest>) =>
    ask({ op: 'acquire', id: 0, slot: 5, request: request(owner, wish) }) as Promise<Results['acquire']>
  const release = (owner: string, next?: AcquireRequest) =>
    ask({ op: 'release', id: 0, key: 'k', owner, next, slot: next === undefined ? noSlot : 6 })
  const renewals = () => store.calls.filter(({ operation }) => operation === 'renew').length
  const remainingMs = () => records.inspect('k')?.holders[0]?.remainingMs
  return {
    time,
    records,
    store,
    heard,
    take,
    slots,
    post,
    ask,
    answerTo,
    request,
    acquire,
    release,
    renewals,
    remainingMs,
  }
}

describe('a hold in the worker', () => {
  it('is renewed at half of its lease, again and again, and says when', async () => {
    const { time, acquire, renewals, remainingMs, slots } = worker()
    const startMs = time.nowMs()
    await acquire('anna')
    await time.advance(499)
    expect(renewals()).toBe(0)
    expect(slots.read(5)).toBeUndefined()
    await time.advance(1)
    expect(renewals()).toBe(1)
    expect(remainingMs()).toBe(ttlMs)
    expect(slots.read(5)).toBe(startMs + 500)
    await time.advance(5000)
    expect(renewals()).toBe(11)
    expect(slots.read(5)).toBe(startMs + 5500)
  })

  it('is not renewed as long as the main thread renews it at a third', async () => {
    const { time, acquire, ask, renewals, slots } = worker()
    await acquire('anna')
    for (let thirds = 0; thirds < 6; thirds++) {
      await time.advance(ttlMs / 3)
      expect(await ask({ op: 'renew', id: 0, key: 'k', owner: 'anna', ttlMs })).toBe(true)
      expect(slots.read(5)).toBeCloseTo(time.nowMs(), 2)
    }
    expect(renewals()).toBe(6)
    await time.advance(ttlMs / 2)
    expect(renewals()).toBe(7)
  })

  it('is renewed for the ttl that the main thread gave last', async () => {
    const { time, acquire, ask, remainingMs } = worker()
    await acquire('anna', { ttlMs: 60_000 })
    await ask({ op: 'renew', id: 0, key: 'k', owner: 'anna', ttlMs: 400 })
    await time.advance(200)
    expect(remainingMs()).toBe(400)
  })

  it('is never renewed beyond its expire limit, and up to it exactly', async () => {
    const { time, acquire, request, records, renewals, remainingMs } = worker()
    const startMs = time.nowMs()
    await acquire('anna', { holder: { ...request('anna').holder, expireMs: 1700 } })
    await time.advance(1400)
    expect(time.nowMs() + (remainingMs() ?? 0)).toBe(startMs + 1700)
    expect(renewals()).toBe(2)
    await time.advance(300)
    expect(records.inspect('k')).toBeUndefined()
    await time.advance(5000)
    expect(renewals()).toBe(2)
  })

  it('keeps the limit of its first grant when it is asked for again', async () => {
    const { time, acquire, request, records } = worker()
    const holder = { ...request('anna').holder, expireMs: 1700 }
    await acquire('anna', { holder })
    await time.advance(400)
    await acquire('anna', { holder })
    await time.advance(1350)
    expect(records.inspect('k')).toBeUndefined()
  })

  it('is renewed no more after its release, or a stop', async () => {
    const { time, acquire, release, take, ask, renewals, records } = worker()
    await acquire('anna')
    expect(await release('anna')).toBe(true)
    await time.advance(2000)
    expect(renewals()).toBe(0)
    await acquire('ben')
    take({ op: 'stop', key: 'k', owner: 'ben' })
    expect(await ask({ op: 'renew', id: 0, key: 'k', owner: 'ben', ttlMs: 300 })).toBe(true)
    await time.advance(300)
    expect(renewals()).toBe(1)
    expect(records.inspect('k')).toBeUndefined()
  })

  it('is renewed no more once it was refused', async () => {
    const { time, acquire, records, renewals, slots } = worker()
    await acquire('anna')
    records.forceRelease('k')
    await time.advance(5000)
    expect(renewals()).toBe(1)
    expect(slots.read(5)).toBeUndefined()
  })

  it('is renewed no more once the main thread asks and is refused', async () => {
    const { time, acquire, ask, records, renewals } = worker()
    await acquire('anna')
    records.forceRelease('k')
    expect(await ask({ op: 'renew', id: 0, key: 'k', owner: 'anna', ttlMs })).toBe(false)
    expect(await acquire('ben')).toMatchObject({ granted: true })
    expect(await acquire('anna')).toMatchObject({ granted: false })
    await time.advance(499)
    expect(renewals()).toBe(1)
  })

  it('is tried again after a failure, until it is renewed', async () => {
    const { time, acquire, store, records } = worker()
    await acquire('anna')
    store.next('renew', { fail: 'unknown' })
    store.next('renew', { request: 'lost', rejectAfterMs: 20 })
    await time.advance(5000)
    expect(records.inspect('k')).toBeDefined()
  })

  it('is given up when its lease is over', async () => {
    const { time, acquire, store, renewals } = worker()
    await acquire('anna')
    store.always('renew', { request: 'lost' })
    await time.advance(1500)
    store.heal()
    await time.advance(5000)
    expect(renewals()).toBe(0)
    expect(time.pendingTimers).toBe(0)
  })

  it('counts a renewal whose answer came late', async () => {
    const { time, acquire, store, slots } = worker()
    const startMs = time.nowMs()
    await acquire('anna')
    store.always('renew', { replyDelayMs: 400 })
    await time.advance(950)
    expect(slots.read(5)).toBe(startMs + 500)
  })

  it('keeps no process alive', async () => {
    const { time, acquire } = worker()
    await acquire('anna')
    expect(time.pendingTimers).toBeGreaterThan(0)
    expect(time.keepAliveTimers).toBe(0)
  })
})

describe('a request', () => {
  it('whose answer nobody waits for any more is not renewed', async () => {
    const { time, store, post, take, request, renewals, records } = worker()
    store.next('acquire', { replyDelayMs: 100 })
    const call = post({ op: 'acquire', id: 0, slot: 5, request: request('anna') })
    take({ op: 'abandon', call, key: 'k', owner: 'anna' })
    await time.advance(200)
    expect(records.inspect('k')).toBeDefined()
    await time.advance(2000)
    expect(renewals()).toBe(0)
    expect(records.inspect('k')).toBeUndefined()
  })

  it('that was answered just when it was given up is not renewed either', async () => {
    const { time, acquire, take, renewals } = worker()
    await acquire('anna')
    take({ op: 'abandon', call: 1, key: 'k', owner: 'anna' })
    await time.advance(2000)
    expect(renewals()).toBe(0)
  })

  it('that travels with a release is renewed when it is granted', async () => {
    const { time, acquire, release, request, slots } = worker()
    await acquire('anna')
    expect(await release('anna', request('ben'))).toMatchObject({ released: true, next: { granted: true } })
    await time.advance(5000)
    expect(slots.read(5)).toBeUndefined()
    expect(slots.read(6)).toBeDefined()
  })

  it('that was granted out of the queue is renewed as soon as the main thread has heard of it', async () => {
    const { time, acquire, records, take, heard, slots, renewals } = worker()
    take({ op: 'listen', on: true })
    await acquire('anna', { ttlMs: null })
    await acquire('ben', { queueMs: 5000 })
    records.release('k', 'anna')
    expect(heard).toContainEqual({ notice: expect.objectContaining({ type: 'granted', owner: 'ben' }) as unknown })
    take({ op: 'adopt', key: 'k', owner: 'ben', slot: 7 })
    await time.advance(5000)
    expect(slots.read(7)).toBeDefined()
    expect(records.inspect('k')?.holders).toMatchObject([{ owner: 'ben' }])
    take({ op: 'adopt', key: 'k', owner: 'nobody', slot: 8 })
    await time.advance(500)
    expect(renewals()).toBe(11)
  })

  it('leaves nothing behind when its place in the queue ends', async () => {
    const { time, acquire, take, renewals } = worker()
    await acquire('anna', { ttlMs: null })
    await acquire('ben', { queueMs: 1000 })
    await time.advance(2000)
    await acquire('cleo', { queueMs: 1000 })
    take({ op: 'adopt', key: 'k', owner: 'ben', slot: 7 })
    await time.advance(2000)
    expect(renewals()).toBe(0)
  })

  it('without a lease is not renewed', async () => {
    const { time, acquire, renewals } = worker()
    await acquire('anna', { ttlMs: null })
    await time.advance(100_000)
    expect(renewals()).toBe(0)
  })
})

describe('the worker', () => {
  it('answers everything else with what the store says', async () => {
    const { acquire, ask, time } = worker()
    await acquire('anna')
    expect(await ask({ op: 'inspect', id: 0, key: 'k' })).toMatchObject({ holders: [{ owner: 'anna' }] })
    expect(await ask({ op: 'list', id: 0, prefix: '', limit: 10, cursor: undefined })).toMatchObject({ keys: ['k'] })
    expect(await ask({ op: 'wasRevoked', id: 0, key: 'k', owner: 'anna' })).toBe(false)
    expect(await ask({ op: 'forceRelease', id: 0, key: 'k' })).toBe(true)
    expect(await ask({ op: 'clock', id: 0 })).toBe(time.nowMs())
  })

  it('passes notices on while somebody listens', async () => {
    const { acquire, take, records, heard } = worker()
    const notices = () => heard.filter((message) => 'notice' in message).length
    take({ op: 'listen', on: true })
    await acquire('anna')
    records.forceRelease('k')
    expect(notices()).toBe(1)
    take({ op: 'listen', on: false })
    await acquire('ben')
    records.forceRelease('k')
    expect(notices()).toBe(1)
  })

  it('posts errors with what they say', async () => {
    const { store, time, post, answerTo } = worker()
    store.next('inspect', { fail: 'not-applied' })
    const id = post({ op: 'inspect', id: 0, key: 'k' })
    await time.advance(0)
    const answer = answerTo(id)
    if (answer === undefined || !('error' in answer)) throw new Error('it should have failed')
    expect(unpackError(answer.error, (text) => text)).toMatchObject({ operation: 'inspect', outcome: 'not-applied' })
  })
})

describe('an error that crosses the threads', () => {
  const cross = (error: unknown) => unpackError(structuredClone(packError(error, 'renew')), (text) => text)

  it('keeps its message, operation, outcome, and the text of its cause', () => {
    const error = new StoreError('acquire', 'it broke', { outcome: 'not-applied', cause: new TypeError('deep down') })
    const copy = cross(error)
    expect(copy).toBeInstanceOf(StoreError)
    expect(copy).toMatchObject({ operation: 'acquire', outcome: 'not-applied', cause: 'TypeError: deep down' })
    expect(copy.message).toBe(error.message)
  })

  it('is a StoreError of unknown outcome when it is none of ours', () => {
    expect(cross(new RangeError('out'))).toMatchObject({ operation: 'renew', outcome: 'unknown' })
    expect(cross('text').message).toContain('text')
  })
})

describe('slots', () => {
  it('are used again, and grow by new memory', () => {
    const grown: BigInt64Array[] = []
    const pool = new SlotPool((words) => grown.push(words))
    const taken = Array.from({ length: 1500 }, () => pool.take())
    expect(new Set(taken).size).toBe(1500)
    expect(grown).toHaveLength(2)
    for (const slot of taken) pool.giveBack(slot)
    for (let times = 0; times < 100_000; times++) pool.giveBack(pool.take())
    expect(grown).toHaveLength(2)
  })

  it('round a time down to a microsecond, and tell of none without memory', () => {
    const slots = new Slots()
    slots.write(3, 12.3456789)
    expect(slots.read(3)).toBeUndefined()
    slots.add(new BigInt64Array(new SharedArrayBuffer(8 * 1024)))
    slots.write(3, 12.3456789)
    expect(slots.read(3)).toBe(12.345)
    slots.write(noSlot, 1)
    expect(slots.read(noSlot)).toBeUndefined()
  })
})
