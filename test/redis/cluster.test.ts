import { Cluster } from 'ioredis'
import { Cluster as Cluster6 } from 'ioredis6'
import { createCluster } from 'redis'
import { createCluster as createCluster5 } from 'redis5'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Notice } from '../../src/core/store.js'
import { type RedisClient, redis } from '../../src/stores/redis/index.js'
import { slotOf } from '../../src/stores/redis/keys.js'
import { freePort } from '../support/servers/free-port.js'
import { type RedisServer, startRedis } from '../support/servers/redis.js'
import { eventually, freshKey, request, take } from './support.js'

let nodes: RedisServer[]
beforeAll(async () => {
  const start = async () =>
    startRedis({ args: ['--cluster-enabled', 'yes', '--cluster-port', String(await freePort())] })
  nodes = await Promise.all([start(), start(), start()])
  const [first] = nodes
  const ranges = ['0 5460', '5461 10922', '10923 16383']
  for (const [index, node] of nodes.entries()) {
    await node.command('CLUSTER', 'ADDSLOTSRANGE', ...(ranges[index] ?? '').split(' '))
    const myself = String(await node.command('CLUSTER', 'NODES'))
    const busPort = /:\d+@(\d+)/.exec(myself)?.[1] ?? ''
    await first?.command('CLUSTER', 'MEET', node.host, String(node.port), busPort)
  }
  for (const node of nodes) {
    const knows = async (): Promise<boolean> => {
      const info = String(await node.command('CLUSTER', 'INFO'))
      return info.includes('cluster_state:ok') && info.includes('cluster_known_nodes:3')
    }
    await eventually(knows, 20_000)
  }
})
afterAll(() => Promise.all(nodes.map((node) => node.stop())))

interface Opened {
  readonly client: RedisClient
  end(): void
}

const kinds: readonly { name: string; open(): Promise<Opened> }[] = [
  {
    name: 'ioredis 5',
    open: async () => {
      const client = new Cluster(nodes.map(({ host, port }) => ({ host, port })))
      return { client, end: () => client.disconnect() }
    },
  },
  {
    name: 'ioredis 6',
    open: async () => {
      const client = new Cluster6(nodes.map(({ host, port }) => ({ host, port })))
      return { client, end: () => client.disconnect() }
    },
  },
  {
    name: 'node-redis 5',
    open: async () => {
      const client = createCluster5({ rootNodes: nodes.map(({ url }) => ({ url })) })
      await client.on('error', () => {}).connect()
      return { client, end: () => client.destroy() }
    },
  },
  {
    name: 'node-redis 6',
    open: async () => {
      const client = createCluster({ rootNodes: nodes.map(({ url }) => ({ url })) })
      await client.on('error', () => {}).connect()
      return { client, end: () => client.destroy() }
    },
  },
]

// node-redis 5 looks for a tag behind the first `{}`, against the specification, and sends such keys to the wrong node for ever.
const isServed = (name: string, ending: string): boolean => name !== 'node-redis 5' || !/^[^{]*\{\}.*\}/.test(ending)

describe.each(kinds)('a cluster by $name', ({ name, open }) => {
  test('serves every key, whatever its braces, in each of the three layouts', async () => {
    const { client, end } = await open()
    const store = redis(client)
    const endings = ['', '{', '}', '}{', '{}', '{a}', '{}{a}', '{{a}', 'a}b{c}d', '{a', '😀{é}', '{}}{']
    for (const key of endings.filter((ending) => isServed(name, ending)).map(freshKey)) {
      await take(store, key, 'anna')
      expect(await store.acquire(request(key, 'ben'))).toMatchObject({ granted: false, holder: { host: 'here' } })
      expect(await store.renew(key, 'anna', 1_000)).toBe(true)
      expect(await store.release(key, 'anna', request(key, 'ben'))).toMatchObject({ next: { granted: true } })
      expect(await store.forceRelease(key)).toBe(true)
      expect(await store.wasRevoked?.(key, 'ben')).toBe(true)
      await take(store, key, 'carl', { limit: 3 })
      expect(await store.release(key, 'carl', request(key, 'dora', { limit: 3 }))).toMatchObject({ released: true })
      expect((await store.inspect(key))?.holders).toMatchObject([{ owner: 'dora' }])
      expect(await store.release(key, 'dora')).toBe(true)
    }
    await store.close()
    end()
  })

  test('lists the keys of all nodes, page by page', async () => {
    const { client, end } = await open()
    const store = redis(client)
    const prefix = freshKey(':')
    const keys = Array.from({ length: 30 }, (_, index) => `${prefix}${index}`)
    expect(new Set(keys.map((key) => Math.floor(slotOf(key) / 5461))).size).toBe(3)
    for (const key of keys) await take(store, key, 'anna')
    const found = new Set<string>()
    let cursor: string | undefined
    do {
      const page = await store.list(prefix, 5, cursor)
      for (const key of page.keys) found.add(key)
      cursor = page.cursor
    } while (cursor !== undefined)
    expect([...found].sort()).toEqual([...keys].sort())
    await store.close()
    end()
  })

  test('tells of a forced release on any node', async () => {
    const [mine, theirs] = [await open(), await open()]
    const [store, other] = [redis(mine.client), redis(theirs.client)]
    const told: Notice[] = []
    store.onNotice?.((notice) => told.push(notice))
    const keys = Array.from({ length: 9 }, () => freshKey())
    for (const key of keys) await take(store, key, 'anna')
    await expect.poll(() => told, { timeout: 5_000 }).toEqual([{ type: 'resync' }])
    for (const key of keys) await other.forceRelease(key)
    await expect.poll(() => told.length).toBe(10)
    expect(
      told
        .slice(1)
        .map((notice) => ('key' in notice ? notice.key : ''))
        .sort(),
    ).toEqual([...keys].sort())
    await store.close()
    await other.close()
    mine.end()
    theirs.end()
  })
})

test('a URL of one node of a cluster says what to do instead', async () => {
  const store = redis(nodes[0]?.url ?? '')
  const keys = Array.from({ length: 20 }, () => freshKey())
  const results = await Promise.allSettled(keys.map((key) => store.acquire(request(key, 'anna'))))
  const failures = results.flatMap((result): unknown[] => (result.status === 'rejected' ? [result.reason] : []))
  expect(failures[0]).toMatchObject({ outcome: 'not-applied', message: expect.stringContaining('Cluster') as string })
  await store.close()
})
