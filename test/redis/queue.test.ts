import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { AcquireRequest, Notice, Store } from '../../src/core/store.js'
import { redis } from '../../src/stores/redis/index.js'
import { runProgram } from '../process/support/child.js'
import { startProxy } from '../support/servers/proxy.js'
import { type RedisServer, startRedis } from '../support/servers/redis.js'
import { eventually, freshKey, ownRedis, request, take } from './support.js'

let server: RedisServer
let foreign: Redis
beforeAll(async () => {
  server = await startRedis()
  foreign = new Redis(server.url)
})
afterAll(async () => {
  foreign.disconnect()
  await server.stop()
})

type Grant = Extract<Notice, { type: 'granted' }>

interface Process {
  readonly store: Store
  /** The grants that it was told of. */
  readonly told: Grant[]
  /** Asks with a queue: its place, or undefined. */
  queueUp(key: string, owner: string, wish?: Partial<AcquireRequest>): Promise<number | undefined>
}

/** A store with a connection and a subscription of its own, as each process has one. */
function startProcess(target: Parameters<typeof redis>[0] = server.url): Process {
  const store = redis(target)
  onTestFinished(() => store.close())
  const told: Grant[] = []
  store.onNotice?.((notice) => {
    if (notice.type === 'granted') told.push(notice)
  })
  return {
    store,
    told,
    queueUp: async (key, owner, wish) => {
      const answer = await store.acquire(request(key, owner, { queueMs: 30_000, ...wish }))
      if (answer.granted) throw new Error(`${owner} was to wait`)
      return answer.position
    },
  }
}

const holdersOf = async (store: Store, key: string): Promise<string[]> =>
  ((await store.inspect(key))?.holders ?? []).map(({ owner }) => owner).sort()

/** How often each command ran on the server while `work` did, inside of scripts too. */
async function commandsOf(of: RedisServer, work: () => Promise<unknown>): Promise<Record<string, number>> {
  await of.command('CONFIG', 'RESETSTAT')
  await work()
  const stats = String(await of.command('INFO', 'commandstats'))
  const counts = [...stats.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)].map(([, name, calls]) => [name, Number(calls)])
  return Object.fromEntries(counts.filter(([name]) => !['info', 'config|resetstat'].includes(String(name)))) as Record<
    string,
    number
  >
}

