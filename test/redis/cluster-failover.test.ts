import { setTimeout as sleep } from 'node:timers/promises'
import { createHoldfast } from 'holdfast'
import { describe, expect, onTestFinished, test } from 'vitest'
import { redis } from '../../src/stores/redis/index.js'
import { type RedisCluster, startCluster } from '../support/servers/cluster.js'
import type { RedisServer } from '../support/servers/redis.js'
import { until } from '../support/until.js'
import { channelsOf, type ClusterKind, clusterKinds, keyOn } from './cluster-clients.js'
import { eventually } from './support.js'

describe('a failover', () => {
  test.each(clusterKinds)(
    'costs a waiter no more than time, by $name',
    async ({ name, open }) => {
      const own = await startCluster({ replicas: 1 })
      onTestFinished(() => own.stop())
      const [master, replica] = [own.masters[0], own.replicas[0]]
      if (master === undefined || replica === undefined) throw new Error('there are both')
      const [holder, waiting] = [await startFleetMember(open, own), await startFleetMember(open, own)]
      const key = keyOn(0).slice('holdfast:'.length)
      const lease = await holder.lock(key, { ttl: '10s' }).acquire()
      const wait = waiting.lock(key, { wait: '50s', ttl: '10s' }).acquire()
      await until(async () => (await channelsOf(own.nodes, key)) === 1)
      await master.kill()
      await until(async () => String(await replica.command('ROLE')).startsWith('master'), 20_000)
      if (name === 'node-redis 5') await master.restart({ keepData: false }) // it looks for the new one when the old one says so
      await eventually(() => lease.release().then(() => true), 30_000)
      const second = await wait
      expect(second.token).toBeGreaterThan(lease.token)
      await second.release()
    },
    60_000,
  )

  test.each(clusterKinds)(
    'on command leaves the waiters in line, and they are told, by $name',
    async ({ open }) => {
      const own = await startCluster({ replicas: 1 })
      onTestFinished(() => own.stop())
      const [master, replica] = [own.masters[0], own.replicas[0]]
      if (master === undefined || replica === undefined) throw new Error('there are both')
      const [holder, waiting] = [await startFleetMember(open, own), await startFleetMember(open, own)]
      const key = keyOn(0).slice('holdfast:'.length)
      const lease = await holder.lock(key).acquire()
      const wait = waiting.lock(key, { wait: true }).acquire()
      await until(async () => (await channelsOf(own.nodes, key)) === 1)
      const writtenTo = await offsetOf(master)
      await until(async () => (await offsetOf(replica)) >= writtenTo)
      await replica.command('CLUSTER', 'FAILOVER', 'TAKEOVER')
      await until(async () => (await channelsOf([replica], key)) === 1)
      await until(async () => (await waiting.lock(key).inspect())?.waiters.length === 1)
      await lease.release()
      const second = await wait
      expect(second.token).toBeGreaterThan(lease.token)
      await second.release()
    },
    30_000,
  )
})

/** How far it has written, or heard of writes. */
async function offsetOf(node: RedisServer): Promise<number> {
  return Number(/master_repl_offset:(\d+)/.exec(String(await node.command('INFO', 'replication')))?.[1])
}

async function startFleetMember(
  open: ClusterKind['open'],
  of: RedisCluster,
): Promise<ReturnType<typeof createHoldfast>> {
  const { client, end } = await open(of.nodes)
  const holdfast = createHoldfast({ store: redis(client), storeTimeout: '20s' })
  onTestFinished(async () => {
    await Promise.race([holdfast.close().catch(() => undefined), sleep(1_000)]) // what it waits for may be gone
    end()
  })
  return holdfast
}
