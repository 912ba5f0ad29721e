import { readFile } from 'node:fs/promises'
import { Cluster } from 'ioredis'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { realEnv } from '../../src/core/env.js'
import type { Notice, Store } from '../../src/core/store.js'
import { redis, type RedisOptions } from '../../src/stores/redis/index.js'
import { slotOf } from '../../src/stores/redis/keys.js'
import { runProgram } from '../process/support/child.js'
import { moveSlot, type RedisCluster, startCluster } from '../support/servers/cluster.js'
import { until } from '../support/until.js'
import { channelsOf, type ClusterKind, clusterKinds, keyOn } from './cluster-clients.js'
import { eventually, freshKey, request, take } from './support.js'

let cluster: RedisCluster
beforeAll(async () => {
  cluster = await startCluster()
})
afterAll(() => cluster.stop())

type Open = ClusterKind['open']
type Grant = Extract<Notice, { type: 'granted' }>

interface Process {
  readonly store: Store
  readonly told: Notice[]
  grants(): Grant[]
  /** Asks with a queue: its place, or undefined. */
  queueUp(key: string, owner: string): Promise<number | undefined>
}

/** A store with connections of its own, as each process has them. */
async function startProcess(open: Open, of: RedisCluster = cluster, options?: RedisOptions): Promise<Process> {
  const { client, end } = await open(of.nodes)
  const store = redis(client, options)
  onTestFinished(async () => {
    await store.close()
    end()
  })
  const told: Notice[] = []
  store.onNotice?.((notice) => told.push(notice))
  return {
    store,
    told,
    grants: () => told.filter((notice) => notice.type === 'granted'),
    queueUp: async (key, owner) => {
      const answer = await store.acquire(request(key, owner, { queueMs: 30_000 }))
      if (answer.granted) throw new Error(`${owner} was to wait`)
      return answer.position
    },
  }
}

/** One key for each of the three masters. */
function keysOfAll(): string[] {
  return cluster.masters.map((_, index) => keyOn(index))
}

async function callsOf(command: string): Promise<number> {
  const stats = await Promise.all(cluster.masters.map((node) => node.command('INFO', 'commandstats')))
  const pattern = new RegExp(`cmdstat_${command}:calls=(\\d+)`)
  return stats.reduce<number>((sum, text) => sum + Number(pattern.exec(String(text))?.[1] ?? 0), 0)
}

