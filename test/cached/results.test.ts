import { describe, expect, it } from 'vitest'
import { createHoldfast, type Holdfast, LockTimeoutError } from 'holdfast'
import { onEachBackend } from '../features/support/backends.js'
import { failureOf, freshKey, latch, thrownBy } from '../features/support/tools.js'

describe('a cached function', () => {
  onEachBackend(({ open }) => {
    const pair = <T>(make: (holdfast: Holdfast<'async'>) => T): [T, T] => [make(open()), make(open())]

    it('is called once for each key', async () => {
      const { cached } = open()
      const calls: string[] = []
      const load = cached(`${freshKey()}-{id}`)(async (id: string) => {
        calls.push(id)
        return { id, list: [1, 'two', null] }
      })
      for (const id of ['a', 'b', 'a', 'b', 'a']) expect(await load(id)).toEqual({ id, list: [1, 'two', null] })
      expect(calls).toEqual(['a', 'b'])
    })

    it.each([
      ['undefined', undefined],
      ['null', null],
      ['false', false],
      ['an empty text', ''],
      ['0', 0],
    ])('keeps %s like any other value', async (_, value) => {
      const { cached } = open()
      let calls = 0
      const load = cached(freshKey())(async () => {
        calls++
        return value
      })
      expect([await load(), await load(), await load()]).toEqual([value, value, value])
      expect(calls).toBe(1)
    })

    it('keeps no error, and gives it to all who wait for the same call', async () => {
      const { cached } = open()
      let calls = 0
      const load = cached(freshKey())(async () => {
        calls++
        await Promise.resolve()
        if (calls === 1) throw new TypeError('not yet')
        return calls
      })
      const first = await Promise.allSettled([load(), load(), load()])
      expect(first.map((result) => result.status === 'rejected' && String(result.reason))).toEqual(
        Array.from({ length: 3 }, () => 'TypeError: not yet'),
      )
      expect(calls).toBe(1)
      expect([await load(), await load()]).toEqual([2, 2])
    })

    it('is computed once for a hundred who ask in two processes at the same time', async () => {
      const key = freshKey()
      const gate = latch()
      let calls = 0
      const [one, two] = pair(({ cached }) =>
        cached(`${key}-{id}`)(async (id: number) => {
          calls++
          await gate.promise
          return `${id} by call ${calls}`
        }),
      )
      const results = Array.from({ length: 100 }, (_, at) => (at % 2 === 0 ? one : two)(1))
      await expect.poll(() => calls).toBe(1)
      gate.open()
      expect(new Set(await Promise.all(results))).toEqual(new Set(['1 by call 1']))
      expect(calls).toBe(1)
    })

    it('forgets what was reset, for every process', async () => {
      const key = freshKey()
      let calls = 0
      const [one, two] = pair(({ cached }) => cached(`${key}-{id}`)(async (id: number) => ++calls + 0 * id))
      expect(await one.reset(1)).toBe(false)
      expect([await one(1), await two(1), await one(2)]).toEqual([1, 1, 2])
      expect(await two.reset(1)).toBe(true)
      expect(await two.reset(1)).toBe(false)
      expect([await one(1), await two(1), await one(2)]).toEqual([3, 3, 2])
    })

    it('does not keep what was being computed when it was reset, and gives it to nobody who asks later', async () => {
      const key = freshKey()
      const gates = [latch(), latch()]
      let calls = 0
      const work = async (): Promise<number> => {
        const call = ++calls
        await gates[call - 1]?.promise
        return call
      }
      const [one, two] = pair(({ cached }) => cached(key)(work))
      const before = one()
      await expect.poll(() => calls).toBe(1)
      await one.reset()
      const after = [one(), two()]
      gates[0]?.open()
      expect(await before).toBe(1)
      await expect.poll(() => calls).toBe(2)
      gates[1]?.open()
      expect(await Promise.all(after)).toEqual([2, 2])
      expect([await one(), await two()]).toEqual([2, 2])
      expect(calls).toBe(2)
    })

    it('gives what another process resets to nobody who asks after that', async () => {
      const key = freshKey()
      const gates = [latch(), latch()]
      let calls = 0
      const work = async (): Promise<number> => {
        const call = ++calls
        await gates[call - 1]?.promise
        return call
      }
      const [one, two] = pair(({ cached }) => cached(key)(work))
      const before = one()
      await expect.poll(() => calls).toBe(1)
      await two.reset()
      const after = one() // joins the computation of its process, which began before
      gates[0]?.open()
      expect(await before).toBe(1)
      await expect.poll(() => calls).toBe(2)
      gates[1]?.open()
      expect(await after).toBe(2)
    })

    it('waits no longer than it is told for another process', async () => {
      const key = freshKey()
      const gate = latch()
      const [one, two] = [open(), open()]
      const slow = one.cached(key)(async () => gate.promise.then(() => 'slow'))
      const quick = two.cached(key, { wait: 50 })(async () => 'quick')
      const result = slow()
      await expect.poll(() => two.lock(`cached:${key}`).isLocked()).toBe(true)
      expect(await failureOf(() => quick())).toBeInstanceOf(LockTimeoutError)
      gate.open()
      expect(await result).toBe('slow')
      expect(await quick()).toBe('slow')
    })

    it('leaves the lock of the same key to its owners', async () => {
      const { cached, lock } = open()
      const key = freshKey()
      await using lease = await lock(key).acquire()
      const load = cached(key)(lock(`${key}-inner`)(async () => 'value'))
      expect(await load()).toBe('value')
      expect(lease.active).toBe(true)
    })

    it('has the layers beneath it reset as well', async () => {
      const near = open({ prefix: 'near:' })
      const far = open({ prefix: 'far:' })
      let calls = 0
      const inner = far.cached('user-{id}')(async (id: string) => `${id} ${++calls}`)
      const user = freshKey()
      const load = near.cached('near-{id}', { ttl: '5s' })(near.lock(`locked-{id}`, { wait: true })(inner))
      expect([await load(user), await load(user), calls]).toEqual([`${user} 1`, `${user} 1`, 1])
      expect(await inner.reset(user)).toBe(true)
      expect(await load(user)).toBe(`${user} 1`)
      expect(await load.reset(user)).toBe(true)
      expect([await load(user), await inner(user), calls]).toEqual([`${user} 2`, `${user} 2`, 2])
    })
  })
})

