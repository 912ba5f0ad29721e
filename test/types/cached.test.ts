import { describe, expect, expectTypeOf, it } from 'vitest'
import { type Cached, createHoldfast, memory } from 'holdfast'

const codec = { encode: (date: Date): string => date.toJSON(), decode: (text: string): Date => new Date(text) }
const { cached: local } = createHoldfast()
const { cached: remote } = createHoldfast({ store: 'redis://localhost', stores: { near: memory() } })

describe('the types of cached', () => {
  it('keep those of the function, and reset answers as it does', () => {
    const later = remote('user-{id}')(async (id: string) => ({ id }))
    expectTypeOf(later).toEqualTypeOf<Cached<(id: string) => Promise<{ id: string }>>>()
    expectTypeOf(later.reset).toEqualTypeOf<(id: string) => Promise<boolean>>()
    const now = local('user-{id}', { ttl: '1s' })((id: number) => id)
    expectTypeOf(now.reset).toEqualTypeOf<(id: number) => boolean>()
    expectTypeOf(now(1)).toEqualTypeOf<number>()
  })

  it('ask for async functions where the store answers with promises', () => {
    // @ts-expect-error -- it cannot answer at once
    remote('key')(() => 1)
    remote('key', { store: 'near' })(() => 1)
    // @ts-expect-error -- there is no such store
    expect(() => remote('key', { store: 'far' })).toThrow('far')
  })

  it('ask for values that the codec takes', () => {
    local('key', { codec })(() => new Date())
    remote('key', { codec })(async () => new Date())
    // @ts-expect-error -- the codec is for dates
    local('key', { codec })(() => 'text')
    // @ts-expect-error -- the codec is for dates
    remote('key', { codec })(async () => 'text')
    local('key', { codec: { encode: JSON.stringify, decode: JSON.parse } })(() => 'text')
  })

  it('check durations, and the arguments of key functions', () => {
    local('key', { ttl: null })
    local('key', { ttl: '1m', staleIfError: '1h', staleWhileRevalidate: 5, wait: false, lease: '10s' })
    // @ts-expect-error -- no duration
    expect(() => local('key', { ttl: 'soon' })).toThrow('soon')
    local((id: number) => `user-${id}`)((id: number) => id)
    // @ts-expect-error -- the key is made of a number
    local((id: number) => `user-${id}`)((id: string) => id)
  })
})
