import fc from 'fast-check'
import { type Holdfast, LockedError } from 'holdfast'
import { describe, expect, it } from 'vitest'
import { onEachBackend } from './support/backends.js'
import { freshKey, latch, until } from './support/tools.js'

describe('several keys', () => {
  onEachBackend((backend) => {
    it('are taken all or none, and excluded each for itself', async () => {
      const [one, other] = [backend.open(), backend.open()]
      const [a, b, c] = ['a', 'b', 'c'].map((name) => freshKey(name)) as [string, string, string]
      const busy = await other.lock(b, { label: 'the other' }).acquire()
      const error = await one.lock([c, b, a]).acquire().catch((thrown: unknown) => thrown) // prettier-ignore
      expect(error).toBeInstanceOf(LockedError)
      expect(error).toMatchObject({ key: b, holder: { label: 'the other' } })
      expect(await other.lock([a, c]).isLocked()).toBe(false)
      await busy.release()
      const lease = await one.lock([c, b, a]).acquire()
      const found = await other.lock([a, b, c]).inspect()
      expect(found.map(({ key, holders }) => [key, holders[0]?.token])).toEqual([...lease.tokens])
      for (const key of [a, b, c]) expect(await other.lock(key).tryAcquire()).toBeUndefined()
      expect(await lease.release()).toBe(true)
      expect(await other.lock([a, b, c]).inspect()).toEqual([])
    })

    it('are released by force, which tells their holder', async () => {
      const [one, other] = [backend.open(), backend.open()]
      const keys = [freshKey('a'), freshKey('b')]
      const lease = await one.lock(keys).acquire()
      const told = new Promise((resolve) => lease.signal.addEventListener('abort', resolve))
      expect(await other.lock(keys).forceRelease()).toBe(true)
      expect(await other.lock(keys).forceRelease()).toBe(false)
      await told
      expect(lease.signal.reason).toMatchObject({ code: 'LOCK_REVOKED' })
      await until('both are lost', () => !lease.active)
    })

    it('wait for who holds one of them, and in line with those who want only one', async () => {
      const [one, other] = [backend.open(), backend.open()]
      const [a, b] = [freshKey('a'), freshKey('b')]
      const order: string[] = []
      const busy = await backend.open().lock(b).acquire()
      const first = other.lock(b, { wait: true }).run(() => void order.push('one key'))
      await until('it waits', async () => (await other.lock(b).inspect())?.waiters.length === 1)
      const second = one.lock([b, a], { wait: true }).run(() => void order.push('two keys'))
      await until('it waits too', async () => (await one.lock(b).inspect())?.waiters.length === 2)
      await busy.release()
      await Promise.all([first, second])
      expect(order).toEqual(['one key', 'two keys'])
    })

    it('of a call are made of its arguments', async () => {
      const { lock } = backend.open()
      const prefix = freshKey()
      const inside = latch()
      const transfer = lock([`${prefix}-{from}`, `${prefix}-{to}`], { wait: '10s' })(async (
        from: string,
        to: string,
        amount: number,
      ) => {
        await inside.promise
        return `${String(amount)} from ${from} to ${to}`
      })
      const [there, back] = [transfer('x', 'y', 1), transfer('y', 'x', 2)]
      await until('one of them is inside', async () => (await transfer.inspect('y', 'x', 0)).length === 2)
      expect(await transfer.isLocked('x', 'z', 0)).toBe(true)
      expect(await transfer.isLocked('w', 'z', 0)).toBe(false)
      inside.open()
      expect(await Promise.all([there, back])).toEqual(['1 from x to y', '2 from y to x'])
      expect(await transfer('x', 'x', 3)).toBe('3 from x to x')
      expect(await transfer.release('x', 'y', 0)).toBe(false)
      const byFunction = lock((keys: readonly string[]) => keys.map((key) => `${prefix}-${key}`))(
        async (keys: readonly string[]) => (await transfer.inspect(keys[0] ?? '', keys[1] ?? '', 0)).length,
      )
      expect(await byFunction(['p', 'q', 'p'])).toBe(2)
    })
  })
})

/** One try: which keys, in which order, by which instance. */
interface Try {
  readonly keys: readonly number[]
  readonly instance: number
  readonly wait: boolean
}

const tries = 1_000
const names = 6
const instances = 4

describe('a thousand tries in any order', () => {
  onEachBackend((backend) => {
    it('never deadlock, never share a key, and leave nothing', { timeout: 120_000 }, async () => {
      const all = Array.from({ length: instances }, () => backend.open({ ttl: '1m' }))
      const keys = Array.from({ length: names }, (_, at) => freshKey(String(at)))
      const oneTry: fc.Arbitrary<Try> = fc.record({
        keys: fc.uniqueArray(fc.nat(names - 1), { minLength: 1, maxLength: 4 }),
        instance: fc.nat(instances - 1),
        wait: fc.boolean(),
      })
      await fc.assert(
        fc.asyncProperty(fc.array(oneTry, { minLength: 100, maxLength: 100, size: 'max' }), (some) => run(all, keys, some)), // prettier-ignore
        { numRuns: tries / 100, endOnFailure: true },
      )
    })

    it('are served in the order of arrival, whichever keys they take', async () => {
      const [one, other] = [backend.open(), backend.open()]
      const keys = [freshKey('a'), freshKey('b')]
      const busy = await one.lock(keys).acquire()
      const order: number[] = []
      const waits: Promise<void>[] = []
      for (let at = 0; at < 8; at++) {
        const { lock } = at % 2 === 0 ? one : other
        const wanted = at % 3 === 0 ? keys : keys.toReversed()
        waits.push(lock(wanted, { wait: true }).run(() => void order.push(at)))
        await until('it waits', async () => (await waiters([one, other], keys[0] ?? '')) > at)
      }
      await busy.release()
      await Promise.all(waits)
      expect(order.filter((at) => at % 2 === 0)).toEqual([0, 2, 4, 6])
      expect(order.filter((at) => at % 2 === 1)).toEqual([1, 3, 5, 7])
    })
  })
})

/** Those who wait for a key in each of the processes: the store knows one of each. */
async function waiters(all: readonly Holdfast<'async'>[], key: string): Promise<number> {
  const found = await Promise.all(all.map(({ lock }) => lock(key).inspect()))
  const [first, second] = found.map((inspection) => inspection?.waiters.length ?? 0)
  return (first ?? 0) + (second ?? 0) - (first !== undefined && second !== undefined && first > 0 && second > 0 ? 2 : 0)
}

async function run(all: readonly Holdfast<'async'>[], keys: readonly string[], some: readonly Try[]): Promise<void> {
  const holders = new Map<string, Try>()
  const one = async (each: Try): Promise<void> => {
    const wanted = each.keys.map((at) => keys[at] ?? '')
    const lock = all[each.instance]?.lock(wanted, each.wait ? { wait: true } : {})
    const lease = await lock?.tryAcquire()
    if (lease === undefined) {
      expect(each.wait).toBe(false)
      return
    }
    for (const key of wanted) {
      expect(holders.get(key)).toBeUndefined()
      holders.set(key, each)
    }
    await new Promise((resolve) => setImmediate(resolve))
    expect(lease.active).toBe(true)
    for (const key of wanted) {
      expect(holders.get(key)).toBe(each)
      holders.delete(key)
    }
    expect(await lease.release()).toBe(true)
  }
  await Promise.all(some.map(one))
  expect(await all[0]?.lock([...keys]).inspect()).toEqual([])
}
