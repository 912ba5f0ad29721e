import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createHoldfast, type Holdfast } from '../../src/features/holdfast.js'
import { HoldfastError } from '../../src/core/errors.js'
import { redis } from '../../src/stores/redis/index.js'
import { answeringServer } from '../support/servers/answering.js'
import { startProxy } from '../support/servers/proxy.js'
import { clientKinds } from './clients.js'
import { eventually, freshKey, ownRedis } from './support.js'

const CALLS = 150

const holder = fc.oneof(
  fc.string(),
  fc.json(),
  fc.constantFrom(
    '{"host":"h","pid":1,"since":1}',
    '{"host":"h","pid":1e400,"since":1e400}',
    'null',
    '{"__proto__":{}}',
  ),
)
const record = fc
  .tuple(fc.string(), fc.constantFrom('1', '-1', '1e3', '9007199254740993', '', '12'), fc.string(), holder)
  .map((lines) => lines.join('\n'))
const atom = fc.oneof(
  fc.integer(),
  fc.constantFrom(null, '', '0', '1', '-3', '1e400', '#limit', '9'.repeat(400), 'x'.repeat(100_000)),
  fc.constantFrom(
    '-ERR no',
    '-NOSCRIPT No matching script',
    '-READONLY You',
    '-LOADING',
    '-OOM',
    '-BUSY',
    '-WRONGTYPE a',
  ),
  fc.string(),
  record,
)
const garbage = fc.oneof(
  fc.uint8Array({ maxLength: 60 }),
  fc
    .constantFrom('*-7\r\n', ':\r\n', '$5\r\nab', '*1000000000\r\n', '\r\n\r\n', 'HTTP/1.1 400 Bad Request\r\n\r\n')
    .map((text) => Uint8Array.from(Buffer.from(text))),
)
const reply: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 6, arbitrary: atom },
  { weight: 3, arbitrary: fc.array(atom, { maxLength: 5 }) },
  { weight: 2, arbitrary: fc.array(fc.oneof(atom, fc.array(atom, { maxLength: 4 })), { maxLength: 4 }) },
  { weight: 1, arbitrary: garbage },
)

/** A server that is ready, and answers whatever is asked of keys and scripts with anything, drawn from `seed`. */
async function hostileServer(seed: number): Promise<{ url: string; answers: () => number }> {
  const replies = fc.sample(reply, { seed, numRuns: 4 * CALLS })
  let answered = 0
  const { url } = await answeringServer(() => replies[answered++ % replies.length])
  return { url, answers: () => answered }
}

/** Everything that can be asked of a key: each call gives something sound, or a HoldfastError. */
async function askEverything({ lock, pool, rwLock, cached }: Holdfast, key: string): Promise<number> {
  const options = { ttl: '3s', wait: '30ms' } as const
  const value = cached(`value-${key}`, { ttl: '1s' })(async () => 'computed')
  const calls: (() => Promise<unknown>)[] = [
    () => lock(key, options).tryAcquire(),
    () => lock(key, { ttl: '3s' }).run((lease) => lease.token),
    () => pool(key, { ...options, max: 3 }).run(() => 'done'),
    () => rwLock(key, options).read.run(() => 'read'),
    () => lock(key).inspect(),
    () => lock(key).isLocked(),
    () => lock(key).forceRelease(),
    () => value(),
  ]
  let failed = 0
  for (const call of calls) {
    const result = await call().catch((error: unknown) => {
      expect(error).toBeInstanceOf(HoldfastError)
      expect((error as Error).message.length).toBeLessThan(4_000)
      failed++
      return undefined
    })
    if (typeof result === 'number') expect(Number.isSafeInteger(result) && result >= 1).toBe(true)
    if (typeof result === 'object' && result !== null && 'release' in result) {
      const lease = result as { token: number; release(): Promise<boolean> }
      expect(Number.isSafeInteger(lease.token) && lease.token >= 1).toBe(true)
      await lease.release().catch((error: unknown) => expect(error).toBeInstanceOf(HoldfastError))
    }
  }
  return failed
}

describe.each(clientKinds)('a server that answers anything, by $name', ({ open }) => {
  test('is refused or believed, and a sound one works afterwards', { timeout: 60_000 }, async () => {
    const seed = 4_711
    const sound = await ownRedis()
    const hostile = await hostileServer(seed)
    const proxy = await startProxy(hostile.url)
    onTestFinished(() => proxy.close())
    const { client, end } = await open(proxy.url)
    onTestFinished(end)
    const holdfast = createHoldfast({ store: redis(client), storeTimeout: 150 })
    let failed = 0
    for (let round = 0; hostile.answers() < CALLS; round++) failed += await askEverything(holdfast, `k${round}`)
    expect(failed, 'some of what it says has to be nonsense').toBeGreaterThan(0)

    proxy.leadTo(sound.url)
    proxy.cut()
    const key = freshKey()
    const token = await eventually(() => holdfast.lock(key).run((lease) => lease.token), 20_000)
    expect(token).toBeGreaterThan(1e15)
    await holdfast.close()
  })
})
