import { describe, expect, it } from 'vitest'
import { createHoldfast, InvalidKeyError } from 'holdfast'
import { failureOf, freshKey, latch, thrownBy } from './support/tools.js'

const { lock } = createHoldfast()

describe('a key function', () => {
  it('gets the arguments, and makes the key', async () => {
    const held = latch()
    const prefix = freshKey()
    const wrapped = lock((id: number, options: { tenant: string }) => `${prefix}-${options.tenant}-${String(id)}`)(
      async (_id: number, _options: { tenant: string }) => held.promise,
    )
    const running = wrapped(1, { tenant: 'a' })
    expect(await wrapped.isLocked(1, { tenant: 'a' })).toBe(true)
    expect(await wrapped.isLocked(1, { tenant: 'b' })).toBe(false)
    expect((await wrapped.inspect(1, { tenant: 'a' }))?.key).toBe(`${prefix}-a-1`)
    expect((await failureOf(() => wrapped(1, { tenant: 'a' }))).key).toBe(`${prefix}-a-1`)
    held.open()
    await running
  })

  it('gets the object of a method as this', () => {
    const seen: unknown[] = []
    class Billing {
      readonly tenant = 't1'
      @lock(function (this: Billing, id: string) {
        seen.push(this.tenant)
        return freshKey(id)
      })
      charge(id: string): string {
        return `${this.tenant}-${id}`
      }
    }
    expect(new Billing().charge('x')).toBe('t1-x')
    expect(seen).toEqual(['t1'])
  })

  it.each([
    ['undefined', undefined],
    ['null', null],
    ['a number', 42],
    ['an object', {}],
    ['an empty list', []],
    ['a list with a number', ['a', 1]],
    ['a promise', Promise.resolve('key')],
    ['empty text', ''],
  ])('that gives %s is refused at the call', async (_, result) => {
    const ran: string[] = []
    const key = () => result as string
    const sync = lock(key)(() => ran.push('sync'))
    const async_ = lock(key)(async () => ran.push('async'))
    expect(thrownBy(() => sync())).toBeInstanceOf(InvalidKeyError)
    expect(thrownBy(() => sync()).code).toBe('INVALID_KEY')
    expect((await failureOf(() => async_())).code).toBe('INVALID_KEY')
    expect((await failureOf(() => async_.isLocked())).code).toBe('INVALID_KEY')
    expect(ran).toEqual([])
  })

  it('that throws lets its error through, and nothing runs', async () => {
    const ran: string[] = []
    const broken = new RangeError('no such user')
    const key = (): string => {
      throw broken
    }
    expect(() => lock(key)(() => ran.push('sync'))()).toThrow(broken)
    await expect(lock(key)(async () => ran.push('async'))()).rejects.toBe(broken)
    expect(ran).toEqual([])
  })

  it('is no template: braces are literal', () => {
    const wrapped = lock(() => '{id}')((_id: string): unknown => wrapped.inspect('x')?.key)
    expect(wrapped('x')).toBe('{id}')
  })

  it('makes no handle: there is no key to acquire', () => {
    expect(lock(() => 'key')).not.toHaveProperty('acquire')
  })
})
