import { describe, expect, it } from 'vitest'
import { createHoldfast, memory } from 'holdfast'
import { virtualEnv } from 'holdfast/testing'
import { latch, thrownBy } from '../features/support/tools.js'
import { until } from '../support/until.js'

describe('values in memory', () => {
  it('are the very objects, not copies; with a codec they are copies', async () => {
    await using holdfast = createHoldfast()
    const object = { list: [1], date: new Date(0) }
    const bare = holdfast.cached('bare')(() => object)
    expect([bare() === object, bare() === object]).toEqual([true, true])
    const copied = holdfast.cached('copied', { codec: JSON_CODEC })(() => object)
    const results = [copied(), copied(), copied()]
    expect(new Set([...results, object]).size).toBe(4)
    for (const result of results) expect(result).toEqual({ list: [1], date: '1970-01-01T00:00:00.000Z' })
  })

  it.each([1, 3, 100])('are at most %i: what was not used for longest makes way', async (maxValues) => {
    await using holdfast = createHoldfast({ store: memory({ maxValues }) })
    const calls: number[] = []
    const load = holdfast.cached('{id}')((id: number) => calls.push(id))
    const ask = (ids: readonly number[]): number[] => {
      calls.length = 0
      for (const id of ids) load(id)
      return [...calls]
    }
    const all = Array.from({ length: maxValues }, (_, id) => id)
    expect(ask([...all, ...all])).toEqual(all)
    if (maxValues > 1) {
      expect(ask([maxValues, 1])).toEqual([maxValues]) // 0 made way
      for (let round = 0; round < 3; round++) ask(all.slice(1))
      expect(ask([0, ...all.slice(1)])).toEqual([0]) // and now the one above
    }
    for (let id = 0; id < 5_000; id++) load(1_000 + id)
    expect(ask([0])).toEqual([0])
  })

  it('keep what was used, however often and however it is asked for', async () => {
    await using holdfast = createHoldfast({ store: memory({ maxValues: 3 }) })
    const calls: string[] = []
    const load = holdfast.cached('{a}-{b}')((a: string, b: number) => calls.push(`${a}${b}`))
    load('hot', 1)
    for (let id = 0; id < 50; id++) {
      load('cold', id)
      for (let hits = 0; hits < 4; hits++) load('hot', 1)
    }
    expect(calls.filter((call) => call === 'hot1')).toEqual(['hot1'])
  })

  it.each([0, -1, 1.5, Infinity, '10', null])('cannot be %s', (maxValues) => {
    expect(thrownBy(() => memory({ maxValues: maxValues as number })).code).toBe('INVALID_OPTION')
  })

  it('are found by equal arguments, and by no others', async () => {
    await using holdfast = createHoldfast()
    const load = holdfast.cached('user-{id}')((id: unknown) => [id])
    const first = load(1)
    expect([load(1), load('1'), load(1n)].every((value) => value === first)).toBe(true)
    expect([load(2), load('01'), load('1 '), load(true)].some((value) => value === first)).toBe(false)
    for (const wrong of [{}, undefined, null, Number.NaN, Symbol('s')]) {
      for (let round = 0; round < 2; round++) expect(thrownBy(() => load(wrong)).code).toBe('KEY_TEMPLATE')
    }
    const zero = load(0)
    expect([load(-0), load('0')].every((value) => value === zero)).toBe(true)
  })

  it('of a key without placeholders, a default, a path, a position and a key function are found', async () => {
    await using holdfast = createHoldfast()
    let calls = 0
    const functions = [
      holdfast.cached('always')((...ids: number[]) => [ids, ++calls]),
      holdfast.cached('default-{id}')((id = 7) => [id, ++calls]),
      holdfast.cached('path-{user.id}')((user: { id: number } = { id: 1 }) => [user, ++calls]),
      holdfast.cached('position-{0}')((id = 7) => [id, ++calls]),
      holdfast.cached((id?: unknown) => `made-${String(id)}`)((id?: unknown) => [id, ++calls]),
    ] as ((...args: unknown[]) => unknown)[]
    const argumentsOf = [
      [[], [1]],
      [[], [7], ['7']],
      [[{ id: 1 }], [{ id: 1, name: 'x' }]],
      [[7], ['7']],
      [[], [undefined]],
    ]
    for (const [at, load] of functions.entries()) {
      const values = [0, 1].flatMap(() => argumentsOf[at]?.map((args) => load(...args)))
      expect(new Set(values).size, `function ${at}`).toBe(1)
    }
    expect(calls).toBe(functions.length)
  })

  it('that were computed under a lock that was lost are not kept: a deletion meanwhile would not be known', async () => {
    await using holdfast = createHoldfast()
    const gates = [latch(), latch()]
    let calls = 0
    const load = holdfast.cached('key')(async () => {
      const call = ++calls
      await gates[call - 1]?.promise
      return call
    })
    const slow = load()
    await until(() => calls === 1)
    await holdfast.lock('cached:key').forceRelease()
    await load.reset()
    gates[0]?.open()
    expect(await slow).toBe(1)
    gates[1]?.open()
    expect(await load()).toBe(2)
  })

  it('end with their time, though the event loop stands still', async () => {
    const env = virtualEnv()
    await using holdfast = createHoldfast({ store: memory({ env }), env })
    let calls = 0
    const load = holdfast.cached('{id}', { ttl: '10s' })((id: number) => [id, ++calls])
    load(1)
    for (let second = 1; second < 10; second++) {
      env.stall(1_000)
      expect(load(1)).toEqual([1, 1])
    }
    env.stall(1_000)
    expect(load(1)).toEqual([1, 2])
  })

  it('end with their time after a burst of hits, in the next turn of the event loop', async () => {
    const env = virtualEnv()
    await using holdfast = createHoldfast({ store: memory({ env }), env })
    let calls = 0
    const load = holdfast.cached('{id}', { ttl: '10s' })((id: number) => [id, ++calls])
    for (let hits = 0; hits < 1_000; hits++) load(1)
    await env.advance(10_000)
    expect(load(1)).toEqual([1, 2])
    for (let hits = 0; hits < 1_000; hits++) load(1)
    env.stall(10_000) // in one turn: within 32 hits
    for (let hits = 0; hits < 32; hits++) load(1)
    expect(load(1)).toEqual([1, 3])
  })

  it('of instances with other prefixes are others', async () => {
    const store = memory()
    await using one = createHoldfast({ store, prefix: 'one:' })
    await using two = createHoldfast({ store, prefix: 'two:' })
    expect([one.cached('key')(() => 1)(), two.cached('key')(() => 2)()]).toEqual([1, 2])
  })

  it('do not outlive a change of the global instance', async () => {
    const { cached, close, configure } = await import('holdfast')
    const load = cached('{id}')((id: number) => [id])
    expect(thrownBy(() => load(1)).code).toBe('NOT_CONFIGURED')
    configure()
    const first = load(1)
    expect([load(1), load(1)].every((value) => value === first)).toBe(true)
    configure()
    const second = load(1)
    expect(second).not.toBe(first)
    expect(load(1)).toBe(second)
    await close()
    expect(thrownBy(() => load(1)).code).toBe('NOT_CONFIGURED')
  })

  it('of an instance that was closed are not given', async () => {
    const store = memory()
    await using other = createHoldfast({ store })
    const holdfast = createHoldfast({ store })
    const load = holdfast.cached('{id}')((id: number) => [id])
    load(1)
    load(1)
    await holdfast.close()
    expect(thrownBy(() => load(1)).message).toContain('closed')
    expect(other.cached('{id}')((id: number) => [id, 'new'])(1)).toEqual([1])
  })

  it('that were reset, ended or made way do not stay in memory', async () => {
    const { gc } = globalThis as { gc?: () => void }
    if (gc === undefined) throw new Error('run with --expose-gc')
    await using holdfast = createHoldfast({ store: memory({ maxValues: 10 }) })
    const load = holdfast.cached('{id}')((id: number) => ({ id, text: 'x'.repeat(100_000) }))
    const seen = Array.from({ length: 200 }, (_, id) => {
      load(id)
      return new WeakRef(load(id))
    })
    for (let id = 190; id < 195; id++) load.reset(id)
    const left = (): number => seen.filter((value) => value.deref() !== undefined).length
    // what compiled code or a thread of the compiler still refers to goes a little later
    await until(() => {
      gc()
      return left() <= 5
    })
    expect(left()).toBe(5)
  })
})

const JSON_CODEC = {
  encode: (value: unknown): string => JSON.stringify(value),
  decode: (text: string) => JSON.parse(text) as unknown,
}
