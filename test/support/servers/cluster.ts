import { until } from '../until.js'
import { freePort } from './free-port.js'
import { type RedisServer, startRedis } from './redis.js'

export interface RedisCluster {
  /** Each has a third of the slots, in this order. */
  readonly masters: readonly RedisServer[]
  /** The first is a replica of the first master, and so on. */
  readonly replicas: readonly RedisServer[]
  readonly nodes: readonly RedisServer[]
  /** Ends all of them; may be called twice. */
  stop(): Promise<void>
}

export interface ClusterOptions {
  /** How many of the three masters have a replica. Default: none. */
  readonly replicas?: number
  /** More arguments of each redis-server. */
  readonly args?: readonly string[]
}

const startLimitMs = 20_000
const slotRanges = ['0 5460', '5461 10922', '10923 16383']

/** The index of the master that a slot belongs to, at first. */
export function masterOf(slot: number): number {
  return slotRanges.findIndex((range) => slot <= Number(range.split(' ')[1]))
}

/** Starts a Redis Cluster of three masters on free loopback ports. */
export async function startCluster({ replicas = 0, args = [] }: ClusterOptions = {}): Promise<RedisCluster> {
  const nodes = await Promise.all(Array.from({ length: slotRanges.length + replicas }, () => startNode(args)))
  const stop = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.stop()))
  }
  try {
    await join(nodes)
  } catch (error) {
    await stop()
    throw error
  }
  return { masters: nodes.slice(0, slotRanges.length), replicas: nodes.slice(slotRanges.length), nodes, stop }
}

/** Gives a slot and what is in it to another master; both by their index. */
export async function moveSlot({ masters }: RedisCluster, slot: number, from: number, to: number): Promise<void> {
  const [source, target] = [masters[from], masters[to]]
  if (source === undefined || target === undefined) throw new Error('there are three')
  const ids = {
    from: String(await source.command('CLUSTER', 'MYID')),
    to: String(await target.command('CLUSTER', 'MYID')),
  }
  await target.command('CLUSTER', 'SETSLOT', String(slot), 'IMPORTING', ids.from)
  await source.command('CLUSTER', 'SETSLOT', String(slot), 'MIGRATING', ids.to)
  const keys = (await source.command('CLUSTER', 'GETKEYSINSLOT', String(slot), '1000')) as string[]
  if (keys.length > 0) {
    await source.command('MIGRATE', target.host, String(target.port), '', '0', '5000', 'KEYS', ...keys)
  }
  for (const node of [target, source, ...masters]) {
    await node.command('CLUSTER', 'SETSLOT', String(slot), 'NODE', ids.to)
  }
}

async function startNode(args: readonly string[]): Promise<RedisServer> {
  const busPort = String(await freePort())
  const settings = ['--cluster-enabled', 'yes', '--cluster-port', busPort, '--cluster-node-timeout', '1000']
  return startRedis({ args: [...settings, '--repl-diskless-sync-delay', '0', ...args] })
}

async function join(nodes: readonly RedisServer[]): Promise<void> {
  const [first] = nodes
  for (const [index, node] of nodes.entries()) {
    const range = slotRanges[index]
    if (range !== undefined) await node.command('CLUSTER', 'ADDSLOTSRANGE', ...range.split(' '))
    const busPort = /:\d+@(\d+)/.exec(String(await node.command('CLUSTER', 'NODES')))?.[1] ?? ''
    await first?.command('CLUSTER', 'MEET', node.host, String(node.port), busPort)
  }
  for (const node of nodes) await until(() => knowsAll(node, nodes.length), startLimitMs)
  for (const [index, replica] of nodes.slice(slotRanges.length).entries()) {
    const masterId = String(await nodes[index]?.command('CLUSTER', 'MYID'))
    await replica.command('CLUSTER', 'REPLICATE', masterId)
    const isUp = async (): Promise<boolean> =>
      String(await replica.command('INFO', 'replication')).includes('master_link_status:up')
    await until(isUp, startLimitMs)
  }
}

async function knowsAll(node: RedisServer, count: number): Promise<boolean> {
  const info = String(await node.command('CLUSTER', 'INFO'))
  return info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${count}`)
}
