import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { describe, expect, inject, onTestFinished, test } from 'vitest'
import { realEnv } from '../../src/core/env.js'
import { type Driver, driverOf, type RedisClient, type Subscriber } from '../../src/stores/redis/client.js'
import { ioredisDriver } from '../../src/stores/redis/ioredis.js'
import { nodeRedisDriver } from '../../src/stores/redis/node-redis.js'
import { thrown } from '../support/thrown.js'
import { until } from '../support/until.js'
import { freshKey } from './support.js'

// A client is told by what it can do: any that looks like one of the libraries fits, in all that is asked of it here.

const url = inject('redisUrl')
const notAsked = (): Promise<never> => Promise.reject(new Error('a test has not said what this does'))

/** What is asked of any client of ioredis. */
const ioredisLike = {
  status: 'ready',
  options: {} as object,
  evalsha: notAsked as (...words: unknown[]) => Promise<unknown>,
  eval: notAsked as (...words: unknown[]) => Promise<unknown>,
  duplicate: (): unknown => undefined,
}

/** What is asked of any client of node-redis. */
const nodeRedisLike = { isOpen: true, evalSha: notAsked, eval: notAsked, duplicate: (): unknown => undefined }

const wordsOf = (driver: Driver): unknown => [driver.keyPrefix, driver.secrets, driver.shards]

describe('a client like those of ioredis', () => {
  test('has a prefix and secrets in its options, or in those for the nodes of a Cluster', () => {
    const driver = (options: object): Driver =>
      ioredisDriver({ ...ioredisLike, options } as RedisClient & Redis, realEnv)
    expect(wordsOf(driver({}))).toEqual(['', [], undefined])
    expect(wordsOf(driver({ keyPrefix: null, password: '', sentinelPassword: null }))).toEqual(['', [], undefined])
    expect(wordsOf(driver({ keyPrefix: 'app:', password: 'one', sentinelPassword: 'two' }))).toEqual([
      'app:',
      ['one', 'two'],
      undefined,
    ])
    const options = {
      keyPrefix: Buffer.from('app:'),
      password: 7,
      redisOptions: { password: 'three', sentinelPassword: '4' },
    }
    expect(wordsOf(driver(options))).toEqual(['app:', ['three', '4'], undefined])
  })

  test('is refused when it is closed, at no other time', () => {
    const refusal = (status: string): unknown => driverOf({ ...ioredisLike, status }, realEnv).refusal()
    expect(['wait', 'connecting', 'reconnecting', 'ready', 'close'].map(refusal)).toEqual(Array(5).fill(undefined))
    expect(refusal('end')).toBe('the client is closed')
  })

  test('sends the second command of a tick and those after it by sixteens, the first at once', async () => {
    const events: string[] = []
    const note = (event: string) => (): Promise<unknown> => {
      events.push(event)
      return Promise.resolve(event)
    }
    const stream = { cork: note('cork'), uncork: note('uncork') }
    const client = { ...ioredisLike, evalsha: note('call'), get: note('call'), stream }
    const driver = driverOf(client, realEnv)
    const calls = (count: number): string[] => Array<string>(count).fill('call')
    const tick = (count: number): Promise<unknown> =>
      Promise.all(
        Array.from({ length: count }, (_, at) => (at % 2 === 0 ? driver.evalsha('', [], []) : driver.get('a'))),
      )
    await tick(1)
    await new Promise(setImmediate)
    expect(events.splice(0)).toEqual(['call'])
    await tick(40)
    await new Promise(setImmediate)
    const together = (count: number): string[] => ['cork', ...calls(count), 'uncork']
    expect(events.splice(0)).toEqual(['call', ...together(15), ...together(16), ...together(8)])
    await tick(2)
    await new Promise(setImmediate)
    expect(events).toEqual(['call', ...together(1)])
  })

  test('may have no stream, or one that cannot wait', async () => {
    for (const stream of [undefined, {}]) {
      const client = { ...ioredisLike, evalsha: () => Promise.resolve('done'), stream }
      const driver = driverOf(client, realEnv)
      expect(await Promise.all([1, 2, 3].map(() => driver.evalsha('', [], [])))).toEqual(['done', 'done', 'done'])
      await new Promise(setImmediate)
    }
  })

  test('is given the keys, their number and the arguments', async () => {
    const words: unknown[][] = []
    const answer = (...given: unknown[]): Promise<unknown> => Promise.resolve(words.push(given))
    const driver = driverOf({ ...ioredisLike, evalsha: answer, eval: answer }, realEnv)
    await driver.evalsha('sha', ['a', 'b'], ['c'])
    await driver.eval('text', ['a'], ['b', 'c'])
    expect(words).toEqual([
      ['sha', 2, 'a', 'b', 'c'],
      ['text', 1, 'a', 'b', 'c'],
    ])
  })
})