describe('the queue on Redis', () => {
  test('serves five processes in the order they came, and tells each exactly once', async () => {
    const key = freshKey()
    const processes = Array.from({ length: 5 }, () => startProcess())
    const [first] = processes
    if (first === undefined) throw new Error('there are five')
    let token = await take(first.store, key, 'holder')
    const owners = Array.from({ length: 20 }, (_, index) => `owner ${index}`)
    for (const [index, owner] of owners.entries()) expect(await processes[index % 5]?.queueUp(key, owner)).toBe(index)
    let before = 'holder'
    for (const [index, owner] of owners.entries()) {
      expect(await processes[(index + 2) % 5]?.store.release(key, before)).toBe(true)
      const { told } = processes[index % 5] ?? first
      const notice = await eventually(() => told.find((one) => one.owner === owner))
      expect(notice).toMatchObject({ type: 'granted', key })
      expect(notice.token).toBeGreaterThan(token)
      ;({ token } = notice)
      before = owner
    }
    await first.store.release(key, before)
    await sleep(20)
    const told = processes.flatMap((one) => one.told.map(({ owner }) => owner))
    expect(told.sort()).toEqual([...owners].sort())
  })

  test('costs nothing while nobody waits: two commands, the same calls inside, and no message', async () => {
    const own = await ownRedis()
    const { store } = startProcess(own.url)
    const key = freshKey()
    const pair = async (): Promise<void> => {
      await take(store, key, 'anna', { queueMs: 3_000, turns: 16 })
      await store.release(key, 'anna')
    }
    await pair()
    const counts = await commandsOf(own, async () => {
      for (let turn = 0; turn < 50; turn++) await pair()
    })
    expect(counts).toEqual({ evalsha: 100, time: 50, set: 100, get: 50, del: 50 })
    const tokenSets = await commandsOf(own, () => store.release(key, 'nobody'))
    expect(tokenSets['publish']).toBeUndefined()
  })

  test('sends one message for each release, however many wait', async () => {
    const own = await ownRedis()
    const [holder, waiting] = [startProcess(own.url), startProcess(own.url)]
    const key = freshKey()
    await take(holder.store, key, 'holder')
    for (let index = 0; index < 10; index++) await waiting.queueUp(key, `owner ${index}`)
    let before = 'holder'
    const counts = await commandsOf(own, async () => {
      for (let index = 0; index < 10; index++) {
        await holder.store.release(key, before)
        before = `owner ${index}`
        await expect.poll(() => waiting.told.length, { interval: 1 }).toBe(index + 1)
      }
    })
    expect(counts).toMatchObject({ publish: 10, evalsha: 10 })
  })

  test('passes the queue on when a lease ends, before anybody new', async () => {
    const [holder, waiting, newcomer] = [startProcess(), startProcess(), startProcess()]
    const key = freshKey()
    const token = await take(holder.store, key, 'dead', { ttlMs: 500 })
    expect(await waiting.queueUp(key, 'first')).toBe(0)
    expect(await waiting.queueUp(key, 'second')).toBe(1)
    await sleep(550)
    expect(await newcomer.queueUp(key, 'newcomer')).toBe(1)
    const [notice] = await eventually(() => waiting.told.length > 0 && waiting.told)
    expect(notice?.owner).toBe('first')
    expect(notice?.token).toBeGreaterThan(token)
    expect(await newcomer.store.acquire(request(key, 'nobody'))).toMatchObject({ granted: false })
    await waiting.store.release(key, 'first')
    expect(await holdersOf(newcomer.store, key)).toEqual(['second'])
    await waiting.store.release(key, 'second')
    expect(await holdersOf(newcomer.store, key)).toEqual(['newcomer'])
  })

  test('skips a process that is gone at once', async () => {
    const [holder, gone, alive] = [redis(server.url), startProcess(), startProcess()]
    onTestFinished(() => holder.close())
    const key = freshKey()
    await take(holder, key, 'holder')
    expect(await gone.queueUp(key, 'gone')).toBe(0)
    expect(await gone.queueUp(key, 'gone too')).toBe(1)
    expect(await alive.queueUp(key, 'alive')).toBe(2)
    await gone.store.close() // to the server it is the same as a SIGKILL: the sockets are closed
    await expect.poll(() => foreign.pubsub('CHANNELS', 'holdfast:*')).toHaveLength(2 - 1) // a holder that does not listen has none
    await holder.release(key, 'holder')
    await expect.poll(() => alive.told.map(({ owner }) => owner)).toEqual(['alive'])
  })

  test('skips a process that was killed', async () => {
    const [holder, alive] = [startProcess(), startProcess()]
    const key = freshKey()
    await take(holder.store, key, 'holder')
    const wish = JSON.stringify(request(key, 'killed', { queueMs: 30_000 }))
    const child = runProgram(`import { redis } from 'holdfast/redis'
      setInterval(() => {}, 1_000)
      const { position } = await redis(${JSON.stringify(server.url)}).acquire(${wish})
      console.log('place ' + position)
      console.log('pid ' + process.pid)`)
    expect(await child.says('place')).toBe('place 0')
    const pid = Number((await child.says('pid')).slice(4))
    expect(await alive.queueUp(key, 'alive')).toBe(1)
    const before = (await foreign.pubsub('CHANNELS', 'holdfast:*')).length
    process.kill(pid, 'SIGKILL')
    const startMs = performance.now()
    await eventually(async () => (await foreign.pubsub('CHANNELS', 'holdfast:*')).length < before)
    await holder.store.release(key, 'holder')
    await expect.poll(() => alive.told.map(({ owner }) => owner), { interval: 1 }).toEqual(['alive'])
    expect(performance.now() - startMs).toBeLessThan(1_000)
  })

  test('lasts for a newcomer, though those before him are long gone', async () => {
    const [holder, gone, alive] = [startProcess(), startProcess(), startProcess()]
    const key = freshKey()
    await take(holder.store, key, 'holder', { ttlMs: 60_000 })
    await gone.queueUp(key, 'gone')
    const names = [`{${key}}:queue`, `{${key}}:waiters`]
    for (const name of names) await server.command('PEXPIRE', name, '3000') // as after ten seconds
    await alive.queueUp(key, 'alive')
    for (const name of names) expect(Number(await server.command('PTTL', name))).toBeGreaterThan(10_000)
  })

  test('loses no more to a stopped process than the lease of its place', async () => {
    const [holder, stopped, alive] = [startProcess(), startProcess(), startProcess()]
    const key = freshKey()
    await take(holder.store, key, 'holder')
    await stopped.queueUp(key, 'stopped', { queueMs: 600 })
    await alive.queueUp(key, 'alive')
    const startMs = performance.now()
    await holder.store.release(key, 'holder')
    const answer = await alive.store.acquire(request(key, 'alive', { queueMs: 3_000 }))
    expect(answer).toMatchObject({ granted: false, position: 0 })
    expect(answer.granted ? undefined : answer.freeInMs).toBeLessThanOrEqual(600)
    await eventually(async () => (await alive.store.acquire(request(key, 'alive', { queueMs: 3_000 }))).granted)
    expect(performance.now() - startMs).toBeLessThan(1_500)
    expect(await stopped.store.renew(key, 'stopped', 1_000)).toBe(false)
  })

  test('gives the same token to one that missed the message and asks again', async () => {
    const proxy = await startProxy(server.url)
    onTestFinished(() => proxy.close())
    const [holder, waiting] = [startProcess(), startProcess(proxy.url)]
    const key = freshKey()
    await take(holder.store, key, 'holder')
    await waiting.queueUp(key, 'waiting', { queueMs: 5_000 })
    proxy.dropReplies(true)
    await holder.store.release(key, 'holder')
    const token = (await holder.store.inspect(key))?.holders[0]?.token
    expect(waiting.told).toEqual([])
    proxy.dropReplies(false)
    expect(await eventually(() => take(waiting.store, key, 'waiting', { queueMs: 5_000 }))).toBe(token)
    const [hold] = (await holder.store.inspect(key))?.holders ?? []
    expect(hold?.remainingMs).toBeGreaterThan(20_000)
  })

  test('keeps the tokens below the next grant that a process may hand out by itself', async () => {
    const [holder, waiting] = [startProcess(), startProcess()]
    const key = freshKey()
    const turns = 10_000_000
    const first = await take(holder.store, key, 'first', { turns })
    expect(await take(holder.store, key, 'first', { turns: 2 * turns })).toBe(first)
    await waiting.queueUp(key, 'second', { turns })
    await holder.store.release(key, 'first')
    const second = await take(waiting.store, key, 'second', { turns })
    expect(second).toBe(first + 2 * turns + 1)
    await waiting.store.release(key, 'second')
    const third = await take(holder.store, key, 'third')
    expect(third).toBeGreaterThan(second + turns)
    expect(third).toBeLessThan(second + turns + 5)
  })

  test('leaves nothing behind but tokens with an end', async () => {
    const own = await ownRedis()
    const [one, two] = [startProcess(own.url), startProcess(own.url)]
    for (const limit of [1, 2]) {
      const key = freshKey()
      await take(one.store, key, 'anna', { limit, permits: limit })
      await two.queueUp(key, 'ben', { limit, permits: limit })
      await two.queueUp(key, 'carl', { limit, queueMs: 100 })
      await two.queueUp(key, 'dora', { limit, queueMs: 100 })
      await one.store.release(key, 'anna')
      await two.store.release(key, 'dora')
      await sleep(150)
      await two.store.release(key, 'ben')
      const abandoned = freshKey()
      await take(one.store, abandoned, 'anna', { limit, permits: limit, ttlMs: 100 })
      await two.queueUp(abandoned, 'ben', { limit, queueMs: 200 })
    }
    const names = async () => (await own.command('KEYS', '*')) as string[]
    const tokens = async () => (await names()).filter((name) => name.endsWith(':token'))
    const places = async () => (await names()).filter((name) => /:(queue|waiters)$/.test(name))
    await expect.poll(async () => (await names()).length - (await places()).length).toBe((await tokens()).length)
    expect(await tokens()).toHaveLength(4)
    for (const name of await names()) expect(Number(await own.command('PTTL', name))).toBeGreaterThan(0)
    for (const name of await places()) expect(Number(await own.command('PTTL', name))).toBeLessThan(16_001)
  })

  test('stands beside the key under the prefix of the client, in the same slot', async () => {
    const client = new Redis(server.url, { keyPrefix: 'app:' })
    onTestFinished(() => client.disconnect())
    const { store, told, queueUp } = startProcess(client)
    const key = freshKey()
    await take(store, key, 'anna')
    await queueUp(key, 'ben')
    expect((await foreign.keys(`*${key}*`)).sort()).toEqual(
      [`app:${key}`, ...['queue', 'token', 'waiters'].map((kind) => `app:{app:${key}}:${kind}`)].sort(),
    )
    await store.release(key, 'anna')
    await expect.poll(() => told).toMatchObject([{ key, owner: 'ben' }])
  })

  test('keeps the order behind a program that says nothing, whose waiters ask again', async () => {
    const [one, two] = [startProcess(), startProcess()]
    const key = freshKey()
    await foreign.set(key, 'random-value', 'PX', 20_000)
    expect(await one.queueUp(key, 'first')).toBeUndefined()
    expect(await two.queueUp(key, 'second')).toBeUndefined()
    expect(await foreign.get(key)).toBe('random-value')
    await foreign.del(key)
    expect(await two.queueUp(key, 'second')).toBe(0)
    await expect.poll(() => one.told.map(({ owner }) => owner)).toEqual(['first'])
  })

  test('is not used where SUBSCRIBE is refused: no place is told, and nobody waits for one', async () => {
    const own = await ownRedis()
    await own.command('ACL', 'SETUSER', 'default', '-subscribe')
    const [holder, waiting] = [startProcess(own.url), startProcess(own.url)]
    const key = freshKey()
    await take(holder.store, key, 'holder')
    const startMs = performance.now()
    for (let turn = 0; turn < 3; turn++) expect(await waiting.queueUp(key, 'waiting')).toBeUndefined()
    expect(performance.now() - startMs).toBeLessThan(500)
    expect((await holder.store.inspect(key))?.waiters).toEqual([])
    await holder.store.release(key, 'holder')
    await take(waiting.store, key, 'waiting', { queueMs: 3_000 })
    await own.command('ACL', 'SETUSER', 'default', '+subscribe')
    await eventually(async () => !(await holder.store.acquire(request(key, 'holder', { queueMs: 3_000 }))).granted)
    await eventually(async () => (await holder.queueUp(key, 'holder')) === 0)
  })
})
