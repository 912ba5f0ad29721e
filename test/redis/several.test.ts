import { createHoldfast } from 'holdfast'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { Store } from '../../src/core/store.js'
import { type RedisClient, redis } from '../../src/stores/redis/index.js'
import { slotOf } from '../../src/stores/redis/keys.js'
import { type RedisCluster, startCluster } from '../support/servers/cluster.js'
import { type RedisServer, startRedis } from '../support/servers/redis.js'
import { until } from '../support/until.js'
import { clusterKinds, keyOn } from './cluster-clients.js'
import { freshKey, request, take } from './support.js'

let server: RedisServer
beforeAll(async () => {
  server = await startRedis()
})
afterAll(() => server.stop())

function clientOf({ url }: RedisServer): Redis {
  const client = new Redis(url)
  onTestFinished(() => client.disconnect())
  return client
}

function storeOn(target: string | RedisClient): Store {
  const store = redis(target)
  onTestFinished(() => store.close())
  return store
}

/** How many scripts were asked for, and in how many writes they came. */
async function trafficOf(client: Redis, use: () => Promise<unknown>): Promise<{ scripts: number; writes: number }> {
  const read = async (): Promise<[scripts: number, reads: number]> => {
    const text = await client.info('all')
    const count = (pattern: RegExp): number => Number(pattern.exec(text)?.[1] ?? 0)
    return [count(/cmdstat_evalsha:calls=(\d+)/), count(/total_reads_processed:(\d+)/)]
  }
  const [scriptsBefore, readsBefore] = await read()
  await use()
  const [scripts, reads] = await read()
  return { scripts: scripts - scriptsBefore, writes: reads - readsBefore - 1 } // one of them asked for these numbers
}

test('three free keys are had in one command, and released by three in one round trip', async () => {
  const client = clientOf(server)
  const { lock, close } = createHoldfast({ store: redis(client) })
  onTestFinished(close)
  const one = lock([freshKey(), freshKey(), freshKey()])
  const first = await one.acquire()
  await until(async () => (await client.pubsub('CHANNELS')).length > 0) // the connection for notices sends nothing any more
  await first.release() // scripts are loaded now
  expect(await trafficOf(client, () => one.acquire())).toEqual({ scripts: 1, writes: 1 })
  const { scripts, writes } = await trafficOf(client, () => one.release())
  expect([scripts, writes <= 2]).toEqual([3, true]) // the first is on its way when the others are written
})

test('what they are refused costs one command too', async () => {
  const client = clientOf(server)
  const { lock, close } = createHoldfast({ store: redis(client) })
  onTestFinished(close)
  const keys = [freshKey(), freshKey(), freshKey()]
  await lock(keys[2] ?? '').acquire()
  await lock(keys).tryAcquire()
  const { scripts } = await trafficOf(client, () => lock(keys).tryAcquire())
  expect(scripts).toBe(1)
})

test('their tokens grow past those of before, though the clock of the server is behind', async () => {
  const client = clientOf(server)
  const store = storeOn(client)
  const [a, b] = [freshKey(), freshKey()]
  const ahead = Date.now() * 1000 + 60_000_000
  await client.set(`{${a}}:token`, String(ahead))
  await client.set(`{${b}}:token`, `${String(ahead)}\n`) // somebody waited once
  const answer = await store.acquireAll?.([request(a, 'anna'), request(b, 'ben')])
  expect(answer).toEqual({ granted: true, tokens: [ahead + 1, ahead + 1] })
  expect(await client.mget(`{${a}}:token`, `{${b}}:token`)).toEqual([String(ahead + 1), String(ahead + 1)])
  expect(await store.release(a, 'anna')).toBe(true)
  expect(await take(store, a, 'carl')).toBe(ahead + 2)
})

