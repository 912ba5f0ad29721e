import { InvalidOptionError, StoreError } from 'holdfast'
import { virtualEnv } from 'holdfast/testing'
import { describe, expect, test } from 'vitest'
import { asHoldfastError, invoke, limited, open, outcomeOf } from '../../src/core/limited.js'
import type { AnyStore } from '../../src/core/store.js'
import { rejection } from '../support/world.js'

describe('a call with a time limit', () => {
  test('gives what comes in time, and keeps no timer', async () => {
    const time = virtualEnv()
    const late: unknown[] = []
    const call = limited(time, Promise.resolve(1), 100, 'acquire', true, (value) => late.push(value))
    expect(time.keepAliveTimers).toBe(1)
    expect(await call).toBe(1)
    expect(time.pendingTimers).toBe(0)
    const failed = rejection(limited(time, Promise.reject(new Error('no')), 100, 'acquire', false))
    expect(time.keepAliveTimers).toBe(0)
    expect((await failed).message).toBe('no')
    expect(time.pendingTimers).toBe(0)
    expect(late).toEqual([])
  })

  test('fails when it is over; what comes then is for others', async () => {
    const time = virtualEnv()
    const late: unknown[] = []
    const { promise, resolve } = withResolvers<number>()
    const failed = rejection(limited(time, promise, 99.6, 'renew', true, (value) => late.push(value)))
    await time.advance(100)
    const error = await failed
    expect(error).toMatchObject({ code: 'STORE_FAILED', operation: 'renew', outcome: 'unknown' })
    expect(error.message).toContain('no answer within 100 ms. Is the store reachable, and not overloaded?')
    resolve(7)
    await time.advance(0)
    expect(late).toEqual([7])
  })

  test('fails with an Error, whatever is thrown', async () => {
    const call = async (): Promise<void> => AbortSignal.abort('gone').throwIfAborted()
    expect((await rejection(limited(virtualEnv(), call(), 100, 'acquire', true))).message).toBe('gone')
  })
})

describe('a call that may throw', () => {
  test('rejects instead', async () => {
    const error = new Error('at once')
    const call = invoke(() => {
      throw error
    })
    expect(await rejection(call)).toBe(error)
    expect(await invoke(() => 1)).toBe(1)
    expect(await invoke(() => Promise.resolve(2))).toBe(2)
  })
})

describe('a store that has to be opened', () => {
  const opening = (ready?: AnyStore['ready']) => {
    const time = virtualEnv()
    return { time, opened: open({ env: time, store: { ready } as AnyStore }, 'list') }
  }

  test('is told for which call, and has five seconds', async () => {
    const told: string[] = []
    const { time, opened } = opening((operation) => (told.push(operation), new Promise<void>(() => undefined)))
    expect(time.keepAliveTimers).toBe(1)
    const failed = rejection(opened ?? Promise.resolve())
    await time.advance(4_999)
    expect(time.pendingTimers).toBe(1)
    await time.advance(1)
    expect(await failed).toMatchObject({ operation: 'list', outcome: 'unknown' })
    expect(told).toEqual(['list'])
  })

  test('costs nothing when it is open, or never has to be', () => {
    expect(opening(() => undefined).opened).toBeUndefined()
    expect(opening().opened).toBeUndefined()
    expect(opening().time.pendingTimers).toBe(0)
  })

  test('may throw', async () => {
    const { opened } = opening(() => {
      throw new Error('no driver')
    })
    expect((await rejection(opened ?? Promise.resolve())).message).toBe('no driver')
  })
})

describe('what a store throws', () => {
  test('becomes an error of ours, with the key of the user', () => {
    const cause = new TypeError('x is undefined')
    const error = asHoldfastError(cause, 'renew', 'k')
    expect(error).toMatchObject({ code: 'STORE_FAILED', operation: 'renew', key: 'k', outcome: 'unknown', cause })
    expect(error.message).toBe('The store failed to renew: x is undefined')
    expect(asHoldfastError('down', 'list', 'k').message).toBe('The store failed to list: down')
  })

  test('stays what it is, when it is one of ours', () => {
    const ours = new InvalidOptionError('no', 'another key')
    expect(asHoldfastError(ours, 'renew', 'k')).toBe(ours)
    expect(ours.key).toBe('k')
  })

  test('may have had its effect, unless it says no', () => {
    expect(outcomeOf(new StoreError('renew', 'lost'))).toBe('unknown')
    expect(outcomeOf(new StoreError('renew', 'refused', { outcome: 'not-applied' }))).toBe('not-applied')
    expect(outcomeOf(new InvalidOptionError('no'))).toBe('not-applied')
    expect(outcomeOf(new Error('who knows'))).toBe('unknown')
  })
})

function withResolvers<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined
  const promise = new Promise<T>((done) => (resolve = done))
  return { promise, resolve }
}
