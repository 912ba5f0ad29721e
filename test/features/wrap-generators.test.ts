import { describe, expect, it } from 'vitest'
import { createHoldfast, LockedError } from 'holdfast'
import { freshKey } from './support/tools.js'

const { lock } = createHoldfast()

function counter(key: string): (limit: number) => Generator<number, string, string | undefined> {
  return lock(key)(function* (limit: number): Generator<number, string, string | undefined> {
    let said = ''
    for (let count = 0; count < limit; count++) said += (yield count) ?? ''
    return said
  })
}

function asyncCounter(key: string): (limit: number) => AsyncGenerator<number, string, string | undefined> {
  return lock(key)(async function* (limit: number): AsyncGenerator<number, string, string | undefined> {
    let said = ''
    for (let count = 0; count < limit; count++) said += (yield count) ?? ''
    return said
  })
}

const kinds: readonly (readonly [
  kind: string,
  make: (key: string) => (limit: number) => Generator<number, string, string> | AsyncGenerator<number, string, string>,
])[] = [
  ['generator', counter],
  ['async generator', asyncCounter],
]

describe.each(kinds)('a wrapped %s', (_, make) => {
  it('holds the lock from its first step to its end', async () => {
    const key = freshKey()
    const steps = make(key)(2)
    expect(lock(key).isLockedSync()).toBe(false)
    expect(await steps.next()).toEqual({ done: false, value: 0 })
    expect(lock(key).isLockedSync()).toBe(true)
    expect(await steps.next('a')).toEqual({ done: false, value: 1 })
    expect(lock(key).isLockedSync()).toBe(true)
    expect(await steps.next('b')).toEqual({ done: true, value: 'ab' })
    expect(lock(key).isLockedSync()).toBe(false)
  })

  it('takes nothing if it never begins', async () => {
    const key = freshKey()
    await make(key)(2).return('never')
    expect(lock(key).isLockedSync()).toBe(false)
  })

  it('frees the lock when its consumer leaves early', async () => {
    const key = freshKey()
    const steps = make(key)(5) as AsyncGenerator<number> // both are iterated alike
    for await (const count of steps) if (count === 1) break
    expect(lock(key).isLockedSync()).toBe(false)
  })

  it('frees the lock when an error is thrown into it', async () => {
    const key = freshKey()
    const steps = make(key)(5)
    await steps.next()
    const error = new RangeError('from outside')
    await expect((async () => steps.throw(error))()).rejects.toBe(error)
    expect(lock(key).isLockedSync()).toBe(false)
  })

  it('is refused at its first step while another runs', async () => {
    const key = freshKey()
    const first = make(key)(2)
    await first.next()
    const second = make(key)(2)
    await expect((async () => second.next())()).rejects.toBeInstanceOf(LockedError)
    expect(await first.next()).toEqual({ done: false, value: 1 })
    expect(lock(key).isLockedSync()).toBe(true)
    await first.return('left')
    expect(lock(key).isLockedSync()).toBe(false)
  })

  it('lets the body end in its own way when the consumer leaves', async () => {
    const key = freshKey()
    const events: unknown[] = []
    const wrapped = lock(key)(function* () {
      try {
        yield 1
      } finally {
        events.push(lock(key).isLockedSync())
      }
    })
    for (const step of wrapped()) {
      events.push(step)
      break
    }
    expect(events).toEqual([1, true])
    expect(lock(key).isLockedSync()).toBe(false)
  })
})