test('whoever stands in a queue is looked at first, by the request for one key', async () => {
  const client = clientOf(server)
  const store = storeOn(client)
  store.onNotice?.(() => undefined)
  const [a, b] = [freshKey(), freshKey()]
  await take(store, b, 'ben')
  expect(await store.acquire(request(b, 'carl', { queueMs: 20_000 }))).toMatchObject({ position: 0 })
  await client.del(b) // as if its lease had ended
  expect(await store.acquireAll?.([request(a, 'anna'), request(b, 'anna 2')])).toBeUndefined()
  expect(await store.inspect(a)).toBeUndefined()
  expect((await store.inspect(b))?.holders.map(({ owner }) => owner)).toEqual(['carl'])
})

test('what another program keeps under a key is in the way, and stays', async () => {
  const client = clientOf(server)
  const store = storeOn(client)
  const [a, b] = [freshKey(), freshKey()]
  await client.set(b, 'theirs')
  expect(await store.acquireAll?.([request(a, 'anna'), request(b, 'anna')])).toEqual({ granted: false, index: 1 })
  await client.del(b)
  await client.lpush(b, 'theirs')
  expect(await store.acquireAll?.([request(a, 'anna'), request(b, 'anna')])).toEqual({ granted: false, index: 1 })
  expect(await client.exists(a, `{${a}}:token`)).toBe(0)
})

describe('on a Cluster', () => {
  let cluster: RedisCluster
  beforeAll(async () => {
    cluster = await startCluster()
  })
  afterAll(() => cluster.stop())

  test.each(clusterKinds)('keys of one slot are had in one step, by $name', async ({ open }) => {
    const { client, end } = await open(cluster.nodes)
    onTestFinished(end)
    const store = storeOn(client)
    const tag = freshKey()
    const [a, b] = [`{${tag}}:a`, `{${tag}}:b`]
    expect(slotOf(a)).toBe(slotOf(b))
    const requests = [request(a, 'anna'), request(b, 'anna 2')]
    const answer = await store.acquireAll?.(requests)
    expect(answer).toMatchObject({ granted: true })
    expect(await store.acquireAll?.(requests)).toEqual(answer)
    expect(await store.acquireAll?.([request(b, 'ben'), request(a, 'ben 2')])).toMatchObject({
      granted: false,
      index: 0,
    })
  })

  test.each(clusterKinds)('keys of several servers are had one by one, all or none, by $name', async ({ open }) => {
    const { client, end } = await open(cluster.nodes)
    onTestFinished(end)
    const store = storeOn(client)
    const keys = [keyOn(0), keyOn(1), keyOn(2)].sort()
    expect(await store.acquireAll?.(keys.map((key) => request(key, 'anna')))).toBeUndefined()
    const { lock, close } = createHoldfast({ store, prefix: '' })
    const lease = await lock(keys.toReversed()).acquire()
    for (const key of keys) expect((await store.inspect(key))?.holders[0]?.token).toBe(lease.tokenOf(key))
    expect(await lock([...keys, freshKey()]).tryAcquire()).toBeUndefined()
    expect(await lease.release()).toBe(true)
    const last = keys.at(-1) ?? ''
    await take(store, last, 'ben')
    expect(await lock(keys).tryAcquire()).toBeUndefined()
    for (const key of keys) expect((await store.inspect(key))?.holders.length).toBe(key === last ? 1 : undefined)
    await close()
  })

  test('keys that a server finds to be in several slots are had one by one, by a client that knows of no Cluster', async () => {
    const [first] = cluster.masters
    if (first === undefined) throw new Error('there are masters')
    const store = storeOn(first.url)
    const keys = [keyOn(0), keyOn(0)]
    expect(await store.acquireAll?.(keys.map((key) => request(key, 'anna')))).toBeUndefined()
    const { lock, close } = createHoldfast({ store, prefix: '' })
    const lease = await lock(keys).acquire()
    expect(await lock(keys).tryAcquire()).toBeUndefined()
    expect(await lease.release()).toBe(true)
    await close()
  })
})
