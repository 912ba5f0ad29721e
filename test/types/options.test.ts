import { describe, expect, expectTypeOf, it } from 'vitest'
import { configure, createHoldfast, type Duration, localLock, type LockOptions } from 'holdfast'

const { lock } = createHoldfast()

describe('a duration', () => {
  it('is a number or text with a unit', () => {
    expectTypeOf<250>().toExtend<Duration>()
    expectTypeOf<'250ms'>().toExtend<Duration>()
    expectTypeOf<'10s'>().toExtend<Duration>()
    expectTypeOf<'1.5m'>().toExtend<Duration>()
    expectTypeOf<'1h'>().toExtend<Duration>()
    for (const ttl of [100, '250ms', '10s', '5m', '1h', '1.5s'] satisfies Duration[]) {
      expect(() => lock('key', { ttl })).not.toThrow()
    }
  })

  it('of junk does not compile, and throws', () => {
    expectTypeOf<'10'>().not.toExtend<Duration>()
    expectTypeOf<''>().not.toExtend<Duration>()
    expectTypeOf<string>().not.toExtend<Duration>()
    expectTypeOf<null>().not.toExtend<Duration>()
    // @ts-expect-error -- it has no unit
    expect(() => lock('key', { ttl: '10' })).toThrow('ttl')
    // @ts-expect-error -- there is no such unit
    expect(() => lock('key', { wait: '5 days' })).toThrow('wait')
    // @ts-expect-error -- there is no such unit
    expect(() => lock('key', { wait: '1d' })).toThrow('wait')
    // @ts-expect-error -- it has no number
    expect(() => lock('key', { expire: 's' })).toThrow('expire')
    // @ts-expect-error -- null is no duration
    expect(() => lock('key', { minHold: null })).toThrow('minHold')
    // @ts-expect-error -- only `wait` may be true
    expect(() => lock('key', { ttl: true })).toThrow('ttl')
    // @ts-expect-error -- it has no unit
    expect(() => createHoldfast({ ttl: '30' })).toThrow('ttl')
  })
})

describe('options', () => {
  it('that do not exist do not compile, and throw', () => {
    // @ts-expect-error -- there is no such option
    expect(() => lock('key', { tll: '5s' })).toThrow('ttl')
    // @ts-expect-error -- another library's name
    expect(() => lock('key', { timeout: '5s' })).toThrow('wait')
    // @ts-expect-error -- there is no such option
    expect(() => lock((id: string) => id, { tll: '5s' })).toThrow('ttl')
    // @ts-expect-error -- there is no such option
    expect(() => configure({ perfix: 'app:' })).toThrow('prefix')
    // @ts-expect-error -- there is no such option
    expect(() => createHoldfast({ perfix: 'app:' })).toThrow('prefix')
    // @ts-expect-error -- a local lock has no store to choose
    expect(() => localLock({ store: 'locks' })).toThrow('locks')
    // @ts-expect-error -- an option of a lock
    expect(() => createHoldfast({ wait: '5s' })).toThrow('wait')
  })

  it('of the wrong type do not compile, and throw', () => {
    // @ts-expect-error -- 'throw' or 'warn'
    expect(() => lock('key', { onLost: 'ignore' })).toThrow('onLost')
    // @ts-expect-error -- a controller is no signal
    expect(() => lock('key', { signal: new AbortController() })).toThrow('signal')
    // @ts-expect-error -- a list is asked for
    expect(() => lock('key', { args: 'id' })).toThrow('args')
    // @ts-expect-error -- text is asked for
    expect(() => lock('key', { label: 5 })).toThrow('label')
    // @ts-expect-error -- it has no warn()
    expect(() => createHoldfast({ logger: {} })).toThrow('logger')
    // @ts-expect-error -- a key is text or a function
    expect(() => lock(5)).toThrow('key')
    // @ts-expect-error -- nor is it missing
    expect(() => lock()).toThrow('key')
  })

  it('may be made elsewhere', () => {
    const options: LockOptions = { wait: true, ttl: '5s', args: ['id'] as const }
    expect(() => lock('key', { ...options, store: undefined as never })).not.toThrow()
    expectTypeOf<LockOptions['wait']>().toEqualTypeOf<Duration | boolean | undefined>()
  })
})
