import { InvalidOptionError } from 'holdfast'
import { type Held, type RedisGuard, redisGuard, StaleTokenError } from 'holdfast/fence'
import type { Cluster, Redis } from 'ioredis'
import type { Cluster as Cluster6, Redis as Redis6 } from 'ioredis6'
import type { createClient, createCluster } from 'redis'
import type { createClient as createClient5, createCluster as createCluster5 } from 'redis5'
import { afterAll, beforeAll, describe, expect, expectTypeOf, inject, onTestFinished, test } from 'vitest'
import { clientKinds } from '../redis/clients.js'
import { clusterKinds } from '../redis/cluster-clients.js'
import { freshKey, ownRedis } from '../redis/support.js'
import { type RedisCluster, startCluster } from '../support/servers/cluster.js'
import { type Reply, redisCommand } from '../support/servers/redis-command.js'
import { until } from '../support/until.js'

type Client = Parameters<typeof redisGuard>[0]

const command = (...words: string[]): Promise<Reply> => redisCommand(inject('redisUrl'), words)

/** An old holder and its successor. */
function holders(key = freshKey()): { key: string; old: Held; young: Held } {
  return { key, old: { key, token: 1_763_740_800_123_456 }, young: { key, token: 1_763_740_800_123_457 } }
}

async function openGuard(url = inject('redisUrl')): Promise<RedisGuard> {
  const kind = clientKinds[0]
  if (kind === undefined) throw new Error('there is no client')
  const { client, end } = await kind.open(url)
  onTestFinished(end)
  return redisGuard(client)
}

/** Every way to write, each as its successor's write and as a late one. */
async function expectToRefuse(guard: RedisGuard, names: (key: string) => string): Promise<void> {
  const { key, old, young } = holders()
  const [text, hash] = [`text:${names(key)}`, `hash:${names(key)}`]
  await guard.set(old, text, 'by the old')
  await guard.admit(old)
  expect(await guard.hset(young, hash, { state: 'paid', amount: 7 })).toBe(2)
  const append = `return {token, redis.call('APPEND', KEYS[1], ARGV[1])}`
  const late = [
    () => guard.admit(old),
    () => guard.set(old, text, 'late'),
    () => guard.hset(old, hash, { state: 'late' }),
    () => guard.del(old, text, hash),
    () => guard.eval(old, append, { keys: [text], args: ['late'] }),
  ]
  for (const write of late) {
    await expect(write()).rejects.toMatchObject({ code: 'STALE_TOKEN', key, token: old.token, latest: young.token })
  }
  const read = `return {redis.call('GET', KEYS[1]), redis.call('HGET', KEYS[2], 'state')}`
  expect(await guard.eval(young, read, { keys: [text, hash] })).toEqual(['by the old', 'paid'])
  const appended = await guard.eval(young, append, { keys: [text], args: ['!'] })
  expect(appended).toEqual([String(young.token), 'by the old!'.length])
  expect(await guard.del(young, text, hash, `none:${names(key)}`)).toBe(2)
  await expect(guard.set(old, text, 'late')).rejects.toThrow(StaleTokenError)
}

describe.each(clientKinds)('a guard on a client of $name', ({ open }) => {
  test('writes, and refuses each write of an older token', async () => {
    const { client, end } = await open(inject('redisUrl'))
    onTestFinished(end)
    await expectToRefuse(redisGuard(client), (key) => key)
  })
})

describe('a guard on a Cluster', () => {
  let cluster: RedisCluster
  beforeAll(async () => {
    cluster = await startCluster()
  })
  afterAll(() => cluster.stop())

  test.each(clusterKinds)('of $name writes what has the key of the lock as its hash tag', async ({ open }) => {
    const { client, end } = await open(cluster.masters)
    onTestFinished(end)
    for (let times = 0; times < 8; times++) await expectToRefuse(redisGuard(client), (key) => `{${key}}`)
  })

  test.each(clusterKinds.slice(0, 1))('of $name keeps the token where it is told to', async ({ open }) => {
    const { client, end } = await open(cluster.masters)
    onTestFinished(end)
    const guard = redisGuard(client, { tokenKey: (key) => `{shop}:token:${key}` })
    for (let times = 0; times < 8; times++) await expectToRefuse(guard, (key) => `{shop}:${key}`)
  })

  test.each(clusterKinds.slice(0, 1))('of $name knows a key that has a hash tag of its own', async ({ open }) => {
    const { client, end } = await open(cluster.masters)
    onTestFinished(end)
    const { old } = holders(`{u7}:${freshKey()}`)
    await redisGuard(client).set(old, 'cart:{u7}', 'full')
  })
})

