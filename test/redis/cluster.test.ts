import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Notice } from '../../src/core/store.js'
import { redis } from '../../src/stores/redis/index.js'
import { slotOf } from '../../src/stores/redis/keys.js'
import { masterOf, type RedisCluster, startCluster } from '../support/servers/cluster.js'
import { clusterKinds } from './cluster-clients.js'
import { freshKey, request, take } from './support.js'

let cluster: RedisCluster
beforeAll(async () => {
  cluster = await startCluster()
})
afterAll(() => cluster.stop())

// node-redis 5 looks for a tag behind the first `{}`, against the specification, and sends such keys to the wrong node for ever.
const isServed = (name: string, ending: string): boolean => name !== 'node-redis 5' || !/^[^{]*\{\}.*\}/.test(ending)

describe.each(clusterKinds)('a cluster by $name', ({ name, open }) => {
  test('serves every key, whatever its braces, in each of the three layouts', async () => {
    const { client, end } = await open(cluster.nodes)
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
    const { client, end } = await open(cluster.nodes)
    const store = redis(client)
    const prefix = freshKey(':')
    const keys = Array.from({ length: 30 }, (_, index) => `${prefix}${index}`)
    expect(new Set(keys.map((key) => masterOf(slotOf(key)))).size).toBe(3)
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
    const [mine, theirs] = [await open(cluster.nodes), await open(cluster.nodes)]
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
  const store = redis(cluster.nodes[0]?.url ?? '')
  const keys = Array.from({ length: 20 }, () => freshKey())
  const results = await Promise.allSettled(keys.map((key) => store.acquire(request(key, 'anna'))))
  const failures = results.flatMap((result): unknown[] => (result.status === 'rejected' ? [result.reason] : []))
  expect(failures[0]).toMatchObject({ outcome: 'not-applied', message: expect.stringContaining('Cluster') as string })
  await store.close()
})
