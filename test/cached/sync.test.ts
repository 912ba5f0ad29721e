import { describe, expect, inject, it } from 'vitest'
import { createHoldfast, memory } from 'holdfast'
import { blocking } from 'holdfast/blocking'
import { virtualTime } from 'holdfast/testing'
import { failureOf, freshKey, thrownBy } from '../features/support/tools.js'

const stores = [
  ['memory', memory],
  ['Redis through a worker', () => blocking(inject('redisUrl'))],
] as const

describe.each(stores)('a sync function on %s', (_, open) => {
  it('is called once for each key, and again after a reset', async () => {
    const store = open()
    await using one = createHoldfast({ store })
    await using two = createHoldfast({ store })
    const key = freshKey()
    let calls = 0
    const sum = one.cached(`${key}-{a}-{b}`)((a: number, b = 10) => ({ sum: a + b, call: ++calls }))
    const sumToo = two.cached(`${key}-{a}-{b}`)((a: number, b = 10) => ({ sum: a + b, call: ++calls }))
    expect([sum(1, 2), sum(1, 2), sumToo(1, 2)]).toEqual(Array.from({ length: 3 }, () => ({ sum: 3, call: 1 })))
    expect([sum(1), sum(1, 10), sumToo(1)]).toEqual(Array.from({ length: 3 }, () => ({ sum: 11, call: 2 })))
    expect([sumToo.reset(1), sum.reset(1)]).toEqual([true, false])
    expect([sum(1), sum(1, 2)]).toEqual([
      { sum: 11, call: 3 },
      { sum: 3, call: 1 },
    ])
  })

  it('keeps no error', async () => {
    await using holdfast = createHoldfast({ store: open() })
    let calls = 0
    const load = holdfast.cached(freshKey())(() => {
      if (++calls === 1) throw new TypeError('not yet')
      return calls
    })
    expect(() => load()).toThrow(new TypeError('not yet'))
    expect([load(), load()]).toEqual([2, 2])
  })

  it('has to return a value and no promise', async () => {
    await using holdfast = createHoldfast({ store: open() })
    const load = holdfast.cached(freshKey())(() => Promise.reject(new Error('nobody hears it')))
    const error = await failureOf(() => load())
    expect(error).toMatchObject({
      code: 'SYNC_UNSUPPORTED',
      message: expect.stringMatching(/declared async/) as string,
    })
  })

  it('shares its values with async functions', async () => {
    await using holdfast = createHoldfast({ store: open() })
    const key = freshKey()
    const now = holdfast.cached(key)(() => ['sync'])
    const later = holdfast.cached(key)(async () => ['async'])
    expect(now()).toEqual(['sync'])
    expect(await later()).toEqual(['sync'])
    expect(await later.reset()).toBe(true)
    expect(await later()).toEqual(['async'])
    expect(now()).toEqual(['async'])
  })
})

it('a sync function on a store that answers with promises says what to do', async () => {
  await using holdfast = createHoldfast({ store: inject('redisUrl') })
  // @ts-expect-error -- it does not compile either
  const load = holdfast.cached('key')(() => 1)
  expect(thrownBy(() => load())).toMatchObject({ code: 'SYNC_UNSUPPORTED' })
})

it('an async function of the same key does not wait for what a sync one computes later', async () => {
  await using time = virtualTime({ scope: 'process' })
  const patient = time.cached('key', { ttl: '1s', staleWhileRevalidate: '1h' })(() => 'sync')
  const strict = time.cached('key', { ttl: '1s' })(async () => 'async')
  patient()
  await time.advance(2_000)
  expect(patient()).toBe('sync')
  expect(await strict()).toBe('async')
})

it('a stale value is given, and a new one computed after this turn of the event loop', async () => {
  await using time = virtualTime({ scope: 'process' })
  let calls = 0
  const load = time.cached('key', { ttl: '1s', staleWhileRevalidate: '10s', staleIfError: '1h' })(() => {
    if (++calls === 3) throw new Error('the disk is away')
    return calls
  })
  load()
  await time.advance(2_000)
  expect([load(), load(), calls]).toEqual([1, 1, 1])
  await time.advance(0)
  expect([load(), calls]).toEqual([2, 2])
  await time.advance(12_000)
  expect([load(), calls]).toEqual([2, 3])
  expect([load(), calls]).toEqual([4, 4])
})