describe('a client like those of node-redis', () => {
  test('has a prefix and secrets in its options, or in those of a cluster', () => {
    const driver = (options: object): Driver => nodeRedisDriver({ ...nodeRedisLike, ...options })
    expect(wordsOf(driver({}))).toEqual(['', [], undefined])
    expect(wordsOf(driver({ options: { keyPrefix: '', password: '' } }))).toEqual(['', [], undefined])
    expect(wordsOf(driver({ options: { keyPrefix: 'app:', password: 'one' } }))).toEqual(['app:', ['one'], undefined])
    const _options = { password: 'two', defaults: { keyPrefix: Buffer.from('app:'), password: 'three' } }
    expect(wordsOf(driver({ options: { password: 7 }, _options }))).toEqual(['app:', ['two', 'three'], undefined])
    expect(wordsOf(driver({ _options: { keyPrefix: 'app:' } }))).toEqual(['app:', [], undefined])
  })

  test('is refused when it is not connected', () => {
    const refusal = (isOpen: boolean): unknown => driverOf({ ...nodeRedisLike, isOpen }, realEnv).refusal()
    expect(refusal(true)).toBeUndefined()
    expect(refusal(false)).toBe('the client is not connected; await client.connect() first')
  })
})

test.each([undefined, null, 6379, 'text', {}, { eval: notAsked }, () => undefined])('%o is no client', (target) => {
  // @ts-expect-error not a client, as from JavaScript
  const error = thrown(() => driverOf(target, realEnv))
  expect(error).toMatchObject({ code: 'INVALID_OPTION' })
  expect(error.message).toBe(
    'redis() takes a URL such as redis://localhost:6379, or a client of ioredis or node-redis; this is neither.',
  )
})

const hello = (driver: Driver, key: string): Promise<unknown> =>
  driver.eval("return redis.call('PUBLISH', KEYS[1], 'hello')", [key], [])

interface Nodes {
  readonly name: string
  /** A Cluster of these nodes, each with connections of its own to the one server; what was asked of whom. */
  open(names: readonly string[]): { client: RedisClient; asked: string[] }
}

const kinds: readonly Nodes[] = [
  {
    name: 'ioredis',
    open: (names) => {
      const asked: string[] = []
      const nodes = names.map((name) => ({
        options: { host: name.split(':')[0], port: Number(name.split(':')[1]) },
        scan: async (cursor: string, ...words: unknown[]) => {
          asked.push(`${name} ${words.join(' ')}`)
          return [`${cursor}7`, ['key']]
        },
        duplicate: (settings: object) => {
          asked.push(name)
          return new Redis(url, settings)
        },
      }))
      return { client: { ...ioredisLike, nodes: () => [...nodes], slots: [['a:1', 'b:2']] } as RedisClient, asked }
    },
  },
  {
    name: 'node-redis',
    open: (names) => {
      const asked: string[] = []
      const nodeClient = async ({ address }: { address: string }): Promise<unknown> => {
        if (address === 'gone:1') return undefined
        return {
          scan: async (cursor: string, { MATCH, COUNT }: { MATCH: string; COUNT: number }) => {
            asked.push(`${address} MATCH ${MATCH} COUNT ${COUNT}`)
            return { cursor: Number(`${cursor}7`), keys: [Buffer.from('key')] }
          },
          options: { socket: { port: Number(new URL(url).port) } },
          duplicate: (settings: { socket: object }) => {
            asked.push(address)
            return createClient({ url, ...settings })
          },
        }
      }
      const masters = names.map((address) => ({ address }))
      return {
        client: { ...nodeRedisLike, masters, slots: [{ master: { address: 'a:1' } }], nodeClient } as RedisClient,
        asked,
      }
    },
  },
]

