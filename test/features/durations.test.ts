import { describe, expect, it } from 'vitest'
import { createHoldfast, type Duration, LockTimeoutError } from 'holdfast'
import { virtualEnv } from 'holdfast/testing'
import { freshKey, thrownBy } from './support/tools.js'

const options = ['wait', 'ttl', 'expire', 'minHold'] as const
const junk: readonly unknown[] = [
  '',
  '10',
  '-1s',
  '+1s',
  ' 1s',
  '1s ',
  '1 s',
  '1S',
  '1e3ms',
  '1_000ms',
  '0x10ms',
  '.5s',
  '1.s',
  '1,5s',
  '1.5.1s',
  '5 days',
  '1d',
  '1week',
  'ms',
  's',
  'Infinityms',
  'NaNs',
  '1s\n',
  '10s5ms',
  '１s',
  'forever',
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  -1,
  -0.001,
  null,
  {},
  [],
  ['1s'],
  10n,
  Symbol('1s'),
  () => '1s',
  new Date(1000),
  { valueOf: () => 1000 },
  Number.MAX_VALUE,
  '99999999999999999999h',
  `${'9'.repeat(400)}ms`,
]
const tenYearsMs = 10 * 365.25 * 24 * 3_600_000

function asDuration(value: unknown): Duration {
  return value as Duration
}

describe('a duration', () => {
  const { lock } = createHoldfast()

  for (const option of options) {
    it(`that is junk is refused as ${option}, where it is written`, () => {
      for (const value of junk) {
        const error = thrownBy(() => lock(freshKey(), { [option]: asDuration(value) }))
        expect(error, String(value)).toMatchObject({ name: 'InvalidOptionError', code: 'INVALID_OPTION' })
        expect(error.message).toMatch(new RegExp(`^${option} is `))
      }
    })
  }

  it.each([
    ['250ms', 250],
    ['10s', 10_000],
    ['1.5s', 1_500],
    ['12.125s', 12_125],
    ['0.5m', 30_000],
    ['5m', 300_000],
    ['1h', 3_600_000],
    ['0100ms', 100],
    [100, 100],
    [1234.5, 1234.5],
  ] as const)('of %s is %d ms', async (ttl, ms) => {
    const { lock } = createHoldfast({ env: virtualEnv() })
    const lease = await lock(freshKey(), { ttl }).acquire()
    expect(lease.remainingMs).toBe(ms)
  })

  it('in an error is shown as it was written', () => {
    expect(thrownBy(() => lock('k', { wait: asDuration('5 days') })).message).toBe(
      `wait is '5 days': give milliseconds as a number, or text such as '250ms', '10s', '5m', '1h'.`,
    )
    expect(thrownBy(() => lock('k', { wait: Number.NaN })).message).toContain('wait is NaN')
    expect(thrownBy(() => lock('k', { wait: asDuration(null) })).message).toContain('wait is null')
    expect(thrownBy(() => lock('k', { wait: asDuration({}) })).message).toContain('wait is an object')
    expect(thrownBy(() => lock('k', { wait: asDuration('x'.repeat(5000)) })).message.length).toBeLessThan(200)
  })

  it('may be ten years, and not more', () => {
    for (const option of options) {
      expect(() => lock('k', { [option]: tenYearsMs })).not.toThrow()
      expect(thrownBy(() => lock('k', { [option]: tenYearsMs + 1 })).message).toContain('the most is ten years')
    }
    expect(thrownBy(() => lock('k', { ttl: '87661h' })).code).toBe('INVALID_OPTION')
  })
})

describe('ttl', () => {
  const { lock } = createHoldfast()

  it.each([0, 1, 99, 99.999, '0s', '99ms'] as const)('of %s is too short: at least 100 ms', (ttl) => {
    expect(thrownBy(() => lock('k', { ttl }))).toMatchObject({ code: 'INVALID_OPTION' })
    expect(thrownBy(() => lock('k', { ttl })).message).toContain('the least is 100 ms')
    expect(thrownBy(() => createHoldfast({ ttl })).code).toBe('INVALID_OPTION')
  })

  it('of an instance counts for its locks, and that of a lock goes first', async () => {
    const { lock } = createHoldfast({ ttl: '7s', env: virtualEnv() })
    expect((await lock(freshKey()).acquire()).remainingMs).toBe(7_000)
    expect((await lock(freshKey(), { ttl: '3s' }).acquire()).remainingMs).toBe(3_000)
  })
})

describe('expire', () => {
  const { lock } = createHoldfast()

  it.each([0, '0s', '0ms', 0.5] as const)('of %s would end a hold before it begins: refused', (expire) => {
    expect(thrownBy(() => lock('k', { expire }))).toMatchObject({ code: 'INVALID_OPTION' })
    expect(thrownBy(() => lock('k', { expire })).message).toContain('expire is ')
  })

  it('may not be shorter than minHold', () => {
    const error = thrownBy(() => lock('k', { expire: '1s', minHold: '1.001s' }))
    expect(error.code).toBe('INVALID_OPTION')
    expect(error.message).toMatch(/minHold.*expire/)
    expect(() => lock('k', { expire: '1s', minHold: '1s' })).not.toThrow()
  })
})

describe('wait', () => {
  it.each([undefined, false, 0, '0s', '0ms'] as const)('of %s does not wait', async (wait) => {
    const env = virtualEnv()
    const { lock } = createHoldfast({ env })
    const key = freshKey()
    await lock(key).acquire()
    const again = lock(key, wait === undefined ? {} : { wait })
    expect(await again.tryAcquire()).toBeUndefined()
    await expect(again.acquire()).rejects.toMatchObject({ code: 'LOCKED' })
    expect(env.pendingTimers).toBe(0)
  })

  it('of a duration waits so long, and tells how long it was', async () => {
    const env = virtualEnv()
    const { lock } = createHoldfast({ env })
    const key = freshKey()
    await lock(key).acquire()
    const waiting = lock(key, { wait: '1.5s' })
      .acquire()
      .catch((error: unknown) => error)
    await env.advance(1_499)
    expect(await Promise.race([waiting, Promise.resolve('waits')])).toBe('waits')
    await env.advance(1)
    expect(await waiting).toBeInstanceOf(LockTimeoutError)
    expect(await waiting).toMatchObject({ code: 'LOCK_TIMEOUT', waitedMs: 1_500, key })
  })

  it('of true waits for ever', async () => {
    const env = virtualEnv()
    const { lock } = createHoldfast({ env })
    const key = freshKey()
    const lease = await lock(key).acquire()
    const waiting = lock(key, { wait: true }).acquire()
    await env.advance(tenYearsMs * 2)
    expect(await Promise.race([waiting, Promise.resolve('waits')])).toBe('waits')
    await lease.release()
    expect((await waiting).active).toBe(true)
  })
})
