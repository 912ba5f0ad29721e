import { setTimeout as sleep } from 'node:timers/promises'
import { createHoldfast } from 'holdfast'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { Answer, Store } from '../../src/core/store.js'
import { type RedisClient, redis } from '../../src/stores/redis/index.js'
import { type RedisCluster, startCluster } from '../support/servers/cluster.js'
import { freePort } from '../support/servers/free-port.js'
import { type RedisServer, startRedis } from '../support/servers/redis.js'
import { until } from '../support/until.js'
import { clusterKinds, keyOn } from './cluster-clients.js'
import { clientKinds } from './clients.js'
import { freshKey, ownRedis, request, take } from './support.js'

let server: RedisServer
beforeAll(async () => {
  server = await startRedis()
})
afterAll(() => server.stop())

function storeOn(target: string | RedisClient): Store {
  const store = redis(target)
  onTestFinished(() => store.close())
  return store
}

const wish = { queueMs: 3_000, again: true }
const askAgain = (store: Store, key: string): Promise<Answer> => store.acquire(request(key, 'waiting', wish))

/** Stands in the queue of each key, behind another. */
async function queueUp(store: Store, keys: readonly string[]): Promise<void> {
  await Promise.all(keys.map((key) => take(store, key, 'holder', { ttlMs: 60_000 })))
  const answers = await Promise.all(keys.map((key) => store.acquire(request(key, 'waiting', { queueMs: 3_000 }))))
  for (const answer of answers) expect(answer).toMatchObject({ granted: false, position: 0 })
}

async function scriptsRun(of: readonly RedisServer[], work: () => Promise<unknown>): Promise<number> {
  for (const one of of) await one.command('CONFIG', 'RESETSTAT')
  await work()
  const stats = await Promise.all(of.map((one) => one.command('INFO', 'commandstats')))
  const calls = stats.map((text) => Number(/cmdstat_evalsha:calls=(\d+)/.exec(String(text))?.[1] ?? 0))
  return calls.reduce((sum, count) => sum + count, 0)
}

describe.each(clientKinds)('those who ask again in one tick, by $name', ({ open }) => {
  test('ask in one command for 250 keys, and keep their places', async () => {
    const own = await ownRedis()
    const { client, end } = await open(own.url)
    onTestFinished(end)
    const store = storeOn(client)
    const keys = Array.from({ length: 600 }, () => freshKey())
    await queueUp(store, keys)
    await Promise.all(keys.slice(0, 2).map((key) => askAgain(store, key))) // the server knows the script now
    await sleep(300)
    const [key = ''] = keys
    const endOfPlaceMs = async (): Promise<number> => {
      const place = String(await own.command('HGET', `{${key}}:waiters`, 'waiting'))
      return Number(place.split('\n')[0])
    }
    const beforeMs = await endOfPlaceMs()
    let answers: Answer[] = []
    const run = await scriptsRun([own], async () => {
      answers = await Promise.all(keys.map((one) => askAgain(store, one)))
    })
    expect(run).toBe(3)
    expect(await endOfPlaceMs()).toBeGreaterThanOrEqual(beforeMs + 290)
    for (const answer of answers)
      expect(answer).toMatchObject({ granted: false, position: 0, holder: { host: 'here' } })
    const held = answers.map((answer) => (answer.granted ? 0 : (answer.freeInMs ?? 0)))
    expect(Math.min(...held)).toBeGreaterThan(50_000)
  })

  test('keep their places when they ask for a moment without one, as those do whom no notice would reach', async () => {
    const { client, end } = await open(server.url)
    onTestFinished(end)
    const store = storeOn(client)
    const keys = [freshKey(), freshKey()]
    await queueUp(store, keys)
    await Promise.all(keys.map((key) => store.acquire(request(key, 'waiting', { again: true }))))
    for (const key of keys) {
      await store.release(key, 'holder')
      expect(await store.acquire(request(key, 'late'))).toMatchObject({ granted: false })
      expect((await store.inspect(key))?.holders).toMatchObject([{ owner: 'waiting' }])
    }
  })

  test('get answers of their own, the same as alone, and an error of one spoils no other', async () => {
    const { client, end } = await open(server.url)
    onTestFinished(end)
    const store = storeOn(client)
    const foreign = new Redis(server.url)
    onTestFinished(() => foreign.disconnect())
    await queueUp(store, [freshKey()]) // subscribes
    const makers: readonly ((key: string) => Promise<unknown>)[] = [
      () => Promise.resolve(), // free
      (key) => queueUp(store, [key]),
      (key) => take(store, key, 'waiting'),
      (key) => take(store, key, 'holder'), // its place is over
      (key) => foreign.set(key, 'of another program', 'PX', 60_000),
      (key) => foreign.hset(key, 'of', 'another program'),
      (key) => take(store, key, 'holder', { limit: 3 }), // no mutex
      async (key) => {
        await take(store, key, 'holder', { ttlMs: 60_000 })
        await foreign.set(`{${key}}:queue`, 'in the way')
      },
    ]
    const [alone, together] = [makers.map(() => freshKey()), makers.map(() => freshKey())]
    for (const keys of [alone, together]) {
      for (const [index, make] of makers.entries()) await make(keys[index] ?? '')
    }
    const expected: PromiseSettledResult<Answer>[] = []
    for (const key of alone) expected.push(...(await Promise.allSettled([askAgain(store, key)])))
    const answers = await Promise.allSettled(together.map((key) => askAgain(store, key)))
    expect(answers.map(essence)).toEqual(expected.map(essence))
    expect(answers.map(({ status }) => status)).toEqual([...Array<string>(6).fill('fulfilled'), 'rejected', 'rejected'])
  })

  test('may ask for permits of pools too', async () => {
    const { client, end } = await open(server.url)
    onTestFinished(end)
    const store = storeOn(client)
    const keys = [freshKey(), freshKey(), freshKey()]
    await queueUp(store, [freshKey()])
    for (const key of keys) await take(store, key, 'holder', { limit: 3, permits: 2 })
    const answers = await Promise.all(
      keys.map((key, index) => store.acquire(request(key, 'waiting', { ...wish, limit: 3, permits: index + 1 }))),
    )
    expect(answers).toMatchObject([{ granted: true }, { granted: false, position: 0 }, { granted: false, position: 0 }])
    await Promise.all(keys.map((key) => store.release(key, 'holder')))
    const holders = await Promise.all(keys.map(async (key) => (await store.inspect(key))?.holders))
    expect(holders.flat()).toMatchObject([{ permits: 1 }, { permits: 2 }, { permits: 3 }])
  })
})

