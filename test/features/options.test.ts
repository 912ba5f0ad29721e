import { describe, expect, it } from 'vitest'
import { close, configure, createHoldfast, type HoldfastOptions, localLock, lock, type LockOptions } from 'holdfast'
import { thrownBy } from './support/tools.js'

function asLockOptions(options: unknown): LockOptions {
  return options as LockOptions
}

function asHoldfastOptions(options: unknown): HoldfastOptions {
  return options as HoldfastOptions
}

describe('an unknown option', () => {
  it.each([
    ['tll', 'ttl'],
    ['TTL', 'ttl'],
    ['timeout', 'wait'],
    ['wiat', 'wait'],
    ['waits', 'wait'],
    ['exp', 'expire'],
    ['expires', 'expire'],
    ['expiry', 'expire'],
    ['onlost', 'onLost'],
    ['minhold', 'minHold'],
    ['lable', 'label'],
    ['arg', 'args'],
  ])('%s of a lock is refused where it is written, with the hint %s', (typo, meant) => {
    const error = thrownBy(() => lock('key', asLockOptions({ [typo]: '5s' })))
    expect(error).toMatchObject({ name: 'InvalidOptionError', code: 'INVALID_OPTION' })
    expect(error.message).toContain(`Unknown option '${typo}' (did you mean '${meant}'?)`)
    expect(error.message).toContain('wait, ttl, expire, minHold')
  })

  it.each([
    ['prefx', 'prefix'],
    ['Store', 'store'],
    ['keyPrefix', 'prefix'],
    ['log', 'logger'],
    ['timeout', 'storeTimeout'],
    ['tll', 'ttl'],
  ])('%s of an instance is refused where it is written, with the hint %s', (typo, meant) => {
    for (const create of [createHoldfast, configure]) {
      const error = thrownBy(() => create(asHoldfastOptions({ [typo]: 'x' })))
      expect(error.code).toBe('INVALID_OPTION')
      expect(error.message).toContain(`Unknown option '${typo}' (did you mean '${meant}'?)`)
    }
  })

  it.each(['constructor', '__proto__x', 'toString', 'hasOwnProperty', 'zzz'])('%s gets no silly hint', (name) => {
    const error = thrownBy(() => lock('key', asLockOptions({ [name]: 1 })))
    expect(error.message).toContain(`Unknown option '${name}': there are`)
  })

  it('is refused even if it is undefined, and a known one that is undefined is not given', () => {
    expect(thrownBy(() => lock('key', asLockOptions({ tll: undefined }))).code).toBe('INVALID_OPTION')
    expect(() => lock('key', asLockOptions({ ttl: undefined, wait: undefined, signal: undefined }))).not.toThrow()
  })
})

describe('a wrong value', () => {
  const nonText = [1, true, null, {}, [], Symbol('text')]
  const wrong: Readonly<Record<keyof LockOptions, readonly unknown[]>> = {
    wait: ['true', 'yes', null],
    ttl: [true, false],
    expire: [true, false],
    minHold: [true, false],
    signal: [{}, null, 'abort', new AbortController(), { aborted: false }],
    onLost: ['ignore', 'Throw', '', null, true, () => {}],
    store: nonText,
    label: [...nonText, 'l'.repeat(1_025)],
    args: ['id', [1], ['id', undefined], null, {}, [['id']]],
  }
  for (const [option, values] of Object.entries(wrong)) {
    it(`of ${option} is refused where it is written`, () => {
      for (const value of values) {
        for (const make of [(options: LockOptions) => lock('key', options), localLock]) {
          const error = thrownBy(() => make(asLockOptions({ [option]: value })))
          expect(error).toMatchObject({ name: 'InvalidOptionError', code: 'INVALID_OPTION' })
          expect(error.message).toContain(`${option} is `)
        }
      }
    })
  }

  const wrongOfInstance: Readonly<Record<Exclude<keyof HoldfastOptions, 'store'>, readonly unknown[]>> = {
    stores: ['locks', null, [], 1],
    prefix: [1, null, {}, ['a'], '\ud800'],
    ttl: [null, '10', 0, true],
    cacheTtl: ['10', 0, true, -1],
    storeTimeout: [0, -1, '', null, true, Number.NaN],
    maxWaiters: [0, -1, 1.5, '10', null, true, Number.NaN],
    logger: [null, 'console', {}, { warn: true }, () => {}],
    releaseOnExit: ['yes', 1, null],
    env: [null, {}, 'real'],
  }
  for (const [option, values] of Object.entries(wrongOfInstance)) {
    it(`of ${option} is refused by configure and createHoldfast`, () => {
      for (const value of values) {
        for (const create of [createHoldfast, configure]) {
          const error = thrownBy(() => create(asHoldfastOptions({ [option]: value })))
          expect(error).toMatchObject({ name: 'InvalidOptionError', code: 'INVALID_OPTION' })
          expect(error.message).toContain(`${option} is `)
        }
      }
    })
  }

  it.each([[null], ['5s'], [5], [true], [[]]])('%j in place of the options is refused', (options) => {
    expect(thrownBy(() => lock('key', asLockOptions(options))).code).toBe('INVALID_OPTION')
    expect(thrownBy(() => localLock(asLockOptions(options))).code).toBe('INVALID_OPTION')
    expect(thrownBy(() => createHoldfast(asHoldfastOptions(options))).code).toBe('INVALID_OPTION')
    expect(thrownBy(() => configure(asHoldfastOptions(options))).code).toBe('INVALID_OPTION')
  })

  it('leaves the configuration as it was', async () => {
    configure()
    const before = lock('kept').acquireSync()
    expect(() => configure(asHoldfastOptions({ logger: 1 }))).toThrow('logger')
    expect(lock('kept').isLockedSync()).toBe(true)
    before.release()
    await close()
  })

  it('is refused with a key function too', () => {
    expect(thrownBy(() => lock((id: string) => id, { ttl: 1 })).code).toBe('INVALID_OPTION')
  })
})

describe('a key that is no text', () => {
  it('is refused', () => {
    const lockAny = lock as (key: unknown) => unknown
    for (const key of [undefined, null, 1, {}, ['a', 1], [['a', 'b']], Symbol('key'), true, new Date(0)]) {
      const error = thrownBy(() => lockAny(key))
      expect(error).toMatchObject({ name: 'InvalidKeyError', code: 'INVALID_KEY' })
    }
  })
})
