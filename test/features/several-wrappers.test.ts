import { createHoldfast, NotConfiguredError, lock as globalLock } from 'holdfast'
import { describe, expect, it } from 'vitest'
import { failureOf, freshKey, latch, thrownBy } from './support/tools.js'

const { lock } = createHoldfast()

describe('the keys of a list', () => {
  it.each([
    ['is empty', [], 'at least one'],
    ['has 65 keys', Array.from({ length: 65 }, (_, at) => `k${String(at)}`), 'the most is 64'],
    ['has an empty key', ['a', ''], 'must not be empty'],
    ['has a key that is too long', ['a', 'k'.repeat(1_025)], '1025 bytes'],
  ])('are refused when the list %s', (_, keys, text) => {
    const error = thrownBy(() => lock(keys))
    expect([error.code, error.message.includes(text)]).toEqual(['INVALID_KEY', true])
  })

  it('may be 64, and more when some are the same', () => {
    const keys = Array.from({ length: 128 }, (_, at) => `many-${String(at % 64)}`)
    expect(lock(keys).runSync(({ tokens }) => tokens.size)).toBe(64)
  })

  it('are sorted by their code units, on every machine alike', () => {
    expect(lock(['ä', 'b', 'B', 'a', '😀', '\u{ff5e}']).keys).toEqual(['B', 'a', 'b', 'ä', '😀', '\u{ff5e}'])
  })

  it('need an instance, and one that knows the store', async () => {
    expect(await failureOf(() => globalLock(['a', 'b']).acquire())).toBeInstanceOf(NotConfiguredError)
    const unknown = { store: 'nowhere' as never }
    expect(thrownBy(() => lock(['a', 'b'], unknown)).message).toContain('Unknown store alias')
    expect(thrownBy(() => lock(() => ['a', 'b'], unknown)).message).toContain('Unknown store alias')
  })
})

describe('a function wrapped with several keys', () => {
  it('fails when it is wrapped with a placeholder that names no parameter', () => {
    const error = thrownBy(() => lock(['a-{from}', 'b-{nobody}'])((from: string) => from))
    expect([error.code, error.message.includes('{nobody}')]).toEqual(['KEY_TEMPLATE', true])
  })

  it('holds all of its keys in each kind of function', async () => {
    const name = freshKey()
    const keys = [`${name}-b-{to}`, `${name}-a-{from}`]
    const held = (): boolean[] => [`${name}-a-1`, `${name}-b-2`].map((key) => lock(key).isLockedSync())
    expect(lock(keys)((from: number, to: number) => [from, to, ...held()])(1, 2)).toEqual([1, 2, true, true])
    expect(await lock(keys)(async (from: number, to: number) => [from, to, ...held()])(1, 2)).toEqual([1, 2, true, true]) // prettier-ignore
    const generator = lock(keys)(function* (from: number, to: number) {
      yield [from, to, ...held()]
    })
    expect([...generator(1, 2)]).toEqual([[1, 2, true, true]])
    const asyncGenerator = lock(keys)(async function* (from: number, to: number) {
      yield [from, to, ...held()]
    })
    for await (const seen of asyncGenerator(1, 2)) expect(seen).toEqual([1, 2, true, true])
    expect(held()).toEqual([false, false])
  })

  it('names the key that is held, and is freed by force', async () => {
    const name = freshKey()
    const inside = latch()
    const transfer = lock([`${name}-{from}`, `${name}-{to}`], { label: 'transfer' })(async (
      from: string,
      to: string,
    ) => {
      await inside.promise
      return `${from} ${to}`
    })
    const first = transfer('x', 'y')
    expect((await failureOf(() => transfer('z', 'x'))).key).toBe(`${name}-x`)
    expect((await transfer.inspect('y', 'z')).map(({ key, holders }) => [key, holders[0]?.label])).toEqual([
      [`${name}-y`, 'transfer'],
    ])
    expect(await transfer.release('y', 'z')).toBe(true)
    inside.open()
    expect(await first).toBe('x y')
    expect(await transfer('y', 'x')).toBe('y x')
  })

  it('may be a method, of an object or of a class', async () => {
    const name = freshKey()
    class Bank {
      readonly country = 'ch'
      @lock([`${name}-{this.country}-{from}`, `${name}-{this.country}-{to}`])
      transfer(from: string, to: string): boolean[] {
        return [from, to].map((id) => lock(`${name}-${this.country}-${id}`).isLockedSync())
      }
      @lock(function (this: Bank, ids: readonly string[]) {
        return ids.map((id) => `${name}-${this.country}-${id}`)
      })
      async close(ids: readonly string[]): Promise<boolean[]> {
        return ids.map((id) => lock(`${name}-${this.country}-${id}`).isLockedSync())
      }
    }
    const bank = new Bank()
    expect(bank.transfer('a', 'b')).toEqual([true, true])
    expect(await bank.close(['a', 'b', 'c'])).toEqual([true, true, true])
    expect((await failureOf(() => bank.close([]))).code).toBe('INVALID_KEY')
  })

  it('may have a key function that gives one key for some calls and several for others', () => {
    const name = freshKey()
    const namesOf = (ids: readonly string[]): string[] => ids.map((id) => `${name}-${id}`)
    const keyOf = (ids: readonly string[]): readonly string[] =>
      ids.length === 1 ? (namesOf(ids)[0] as unknown as string[]) : namesOf(ids)
    const held = lock(keyOf)((ids: readonly string[]) => namesOf(ids).map((key) => lock(key).isLockedSync()))
    expect([held(['a']), held(['a', 'b'])]).toEqual([[true], [true, true]])
  })
})