/** Without what differs by the moment and the key. */
function essence(result: PromiseSettledResult<Answer>): unknown {
  if (result.status === 'rejected') {
    return (result.reason as Error).message.replaceAll(/[0-9a-f]{40}|line: \d+|:\d+[:.]/g, '')
  }
  const { value } = result
  return value.granted ? { granted: true } : { ...value, freeInMs: value.freeInMs !== undefined }
}

test('a release does not overtake the request that it takes back', async () => {
  const store = storeOn(server.url)
  const keys = [freshKey(), freshKey()]
  await queueUp(store, keys)
  const asked = keys.map((key) => askAgain(store, key))
  await Promise.all(keys.map((key) => store.release(key, 'waiting')))
  await Promise.all(asked)
  for (const key of keys) expect((await store.inspect(key))?.waiters).toEqual([])
})

test('a lost connection is told to each of them, with its key', async () => {
  const own = await ownRedis()
  const store = storeOn(own.url)
  const keys = [freshKey(), freshKey(), freshKey()]
  await queueUp(store, keys)
  own.pause()
  const asked = Promise.allSettled(keys.map((key) => askAgain(store, key)))
  await sleep(20) // they are on their way
  await own.kill()
  const reasons = (await asked).map((result): unknown => (result.status === 'rejected' ? result.reason : undefined))
  expect(reasons).toMatchObject(keys.map(() => ({ code: 'STORE_FAILED', outcome: 'unknown' })))
  expect(new Set(reasons).size).toBe(3)
})

test('a server that takes no keys of several slots in one call is asked for each alone', async () => {
  const own = await ownRedis({ args: ['--cluster-enabled', 'yes', '--cluster-port', String(await freePort())] })
  await own.command('CLUSTER', 'ADDSLOTSRANGE', '0', '16383')
  await until(async () => String(await own.command('CLUSTER', 'INFO')).includes('cluster_state:ok'))
  const store = storeOn(own.url) // as if it were a proxy before a Cluster
  const keys = Array.from({ length: 20 }, () => freshKey())
  await queueUp(store, keys)
  for (let turn = 0; turn < 2; turn++) {
    const answers = await Promise.all(keys.map((key) => askAgain(store, key)))
    for (const answer of answers) expect(answer).toMatchObject({ granted: false, position: 0 })
  }
  expect(String(await own.command('INFO', 'errorstats'))).toContain('errorstat_CROSSSLOT:count=1')
})

describe('on a cluster', () => {
  let cluster: RedisCluster
  beforeAll(async () => {
    cluster = await startCluster()
  })
  afterAll(() => cluster.stop())

  test.each(clusterKinds)('one command for each node, by $name', async ({ open }) => {
    const { client, end } = await open(cluster.nodes)
    onTestFinished(end)
    const store = storeOn(client)
    const keys = Array.from({ length: 60 }, (_, index) => keyOn(index % 3))
    await queueUp(store, keys)
    const again = async (): Promise<void> => {
      const answers = await Promise.all(keys.map((key) => askAgain(store, key)))
      for (const answer of answers) expect(answer).toMatchObject({ granted: false, position: 0 })
    }
    await again() // the servers know the script now
    expect(await scriptsRun(cluster.nodes, again)).toBe(3)
    for (const key of keys) await store.release(key, 'holder')
    const answers = await Promise.all(keys.map((key) => askAgain(store, key)))
    for (const answer of answers) expect(answer.granted).toBe(true)
  })
})

test('waiting for 400 keys costs two commands a second', async () => {
  const own = await ownRedis()
  const [holder, waiting] = [redis(own.url), redis(own.url)].map((store) => createHoldfast({ store }))
  if (holder === undefined || waiting === undefined) throw new Error('there are two')
  onTestFinished(() => Promise.all([holder.close(), waiting.close()]).then(() => undefined))
  const names = Array.from({ length: 400 }, () => freshKey())
  const leases = await Promise.all(names.map((name) => holder.lock(name).acquire()))
  const waits = names.map((name) => waiting.lock(name, { wait: true }).acquire())
  const waitersOf = async (): Promise<number> => ((await own.command('KEYS', '*:queue')) as string[]).length
  await until(async () => (await waitersOf()) === names.length)
  await sleep(1_200) // the first beat, with the script's text
  const run = await scriptsRun([own], () => sleep(3_100))
  expect(run).toBeGreaterThanOrEqual(4)
  expect(run).toBeLessThanOrEqual(8)
  expect(await waitersOf()).toBe(names.length)
  await Promise.all(leases.map((lease) => lease.release()))
  await Promise.all((await Promise.all(waits)).map((lease) => lease.release()))
})
