import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { HoldfastError } from 'holdfast'

/** A key that no other test uses. */
export function freshKey(name = 'key'): string {
  return `${name}-${randomUUID()}`
}

/** Waits until `check` holds; fails when it does not within the limit. */
export async function until(what: string, check: () => boolean | Promise<boolean>, limitMs = 5_000): Promise<void> {
  const deadline = performance.now() + limitMs
  while (!(await check())) {
    if (performance.now() > deadline) throw new Error(`not within ${limitMs} ms: ${what}`)
    await sleep(5)
  }
}

/** A promise and its ends, to hold a body at a place. */
export interface Latch<T = undefined> {
  readonly promise: Promise<T>
  open(...value: T extends undefined ? [] : [T]): void
  fail(error: unknown): void
}

export function latch<T = undefined>(): Latch<T> {
  let open: Latch<T>['open'] = () => {}
  let fail: (error: unknown) => void = () => {}
  const promise = new Promise<T>((resolve, reject) => {
    open = (...[value]) => resolve(value as T)
    fail = reject
  })
  return { promise, open, fail }
}

/** What a call throws, or a promise rejects with. Fails when it is no error of ours. */
export async function failureOf(call: () => unknown): Promise<HoldfastError> {
  const error = await outcomeOf(call)
  expect(error).toBeInstanceOf(HoldfastError)
  return error as HoldfastError
}

/** What a call throws at once: a rejected promise does not count. */
export function thrownBy(call: () => unknown): HoldfastError {
  let result: unknown
  try {
    result = call()
  } catch (error) {
    expect(error).toBeInstanceOf(HoldfastError)
    return error as HoldfastError
  }
  if (result instanceof Promise) result.catch(() => undefined)
  throw new Error('it did not throw')
}

async function outcomeOf(call: () => unknown): Promise<unknown> {
  try {
    await call()
  } catch (error) {
    return error
  }
  throw new Error('it did not fail')
}