describe.each(kinds)('a Cluster of $name', ({ name, open }) => {
  test('is scanned node by node, in the same order always', async () => {
    const { client, asked } = open(['b:2', 'c:3', 'a:2', 'a:1'])
    const driver = driverOf(client, realEnv)
    const scanners = await driver.scanners()
    for (const scan of scanners) expect(await scan('1', 'pattern*', 5)).toEqual({ cursor: '17', keys: ['key'] })
    expect(asked).toEqual(['a:1', 'a:2', 'b:2', 'c:3'].map((node) => `${node} MATCH pattern* COUNT 5`))
  })

  test('has a subscription at one node, and at the next when it is asked for again', async () => {
    const { client, asked } = open(['b:2', 'a:1'])
    const driver = driverOf(client, realEnv)
    const made: Subscriber[] = []
    for (let turn = 0; turn < 3; turn++) made.push(await driver.subscriber(() => undefined))
    expect(asked).toEqual(['a:1', 'b:2', 'a:1'])
    for (const subscriber of made) subscriber.close()
    const [subscriber] = made
    expect(subscriber).toBeDefined()
  })

  test('has none while no node is known', async () => {
    const { client } = open([])
    await expect(driverOf(client, realEnv).subscriber(() => undefined)).rejects.toThrow(
      'no node of the cluster is known yet',
    )
  })

  test('knows who has a slot, and has sharded messages of that one', async () => {
    const { client, asked } = open(['b:2', 'a:1'])
    const { shards } = driverOf(client, realEnv)
    expect([shards?.ownerOf(0), shards?.ownerOf(1)]).toEqual(['a:1', undefined])
    const subscriber = await shards?.subscriber('b:2', () => undefined)
    expect(asked).toEqual(['b:2'])
    subscriber?.close()
    for (const owner of ['c:3', 'gone:1']) {
      await expect(shards?.subscriber(owner, () => undefined)).rejects.toThrow(
        'that node of the cluster is not known any more',
      )
    }
    expect(name === 'ioredis' || (await driverOf(open(['gone:1']).client, realEnv).scanners()).length === 0).toBe(true)
  })
})

describe.each([
  { name: 'ioredis', open: async () => new Redis(url) },
  { name: 'node-redis', open: async () => createClient({ url }).connect() },
])('a subscription by a client of $name', ({ open }) => {
  test('hears until it is closed, and keeps no process alive', async () => {
    const client = await open()
    onTestFinished(() => ('destroy' in client ? client.destroy() : client.disconnect()))
    const driver = driverOf(client, realEnv)
    const channel = freshKey()
    await hello(driver, channel)
    const alive = (): string[] => process.getActiveResourcesInfo().filter((kind) => /TCP|Timeout/.test(kind))
    const before = alive()
    const [heard, lost]: [string[], string[]] = [[], []]
    const subscriber = await driver.subscriber(() => lost.push('lost'))
    await subscriber.open(channel, (text) => heard.push(text))
    expect(alive()).toEqual(before)
    expect(await hello(driver, channel)).toBe(1)
    await until(() => heard.length === 1)
    expect(heard).toEqual(['hello'])
    subscriber.close()
    subscriber.close()
    await until(async () => (await hello(driver, channel)) === 0)
    expect([alive(), lost]).toEqual([before, []])
  })
})
