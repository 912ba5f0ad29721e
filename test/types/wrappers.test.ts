import { describe, expect, expectTypeOf, it } from 'vitest'
import { createHoldfast, type Inspection, lock as globalLock } from 'holdfast'

const { lock } = createHoldfast()

describe('a wrapped function', () => {
  it('keeps its type', async () => {
    const sync = lock('{0}')((id: number, note?: string) => `${id} ${note ?? ''}`)
    expectTypeOf(sync).parameters.toEqualTypeOf<[id: number, note?: string | undefined]>()
    expectTypeOf(sync).returns.toEqualTypeOf<string>()
    const async_ = lock('{0}')(async (id: number) => id)
    expectTypeOf(async_).parameters.toEqualTypeOf<[id: number]>()
    expectTypeOf(async_).returns.toEqualTypeOf<Promise<number>>()
    const generator = lock('{0}')(function* (id: number): Generator<number, string> {
      yield id
      return 'end'
    })
    expectTypeOf(generator).returns.toEqualTypeOf<Generator<number, string>>()
    const generic = lock('key')(async <T>(value: T): Promise<T> => value)
    expectTypeOf(await generic('text' as const)).toEqualTypeOf<'text'>()
    // @ts-expect-error -- a number is asked for
    expect(sync('text')).toBe('text ')
  })

  it('carries calls that are sync or async like it, and take its arguments', async () => {
    const sync = lock('sync-{0}')((id: number) => id)
    expectTypeOf(sync.isLocked).toEqualTypeOf<(id: number) => boolean>()
    expectTypeOf(sync.release).toEqualTypeOf<(id: number) => boolean>()
    expectTypeOf(sync.inspect).toEqualTypeOf<(id: number) => Inspection | undefined>()
    const async_ = lock('async-{0}')(async (id: number) => id)
    expectTypeOf(async_.isLocked).toEqualTypeOf<(id: number) => Promise<boolean>>()
    expectTypeOf(async_.release).toEqualTypeOf<(id: number) => Promise<boolean>>()
    expectTypeOf(async_.inspect).toEqualTypeOf<(id: number) => Promise<Inspection | undefined>>()
    const generator = lock('generator-{0}')(function* (id: number) {
      yield id
    })
    expectTypeOf(generator.isLocked(1)).toEqualTypeOf<boolean>()
    const asyncGenerator = lock('async-generator-{0}')(async function* (id: number) {
      yield id
    })
    expectTypeOf(asyncGenerator.isLocked(1)).toEqualTypeOf<Promise<boolean>>()
    // @ts-expect-error -- the argument is missing
    await expect(async_.isLocked()).rejects.toThrow('undefined')
    // @ts-expect-error -- a wrapped function is no handle
    expect(async_.acquire).toBeUndefined()
  })
})

describe('a key function', () => {
  const byUser = lock((user: { id: number }) => `user-${user.id}`)

  it('is typed: it gets the arguments of the function', () => {
    const wrapped = byUser((user: { id: number; name: string }, more: boolean) => `${user.name} ${more}`)
    expectTypeOf(wrapped).parameters.toEqualTypeOf<[user: { id: number; name: string }, more: boolean]>()
    expect(wrapped({ id: 1, name: 'n' }, true)).toBe('n true')
    const byId = lock((id: number) => `id-${id}`)
    expect(byId((id: number, more: string) => `${id} ${more}`)(1, 'more')).toBe('1 more')
    class Billing {
      @byId
      charge(id: number, amount: number): number {
        return id * amount
      }
      // @ts-expect-error -- it asks for a number, and gets text
      @byId
      count(id: string): string {
        return id
      }
    }
    expect(new Billing().charge(2, 3)).toBe(6)
    // @ts-expect-error -- it asks for a number, and gets nothing
    byId(() => {})
    // @ts-expect-error -- it asks for a user, and gets text
    byUser((name: string) => name)
    // @ts-expect-error -- it does not make text
    lock((id: number) => id)
    // @ts-expect-error -- nor does an async one
    lock(async (id: string) => id)
  })

  it('makes no handle: acquire does not compile', () => {
    // @ts-expect-error -- there is no key before a call
    expect(byUser.acquire).toBeUndefined()
    // @ts-expect-error -- there is no key before a call
    expect(lock((id: string) => id).acquire).toBeUndefined()
    // @ts-expect-error -- there is no key before a call
    expect(lock((id: string) => id).run).toBeUndefined()
    // @ts-expect-error -- there is no key before a call
    expect(lock((id: string) => id).key).toBeUndefined()
  })
})

describe('a decorator', () => {
  it('leaves the type of the method alone', () => {
    class Billing {
      readonly tenant = 't'
      @lock('bill-{this.tenant}-{id}')
      async charge(id: string): Promise<number> {
        return id.length
      }
      @lock((id: string) => id)
      count(id: string): number {
        return id.length
      }
      @globalLock('global-{id}')
      static refund(id: string): number {
        return id.length
      }
    }
    expectTypeOf(new Billing().charge).toEqualTypeOf<(id: string) => Promise<number>>()
    expectTypeOf(new Billing().count).toEqualTypeOf<(id: string) => number>()
    expectTypeOf(Billing.refund).toEqualTypeOf<(id: string) => number>()
    expect(new Billing().count('four')).toBe(4)
  })

  it('of anything but a method does not compile, and throws', () => {
    const decorator = lock('key')
    expect(() => {
      class Thing {
        // @ts-expect-error -- a field is no method
        @decorator
        thing = 1
      }
      return Thing
    }).toThrow('a field (thing)')
    expect(() => {
      class Thing {
        // @ts-expect-error -- a getter is no method
        @decorator
        get thing(): number {
          return 1
        }
      }
      return Thing
    }).toThrow('a getter (thing)')
    expect(() => {
      // @ts-expect-error -- a class is no method
      @decorator
      class Thing {}
      return Thing
    }).toThrow('a class (Thing)')
    // @ts-expect-error -- it is no function
    expect(() => decorator('text')).toThrow(`not 'text'`)
    // @ts-expect-error -- it is no function
    expect(() => decorator()).toThrow('not undefined')
  })
})
