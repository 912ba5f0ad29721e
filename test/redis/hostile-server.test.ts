import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createHoldfast, type Holdfast } from '../../src/features/holdfast.js'
import { HoldfastError } from '../../src/core/errors.js'
import { redis } from '../../src/stores/redis/index.js'
import { startProxy } from '../support/servers/proxy.js'
import { clientKinds } from './clients.js'
import { eventually, freshKey, ownRedis } from './support.js'

const CALLS = 150

/** RESP 3: what was not asked for. */
class Pushed {
  readonly items: readonly unknown[]
  constructor(items: readonly unknown[]) {
    this.items = items
  }
}

/** The RESP of a value. Text that begins with `-` is an error reply; bytes go out as they are. */
function resp(value: unknown): Buffer {
  if (value instanceof Uint8Array) return Buffer.from(value)
  if (value === null || value === undefined) return Buffer.from('$-1\r\n')
  if (value instanceof Pushed) return Buffer.concat([Buffer.from('>'), resp(value.items).subarray(1)])
  if (Array.isArray(value)) return Buffer.concat([Buffer.from(`*${value.length}\r\n`), ...value.map(resp)])
  if (typeof value === 'number' && Number.isInteger(value)) return Buffer.from(`:${value}\r\n`)
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  if (text.startsWith('-')) return Buffer.from(`${text.replace(/[\r\n]/g, ' ')}\r\n`)
  return Buffer.from(`$${Buffer.byteLength(text)}\r\n${text}\r\n`)
}

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

/** The whole commands at the start of `bytes`, as their words, and what is left. */
function commandsIn(bytes: Buffer): { commands: string[][]; rest: Buffer } {
  const commands: string[][] = []
  let at = 0
  const line = (from: number): [text: string, next: number] | undefined => {
    const end = bytes.indexOf('\r\n', from)
    return end < 0 ? undefined : [bytes.toString('latin1', from + 1, end), end + 2]
  }
  for (;;) {
    const head = line(at)
    if (head === undefined) return { commands, rest: bytes.subarray(at) }
    let next = head[1]
    const words: string[] = []
    for (let word = 0; word < Number(head[0]); word++) {
      const size = line(next)
      const end = size === undefined ? Number.POSITIVE_INFINITY : size[1] + Number(size[0])
      if (size === undefined || end + 2 > bytes.length) return { commands, rest: bytes.subarray(at) }
      words.push(bytes.toString('latin1', size[1], end))
      next = end + 2
    }
    commands.push(words)
    at = next
  }
}

/** What a client needs to take it for a server that is ready. */
function civil([name = '', ...args]: readonly string[], isThird: boolean): unknown {
  switch (name.toUpperCase()) {
    case 'INFO':
      return 'redis_version:7.0.15\r\nredis_mode:standalone\r\nloading:0\r\n'
    case 'HELLO':
      return Buffer.from('%2\r\n$6\r\nserver\r\n$5\r\nredis\r\n$5\r\nproto\r\n:3\r\n')
    case 'PING':
      return 'PONG'
    case 'CLIENT':
    case 'SELECT':
      return 'OK'
    case 'SUBSCRIBE':
    case 'SSUBSCRIBE':
      return isThird ? new Pushed([name.toLowerCase(), args[0], 1]) : [name.toLowerCase(), args[0], 1]
    default:
      return undefined
  }
}

/** A server that is ready, and answers whatever is asked of keys and scripts with anything, drawn from `seed`. */
async function hostileServer(seed: number): Promise<{ url: string; answers: () => number }> {
  const replies = fc.sample(reply, { seed, numRuns: 4 * CALLS })
  const sockets = new Set<Socket>()
  let answered = 0
  const server = createServer((socket) => {
    sockets.add(socket)
    let pending: Buffer = Buffer.alloc(0)
    let isThird = false
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      const { commands, rest } = commandsIn(Buffer.concat([pending, chunk]))
      pending = rest
      for (const command of commands) {
        isThird ||= command[0]?.toUpperCase() === 'HELLO'
        socket.write(resp(civil(command, isThird) ?? replies[answered++ % replies.length]))
      }
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`, answers: () => answered }
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
