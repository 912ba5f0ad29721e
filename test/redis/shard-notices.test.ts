import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { realEnv } from '../../src/core/env.js'
import { redis } from '../../src/stores/redis/index.js'
import { driverOf } from '../../src/stores/redis/client.js'
import { shardChannel, slotOf } from '../../src/stores/redis/keys.js'
import { ShardNotices } from '../../src/stores/redis/shard-notices.js'
import { virtualEnv, type VirtualEnv } from '../../src/testing/virtual-env.js'
import { moveSlot, type RedisCluster, startCluster } from '../support/servers/cluster.js'
import { until } from '../support/until.js'
import { type ClusterKind, clusterKinds, keyOn, type OpenCluster } from './cluster-clients.js'
import { freshKey } from './support.js'

let cluster: RedisCluster
beforeAll(async () => {
  cluster = await startCluster()
})
afterAll(() => cluster.stop())

const patienceMs = 200
const idleMs = 10_000
const longestPauseMs = 5_000

interface Listening {
  readonly notices: ShardNotices
  /** Its clock stands still but for what the test lets pass; the connections are real. */
  readonly time: VirtualEnv
  readonly told: string[]
  readonly resyncs: () => number
}

/** The channel of a key. */
const channelOf = (key: string): string => shardChannel(key, '', 'w')

/** The channel of a fresh key of the master with this index. */
const channelOn = (index: number): string => channelOf(keyOn(index))

/** How many are subscribed to it, and where. */
async function subscribers(channel: string): Promise<number[]> {
  const counts = cluster.masters.map((node) => node.command('PUBSUB', 'SHARDNUMSUB', channel))
  return (await Promise.all(counts)).map((reply) => Number((reply as unknown[])[1]))
}

async function connections(index: number): Promise<number> {
  const clients = String(await cluster.masters[index]?.command('CLIENT', 'LIST'))
  return clients.split('\n').filter((line) => /\bssub=[1-9]/.test(line)).length
}

function listenBy({ client }: OpenCluster): Listening {
  const time = virtualEnv()
  const told: string[] = []
  let resyncs = 0
  const { shards } = driverOf(client, realEnv)
  if (shards === undefined) throw new Error('it is a Cluster')
  const onMessage = (text: string): void => void told.push(text)
  const notices = new ShardNotices({ env: time, shards, onMessage, onResync: () => resyncs++ })
  onTestFinished(() => notices.stop())
  return { notices, time, told, resyncs: () => resyncs }
}

/** A client that knows the Cluster. */
async function connected(open: ClusterKind['open'], { nodes }: RedisCluster): Promise<OpenCluster> {
  const client = await open(nodes)
  const store = redis(client.client)
  await store.inspect(freshKey())
  await store.close()
  return client
}