describe.each(clusterKinds)('the queue on a cluster by $name', ({ open }) => {
  test('serves two processes in order on keys of every node, by sharded messages alone', async () => {
    const processes = [await startProcess(open), await startProcess(open)] as const
    const holder = await startProcess(open)
    const keys = keysOfAll()
    const before = { publish: await callsOf('publish'), spublish: await callsOf('spublish') }
    for (const key of keys) {
      await take(holder.store, key, 'holder')
      for (let place = 0; place < 6; place++) {
        expect(await processes[place % 2 === 0 ? 0 : 1].queueUp(key, `owner ${place}`)).toBe(place)
      }
      let last = 'holder'
      let token = 0
      for (let place = 0; place < 6; place++) {
        const { grants } = processes[place % 2 === 0 ? 0 : 1]
        await holder.store.release(key, last)
        last = `owner ${place}`
        const grant = await eventually(() => grants().find((one) => one.key === key && one.owner === last))
        expect(grant.token).toBeGreaterThan(token)
        ;({ token } = grant)
      }
      await holder.store.release(key, last)
    }
    expect(processes.map(({ grants }) => grants().length)).toEqual([9, 9])
    expect(await callsOf('spublish')).toBe(before.spublish + 18)
    expect(await callsOf('publish')).toBe(before.publish)
  })

  test('tells waiters of one hash tag by one channel, and of stray braces too', async () => {
    const [holder, waiting] = [await startProcess(open), await startProcess(open)]
    const tag = freshKey()
    const keys = [`{${tag}}:a`, `b:{${tag}}`, `${tag}}{c`]
    for (const key of keys) {
      await take(holder.store, key, 'holder')
      expect(await waiting.queueUp(key, 'waiting')).toBe(0)
    }
    expect(await channelsOf(cluster.nodes, tag)).toBe(1)
    for (const key of keys) await holder.store.release(key, 'holder')
    await expect.poll(() => waiting.grants().map(({ key }) => key)).toEqual(keys)
  })

  test('skips a process that is gone at once, on every node', async () => {
    const [holder, gone, alive] = [await startProcess(open), await startProcess(open), await startProcess(open)]
    const keys = keysOfAll()
    for (const key of keys) {
      await take(holder.store, key, 'holder')
      expect(await gone.queueUp(key, 'gone')).toBe(0)
      expect(await alive.queueUp(key, 'alive')).toBe(1)
      expect(await channelsOf(cluster.nodes, key)).toBe(2)
    }
    await gone.store.close()
    for (const key of keys) {
      await until(async () => (await channelsOf(cluster.nodes, key)) === 1)
      await holder.store.release(key, 'holder')
      await expect.poll(() => alive.grants().map((grant) => grant.key)).toContain(key)
    }
  })

  test('tells one who was granted while waiting of a forced release', async () => {
    const [holder, waiting] = [await startProcess(open), await startProcess(open)]
    const key = freshKey()
    await take(holder.store, key, 'holder')
    await waiting.queueUp(key, 'waiting')
    await holder.store.release(key, 'holder')
    await expect.poll(() => waiting.told).toMatchObject([{ type: 'granted' }, { type: 'resync' }])
    expect((await holder.store.inspect(key))?.holders).toMatchObject([{ owner: 'waiting', host: 'here' }])
    await holder.store.forceRelease(key)
    await expect.poll(() => waiting.told.at(-1)).toEqual({ type: 'revoked', key, owner: 'waiting' })
  })

  test('keeps no channel and no connection for keys that nobody waits for any more', async () => {
    const times = 50
    const fast: RedisOptions['env'] = {
      ...realEnv,
      nowMs: () => realEnv.nowMs() * times,
      setTimer: (fire, delayMs, keepAlive) => realEnv.setTimer(fire, delayMs / times, keepAlive),
    }
    const [holder, waiting] = [await startProcess(open), await startProcess(open, cluster, { env: fast })]
    const keys = keysOfAll()
    const connections = async (): Promise<number> => {
      const lists = await Promise.all(cluster.nodes.map((node) => node.command('CLIENT', 'LIST', 'TYPE', 'pubsub')))
      return lists.join('').split('ssub=1').length - 1
    }
    for (const key of keys) {
      await take(holder.store, key, 'holder', { ttlMs: 60_000 })
      await eventually(async () => (await waiting.queueUp(key, 'waiting')) === 0)
      expect(await channelsOf(cluster.nodes, key)).toBe(1)
    }
    expect(await connections()).toBeGreaterThan(0)
    await until(async () => (await connections()) === 0)
    for (const key of keys) expect(await channelsOf(cluster.nodes, key)).toBe(0)
    await eventually(async () => (await waiting.queueUp(keys[0] ?? '', 'waiting')) === 0)
  })

  test('tells again after its connections were lost, and says so', async () => {
    const [holder, waiting] = [await startProcess(open), await startProcess(open)]
    const keys = keysOfAll()
    for (const key of keys) {
      await take(holder.store, key, 'holder')
      expect(await waiting.queueUp(key, 'waiting')).toBe(0)
    }
    expect(waiting.told).toEqual([])
    for (const node of cluster.nodes) await node.command('CLIENT', 'KILL', 'TYPE', 'pubsub')
    await until(() => waiting.told.some(({ type }) => type === 'resync'))
    for (const key of keys) {
      await until(async () => (await channelsOf(cluster.nodes, key)) === 1)
      await holder.store.release(key, 'holder')
    }
    await expect.poll(() => waiting.grants().length).toBe(3)
    expect(waiting.told.filter(({ type }) => type === 'resync').length).toBeLessThanOrEqual(3)
  })

  test('follows a slot that moves to another node', async () => {
    const [holder, waiting] = [await startProcess(open), await startProcess(open)]
    const key = keyOn(0)
    await take(holder.store, key, 'holder')
    expect(await waiting.queueUp(key, 'waiting')).toBe(0)
    await moveSlot(cluster, slotOf(key), 0, 1)
    onTestFinished(() => moveSlot(cluster, slotOf(key), 1, 0))
    await eventually(async () => {
      await waiting.queueUp(key, 'waiting') // as the heartbeat does
      return (await channelsOf(cluster.masters.slice(1, 2), key)) === 1
    })
    await holder.store.release(key, 'holder')
    await expect.poll(() => waiting.grants()).toMatchObject([{ key, owner: 'waiting' }])
  })
})

