import { InvalidKeyError, InvalidOptionError } from 'holdfast'
import { fenceGate, StaleTokenError } from 'holdfast/fence'
import { virtualTime } from 'holdfast/testing'
import { describe, expect, test } from 'vitest'

function refusalOf(act: () => void): unknown {
  try {
    act()
    return undefined
  } catch (error) {
    return error
  }
}

describe('a gate', () => {
  test('admits the first token, the same again, and newer ones, but no older one', () => {
    const gate = fenceGate()
    for (const token of [5, 5, 7]) gate.admit('a', token)
    const refusal = refusalOf(() => gate.admit('a', 6))
    expect(refusal).toBeInstanceOf(StaleTokenError)
    expect(refusal).toMatchObject({ name: 'StaleTokenError', code: 'STALE_TOKEN', key: 'a', token: 6, latest: 7 })
    expect(String(refusal)).toMatch(/^StaleTokenError: a: the token 6 is stale: 7 was seen.*\. Acquire it again/i)
    expect(gate.latest('a')).toBe(7)
  })

  test('keeps keys apart', () => {
    const gate = fenceGate()
    gate.admit('a', 7)
    gate.admit('__proto__', 1)
    expect(gate.latest('__proto__')).toBe(1)
    expect(gate.latest('b')).toBeUndefined()
  })

  test('takes a lease', async () => {
    await using time = virtualTime({ ttl: '30s' })
    const gate = fenceGate()
    const old = await time.lock('report').acquire()
    gate.admit(old)
    time.store.always('renew', { fail: 'unknown' })
    await time.advance(31_000)
    const young = await time.another().lock('report').acquire()
    gate.admit(young)
    expect(refusalOf(() => gate.admit(old))).toMatchObject({ key: 'report', token: old.token, latest: young.token })
  })

  test.each([0, -1, 1.5, Number.NaN, 2 ** 53, '7', undefined])('refuses %s, which is no token', (token) => {
    const gate = fenceGate()
    expect(() => gate.admit('a', token as number)).toThrow(InvalidOptionError)
    expect(gate.latest('a')).toBeUndefined()
  })

  test('refuses keys and options that make no sense', () => {
    expect(() => fenceGate().admit('', 7)).toThrow(InvalidKeyError)
    for (const max of [0, -1, 1.5, Number.NaN]) expect(() => fenceGate({ max })).toThrow(InvalidOptionError)
    // @ts-expect-error it is called max
    expect(() => fenceGate({ maxKeys: 7 })).toThrow("no option 'maxKeys'")
  })
})

describe('a gate that is full', () => {
  test('forgets the oldest tokens, and refuses what may be older than they', () => {
    const gate = fenceGate({ max: 4 })
    for (const [index, key] of ['a', 'b', 'c', 'd', 'e'].entries()) gate.admit(key, 10 + index)
    const remembered = ['a', 'b', 'c', 'd', 'e'].filter((key) => gate.latest(key) !== undefined)
    expect(remembered).toEqual(['c', 'd', 'e'])
    const refusal = refusalOf(() => gate.admit('a', 9))
    expect(refusal).toMatchObject({ code: 'STALE_TOKEN', key: 'a', token: 9, latest: undefined })
    expect(String(refusal)).toContain('forgotten tokens up to 11')
    gate.admit('a', 15) // acquired again
    gate.admit('f', 12)
  })

  test('never lets a stale token through, whatever comes', () => {
    const gate = fenceGate({ max: 8 })
    const newest = new Map<string, number>()
    for (let turn = 1; turn <= 20_000; turn++) {
      const key = `key-${(turn * 7919) % 31}`
      const token = ((turn * 104_729) % turn) + 1
      const isStale = token < (newest.get(key) ?? 0)
      const refused = refusalOf(() => gate.admit(key, token)) !== undefined
      if (isStale) expect(refused).toBe(true)
      if (!refused) newest.set(key, token)
    }
    expect([...newest.keys()].filter((key) => gate.latest(key) !== undefined).length).toBeLessThanOrEqual(8)
  })
})

describe('work that a gate runs', () => {
  /** A promise to be resolved from outside. */
  function doorstop(): { readonly wait: Promise<void>; open: () => void } {
    let open = (): void => undefined
    const wait = new Promise<void>((resolve) => (open = resolve))
    return { wait, open }
  }

  test('of a newer token waits until that of the older one is over, which is told to stop', async () => {
    const gate = fenceGate()
    const { wait, open } = doorstop()
    const order: string[] = []
    const old = gate.run({ key: 'a', token: 1 }, async (signal) => {
      signal.addEventListener('abort', () => order.push(`told: ${(signal.reason as StaleTokenError).code}`))
      await wait
      order.push('old')
    })
    const young = gate.run({ key: 'a', token: 2 }, () => order.push('young'))
    await expect(gate.run({ key: 'a', token: 1 }, () => order.push('late'))).rejects.toThrow(StaleTokenError)
    expect(order).toEqual(['told: STALE_TOKEN'])
    open()
    await Promise.all([old, young])
    expect(order).toEqual(['told: STALE_TOKEN', 'old', 'young'])
  })

  test('that came in between is refused when a still newer one was admitted meanwhile', async () => {
    const gate = fenceGate()
    const { wait, open } = doorstop()
    const first = gate.run({ key: 'a', token: 1 }, () => wait)
    const second = gate.run({ key: 'a', token: 2 }, () => 'second')
    const third = gate.run({ key: 'a', token: 3 }, () => 'third')
    open()
    await first
    await expect(second).rejects.toMatchObject({ token: 2, latest: 3 })
    expect(await third).toBe('third')
  })

  test('of one token, and of other keys, goes on at the same time', async () => {
    const gate = fenceGate()
    const { wait, open } = doorstop()
    const slow = gate.run({ key: 'a', token: 2 }, () => wait)
    expect(await gate.run({ key: 'a', token: 2 }, () => 'same')).toBe('same')
    expect(await gate.run({ key: 'b', token: 1 }, () => 'other')).toBe('other')
    open()
    await slow
  })

  test('that throws makes room for the next', async () => {
    const gate = fenceGate()
    const failing = gate.run({ key: 'a', token: 1 }, async () => {
      throw new Error('no paper')
    })
    const next = gate.run({ key: 'a', token: 2 }, () => 'done')
    await expect(failing).rejects.toThrow('no paper')
    expect(await next).toBe('done')
  })
})