describe.each(clusterKinds)('sharded channels by $name', ({ open }) => {
  let client: OpenCluster
  beforeAll(async () => {
    client = await connected(open, cluster)
  })
  afterAll(() => client.end())

  const listen = (): Listening => listenBy(client)

  test('are open when they say so, each on the master of its key', async () => {
    const { notices, told, resyncs } = listen()
    const channels = [0, 1, 2].map((index) => channelOn(index))
    for (const [index, channel] of channels.entries()) {
      expect(notices.hears(channel)).toBe(false)
      expect(await notices.opened(channel, patienceMs)).toBe(true)
      expect(notices.hears(channel)).toBe(true)
      expect(await subscribers(channel)).toEqual([0, 1, 2].map((master) => (master === index ? 1 : 0)))
      await cluster.masters[index]?.command('SPUBLISH', channel, `to ${index}`)
    }
    await until(() => told.length === 3)
    expect(told.toSorted()).toEqual(['to 0', 'to 1', 'to 2'])
    expect(resyncs()).toBe(0)
  })

  test('are opened for who wants them later, once', async () => {
    const { notices } = listen()
    const channel = channelOn(0)
    notices.want(channel)
    notices.want(channel)
    await until(() => notices.hears(channel))
    expect(await subscribers(channel)).toEqual([1, 0, 0])
    expect(await notices.opened(channel, patienceMs)).toBe(true)
    expect(await connections(0)).toBe(1)
  })

  test('share one connection to a master, which ends with the last of them', async () => {
    const { notices, time } = listen()
    const [first, second] = [channelOn(1), channelOn(1)]
    for (const channel of [first, second]) expect(await notices.opened(channel, patienceMs)).toBe(true)
    expect(await connections(1)).toBe(1)
    for (let passedMs = 0; passedMs < 2 * idleMs; passedMs += idleMs / 2) {
      expect(notices.hears(second)).toBe(true)
      await time.advance(idleMs / 2)
    }
    await until(async () => (await subscribers(first))[1] === 0)
    expect(await subscribers(second)).toEqual([0, 1, 0])
    await time.advance(2 * idleMs)
    await until(async () => (await connections(1)) === 0)
    expect(notices.hears(second)).toBe(false)
    expect(time.pendingTimers).toBe(0)
  })

  test('that a server is slow to open are not waited for longer than asked, nor twice', async () => {
    const { notices, time } = listen()
    const channel = channelOn(2)
    cluster.masters[2]?.pause()
    onTestFinished(() => cluster.masters[2]?.resume())
    const answers: boolean[] = []
    for (let caller = 0; caller < 2; caller++) void notices.opened(channel, patienceMs).then((is) => answers.push(is))
    await time.advance(patienceMs - 1)
    expect(answers).toEqual([])
    expect(time.keepAliveTimers).toBe(2)
    await time.advance(1)
    expect(answers).toEqual([false, false])
    expect(await notices.opened(channel, patienceMs)).toBe(false)
    expect(notices.hears(channel)).toBe(false)
    cluster.masters[2]?.resume()
    await until(() => notices.hears(channel))
    expect(time.keepAliveTimers).toBe(0)
    expect(await notices.opened(channel, patienceMs)).toBe(true)
  })

  test('that were lost are opened again, and it is told once that messages may have been missed', async () => {
    const { notices, time, resyncs } = listen()
    const channels = [0, 0, 1].map((index) => channelOn(index))
    for (const channel of channels) await notices.opened(channel, patienceMs)
    for (const node of cluster.masters) await node.command('CLIENT', 'KILL', 'TYPE', 'pubsub')
    await until(() => channels.every((channel) => !notices.hears(channel)))
    for (const channel of channels) expect(await subscribers(channel)).toEqual([0, 0, 0])
    expect(resyncs()).toBe(0)
    await time.advance(50)
    await until(() => channels.every((channel) => notices.hears(channel)))
    await until(() => resyncs() === 1)
    await time.advance(idleMs - 1)
    expect(resyncs()).toBe(1)
  })

  test('end with all that waits for them, and may be asked for anew', async () => {
    const { notices, time, resyncs } = listen()
    const [first, second] = [channelOn(0), channelOn(1)]
    await notices.opened(second, patienceMs)
    cluster.masters[0]?.pause()
    onTestFinished(() => cluster.masters[0]?.resume())
    const opened = notices.opened(first, patienceMs)
    await time.advance(1)
    notices.stop()
    expect(await opened).toBe(false)
    expect(time.pendingTimers).toBe(0)
    expect([notices.hears(first), notices.hears(second)]).toEqual([false, false])
    cluster.masters[0]?.resume()
    await until(async () => (await connections(1)) === 0)
    expect(await notices.opened(first, patienceMs)).toBe(true)
    await until(async () => (await connections(0)) === 1)
    expect(await subscribers(first)).toEqual([1, 0, 0])
    expect(resyncs()).toBe(0)
  })

  test('follow their slot to another master, and the rest stays where it is', async () => {
    const { notices, time, resyncs } = listen()
    const [key, other] = [keyOn(0), keyOn(0)]
    const [moved, rest] = [channelOf(key), channelOf(other)]
    for (const channel of [moved, rest]) await notices.opened(channel, patienceMs)
    await moveSlot(cluster, slotOf(key), 0, 1)
    onTestFinished(() => moveSlot(cluster, slotOf(key), 1, 0))
    const store = redis(client.client)
    onTestFinished(() => store.close())
    await until(async () => {
      await store.inspect(key) // who is sent elsewhere learns who has the slot
      const isOpen = notices.hears(moved)
      await time.advance(100)
      return isOpen && (await subscribers(moved))[1] === 1
    })
    await until(() => notices.hears(rest))
    expect(await subscribers(moved)).toEqual([0, 1, 0])
    expect(await subscribers(rest)).toEqual([1, 0, 0])
    await until(() => resyncs() > 0)
  })
})

test.each(clusterKinds)(
  'a channel that cannot be opened says so at once, is tried again, and what may have been missed is told, by $name',
  async ({ open }) => {
    const own = await startCluster()
    onTestFinished(() => own.stop())
    const client = await connected(open, own)
    onTestFinished(() => client.end())
    const { notices, time, resyncs } = listenBy(client)
    const key = keyOn(1)
    const [known, fresh] = [channelOf(key), channelOn(1)]
    expect(await notices.opened(known, patienceMs)).toBe(true)
    const [, master] = own.masters
    await master?.kill()
    await until(() => !notices.hears(known))
    expect(await notices.opened(fresh, patienceMs)).toBe(false) // and no time has passed
    for (let turn = 0; turn < 3; turn++) {
      await time.advance(longestPauseMs)
      expect([notices.hears(known), notices.hears(fresh), notices.refused]).toEqual([false, false, false])
      await until(() => time.pendingTimers === 1)
    }
    expect(resyncs()).toBe(0)
    await master?.restart({ keepData: false })
    const store = redis(client.client)
    onTestFinished(() => store.close())
    await until(async () => {
      await Promise.resolve(store.inspect(key)).catch(() => undefined) // who is answered learns that it is back
      await time.advance(longestPauseMs)
      return notices.hears(known) && notices.hears(fresh)
    })
    await until(() => resyncs() > 0)
    notices.stop()
    notices.want(known)
    notices.stop() // before anything was opened
    expect(time.pendingTimers).toBe(0)
  },
)