const programs = {
  ioredis: (nodes: string) => `import { Cluster } from 'ioredis'
    const client = new Cluster(${nodes})`,
  'node-redis': (nodes: string) => `import { createCluster } from 'redis'
    const client = await createCluster({ rootNodes: ${nodes} }).connect()`,
}

test.each(Object.keys(programs) as (keyof typeof programs)[])(
  'a process that was killed is skipped, by %s',
  async (name) => {
    const open = clusterKinds.find((kind) => kind.name.startsWith(name))?.open
    if (open === undefined) throw new Error('no such client')
    const [holder, alive] = [await startProcess(open), await startProcess(open)]
    const key = freshKey()
    await take(holder.store, key, 'holder')
    const wish = JSON.stringify(request(key, 'killed', { queueMs: 30_000 }))
    const child = runProgram(`import { redis } from 'holdfast/redis'
    ${programs[name](JSON.stringify(cluster.nodes.map(({ url, host, port }) => ({ url, host, port }))))}
    setInterval(() => {}, 1_000)
    const { position } = await redis(client).acquire(${wish})
    console.log('place ' + position)
    console.log('pid ' + process.pid)`)
    expect(await child.says('place')).toBe('place 0')
    const pid = Number((await child.says('pid')).slice(4))
    expect(await alive.queueUp(key, 'alive')).toBe(1)
    process.kill(pid, 'SIGKILL')
    await until(async () => (await channelsOf(cluster.nodes, key)) === 1)
    await holder.store.release(key, 'holder')
    await expect.poll(() => alive.grants().map(({ owner }) => owner)).toEqual(['alive'])
  },
)

describe('a user with few rights', () => {
  const startLimited = async (user: string, rights: readonly string[]): Promise<Process> => {
    const rule = [
      'SETUSER',
      user,
      'on',
      '>password',
      ...rights,
      '+ping',
      '+info',
      '+cluster|slots',
      '+cluster|info',
      '+readonly',
    ]
    for (const node of cluster.nodes) await node.command('ACL', ...rule)
    const nodes = cluster.nodes.map(({ host, port }) => ({ host, port }))
    const client = new Cluster(nodes, { redisOptions: { username: user, password: 'password' } })
    return startProcess(() => Promise.resolve({ client: client.on('error', () => {}), end: () => client.disconnect() }))
  }

  test('is told by sharded channels with the documented rights, and by the one channel without those of a Cluster', async () => {
    const docs = await readFile(new URL('../../src/stores/redis/index.ts', import.meta.url), 'utf8')
    const rules = [...docs.matchAll(/```text\n([^`]*)```/g)].map(([, text = '']) =>
      text.replaceAll(/^ \*/gm, '').trim().split(/\s+/),
    )
    const [everywhere = [], onCluster = []] = rules
    expect(everywhere.slice(0, 5)).toEqual(['ACL', 'SETUSER', 'app', 'on', '>password'])
    const before = { publish: await callsOf('publish'), spublish: await callsOf('spublish') }
    for (const rights of [[...everywhere.slice(5), ...onCluster], everywhere.slice(5)]) {
      const user = realEnv.randomId()
      const [holder, waiting] = [await startLimited(user, rights), await startLimited(user, rights)]
      for (const key of keysOfAll()) {
        await take(holder.store, key, 'holder')
        expect(await waiting.queueUp(key, 'waiting')).toBe(0)
        await holder.store.release(key, 'holder')
        await expect.poll(() => waiting.grants().at(-1)).toMatchObject({ key })
      }
    }
    expect(await callsOf('spublish')).toBe(before.spublish + 3)
    expect(await callsOf('publish')).toBe(before.publish + 3)
  })
})

describe('servers without sharded channels', () => {
  let old: RedisCluster
  beforeAll(async () => {
    const hidden = ['SSUBSCRIBE', 'SPUBLISH'].flatMap((command) => ['--rename-command', command, ''])
    old = await startCluster({ args: hidden })
  })
  afterAll(() => old.stop())

  test.each(clusterKinds)('tell by the one channel, by $name', async ({ open }) => {
    const [holder, waiting] = [await startProcess(open, old), await startProcess(open, old)]
    for (const key of keysOfAll()) {
      await take(holder.store, key, 'holder')
      expect(await waiting.queueUp(key, 'waiting')).toBe(0)
      await holder.store.release(key, 'holder')
      await expect.poll(() => waiting.grants().at(-1)).toMatchObject({ key })
    }
  })
})