describe('a guard on Redis', () => {
  test('remembers the token for a week after the last write', async () => {
    const guard = await openGuard()
    const { key, old } = holders()
    await guard.admit(old)
    expect(await command('GET', `holdfast-fence:{${key}}`)).toBe(String(old.token))
    const week = 7 * 24 * 3_600_000
    const leftMs = Number(await command('PTTL', `holdfast-fence:{${key}}`))
    expect(leftMs).toBeGreaterThan(week - 60_000)
    expect(leftMs).toBeLessThanOrEqual(week)
  })

  test('keeps apart a key and the same in braces', async () => {
    const guard = await openGuard()
    const key = freshKey()
    await guard.admit({ key, token: 9 })
    await guard.admit({ key: `{${key}}`, token: 8 })
  })

  test('sets with an end', async () => {
    const guard = await openGuard()
    const { key, old } = holders()
    await guard.set(old, key, 'for a moment', { ttl: '100ms' })
    await until(async () => (await command('EXISTS', key)) === 0)
  })

  test('takes many fields at once', async () => {
    const guard = await openGuard()
    const { key, old } = holders()
    const fields = Object.fromEntries(Array.from({ length: 20_000 }, (_, index) => [`f${index}`, index]))
    expect(await guard.hset(old, key, fields)).toBe(20_000)
    await guard.del(old, key)
  })

  test('knows its scripts again after SCRIPT FLUSH', async () => {
    const server = await ownRedis()
    const guard = await openGuard(server.url)
    const { key, old, young } = holders()
    await guard.set(old, key, 'before')
    await server.command('SCRIPT', 'FLUSH')
    await guard.set(young, key, 'after')
    expect(await server.command('GET', key)).toBe('after')
  })

  test('resolves to null where a script returns nothing, and rejects with the error of one that fails', async () => {
    const guard = await openGuard()
    const { key, old } = holders()
    expect(await guard.eval(old, 'local nothing = 1')).toBeNull()
    expect(await guard.eval(old, `return redis.call('GET', KEYS[1])`, { keys: [`${key}:none`] })).toBeNull()
    await expect(guard.eval(old, `return redis.error_reply('ERR no paper')`)).rejects.toThrow('no paper')
    await guard.hset(old, key, { a: 1 })
    await expect(guard.eval(old, `return redis.call('APPEND', KEYS[1], 'x')`, { keys: [key] })).rejects.toThrow(
      'WRONGTYPE',
    )
  })

  test('lets nothing through where what should be the token is none', async () => {
    const guard = await openGuard()
    const { key, old } = holders()
    await command('SET', `holdfast-fence:{${key}}`, 'junk')
    await expect(guard.set(old, key, 'x')).rejects.toThrow('is no token')
    expect(await command('EXISTS', key)).toBe(0)
  })

  test('does not write over what remembers the token', async () => {
    const guard = await openGuard()
    const { key, old } = holders()
    await expect(guard.del(old, `holdfast-fence:{${key}}`)).rejects.toThrow(InvalidOptionError)
  })

  test('refuses what makes no sense', async () => {
    const guard = await openGuard()
    const { key, old } = holders()
    await expect(guard.set({ key, token: 0 }, key, 'x')).rejects.toThrow(InvalidOptionError)
    await expect(guard.hset(old, key, {})).rejects.toThrow('no field')
    await expect(guard.set(old, key, 'x', { ttl: 0 })).rejects.toThrow(InvalidOptionError)
    expect(() => redisGuard(new Map() as unknown as Client)).toThrow('neither')
    expect(() => redisGuard(undefined as unknown as Client)).toThrow('neither')
    expect(() => redisGuard({} as Client, { tokenTtl: '1ms' })).toThrow('tokenTtl')
  })
})

describe('the type of a client', () => {
  test('is met by the clients of all supported libraries, without a cast', () => {
    expectTypeOf<Redis>().toExtend<Client>()
    expectTypeOf<Cluster>().toExtend<Client>()
    expectTypeOf<Redis6>().toExtend<Client>()
    expectTypeOf<Cluster6>().toExtend<Client>()
    expectTypeOf<ReturnType<typeof createClient>>().toExtend<Client>()
    expectTypeOf<ReturnType<typeof createCluster>>().toExtend<Client>()
    expectTypeOf<ReturnType<typeof createClient5>>().toExtend<Client>()
    expectTypeOf<ReturnType<typeof createCluster5>>().toExtend<Client>()
  })

  test('is met by nothing that runs no scripts', () => {
    expectTypeOf<Map<string, string>>().not.toExtend<Client>()
  })
})
