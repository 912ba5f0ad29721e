import { Cluster } from 'ioredis'
import { Cluster as Cluster6 } from 'ioredis6'
import { createCluster } from 'redis'
import { createCluster as createCluster5 } from 'redis5'
import type { RedisClient } from '../../src/stores/redis/index.js'
import { slotOf } from '../../src/stores/redis/keys.js'
import { masterOf } from '../support/servers/cluster.js'
import type { RedisServer } from '../support/servers/redis.js'
import { freshKey } from './support.js'

export interface OpenCluster {
  readonly client: RedisClient
  end(): void
}

export interface ClusterKind {
  readonly name: string
  open(nodes: readonly RedisServer[]): Promise<OpenCluster>
}

const ofIoredis = (client: Cluster | Cluster6): OpenCluster => ({
  client: client.on('error', () => {}),
  end: () => client.disconnect(),
})

/** Clients of a Cluster made as their users make them. */
export const clusterKinds: readonly ClusterKind[] = [
  {
    name: 'ioredis 5',
    open: async (nodes) => ofIoredis(new Cluster(nodes.map(({ host, port }) => ({ host, port })))),
  },
  {
    name: 'ioredis 6',
    open: async (nodes) => ofIoredis(new Cluster6(nodes.map(({ host, port }) => ({ host, port })))),
  },
  {
    name: 'node-redis 5',
    open: async (nodes) => {
      const client = createCluster5({ rootNodes: nodes.map(({ url }) => ({ url })) })
      await client.on('error', () => {}).connect()
      return { client, end: () => client.destroy() }
    },
  },
  {
    name: 'node-redis 6',
    open: async (nodes) => {
      const client = createCluster({ rootNodes: nodes.map(({ url }) => ({ url })) })
      await client.on('error', () => {}).connect()
      return { client, end: () => client.destroy() }
    },
  },
]

/** A fresh key of the master with this index. */
export function keyOn(index: number): string {
  for (;;) {
    const key = freshKey()
    if (masterOf(slotOf(key)) === index) return key
  }
}

/** How many sharded channels of the key have subscribers on these nodes. */
export async function channelsOf(nodes: readonly RedisServer[], key: string): Promise<number> {
  const found = nodes.map((node) => node.command('PUBSUB', 'SHARDCHANNELS', `*${key}*`).catch(() => []))
  return (await Promise.all(found)).flat().length
}