describe('errors of use', () => {
  it('are told where they are written', async () => {
    await using holdfast = createHoldfast()
    const wrong: readonly [code: string, make: () => unknown][] = [
      ['INVALID_OPTION', () => holdfast.cached('key', { ttl: 0 })],
      ['INVALID_OPTION', () => holdfast.cached('key', { ttl: null, staleIfError: '1s' })],
      ['INVALID_OPTION', () => holdfast.cached('key', { maxValueBytes: 0 })],
      ['INVALID_OPTION', () => holdfast.cached('key', { lease: 50 })],
      ['INVALID_OPTION', () => holdfast.cached('key', { codec: JSON as never })],
      ['INVALID_OPTION', () => holdfast.cached('key', { timeout: 5 } as never)],
      ['INVALID_OPTION', () => holdfast.cached('key', { store: 'unknown' } as never)],
      ['INVALID_OPTION', () => createHoldfast({ cacheTtl: 0 })],
      ['INVALID_KEY', () => holdfast.cached(7 as never)],
      ['KEY_TEMPLATE', () => holdfast.cached('user-{id}')((name: string) => name)],
      ['INVALID_OPTION', () => holdfast.cached('key')(function* () {} as never)],
      ['INVALID_OPTION', () => holdfast.cached('key')(async function* () {} as never)],
      ['INVALID_OPTION', () => holdfast.cached('key')(class {} as never)],
    ]
    for (const [code, make] of wrong) expect(thrownBy(make).code).toBe(code)
  })
})
