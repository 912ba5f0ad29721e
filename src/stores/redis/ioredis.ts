import type { Env } from '../../core/env.js'
import type { Driver, IoredisClient, Scan, Shards, ShardSubscriber, Subscriber } from './client.js'

/** What is used of ioredis beyond the public type; the same in versions 5 and 6 and in iovalkey. */
export interface Ioredis extends IoredisClient {
  readonly options: IoredisSettings & { readonly redisOptions?: IoredisSettings }
  readonly stream?: { readonly destroyed: boolean; destroy(): void; unref(): void; cork?(): void; uncork?(): void }
  connect(): Promise<void>
  disconnect(): void
  duplicate(settings?: Readonly<Record<string, unknown>>): Ioredis
  /** Of a Cluster only. */
  nodes?(role: 'master'): Ioredis[]
  /** Of a Cluster only: for each slot the names of its nodes, the master first. */
  readonly slots?: readonly (readonly string[] | undefined)[]
  on(event: string, listener: (...args: never[]) => void): unknown
  once(event: string, listener: (...args: never[]) => void): unknown
  get(key: string): Promise<string | null>
  scan(cursor: string, ...args: (string | number)[]): Promise<[cursor: string, keys: string[]]>
  subscribe(channel: string): Promise<unknown>
  ssubscribe(channel: string): Promise<unknown>
  sunsubscribe(channel: string): Promise<unknown>
  select(db: number): Promise<unknown>
}

interface IoredisSettings {
  readonly keyPrefix?: string | Buffer | null
  readonly password?: unknown
  readonly sentinelPassword?: unknown
  readonly host?: string
  readonly port?: number
}

export function ioredisDriver(client: IoredisClient, env: Env): Driver {
  // The public type asks for little, so that every version fits; this is the one place that knows the rest.
  const ioredis = client as Ioredis
  const { keyPrefix, redisOptions } = ioredis.options
  const settings = [ioredis.options, redisOptions ?? {}]
  let turn = 0
  const gather = gatherer(ioredis)
  return {
    keyPrefix: keyPrefix?.toString() ?? '',
    secrets: settings
      .flatMap(({ password, sentinelPassword }) => [password, sentinelPassword])
      .filter((secret) => typeof secret === 'string')
      .filter((secret) => secret !== ''),
    refusal: () => (client.status === 'end' ? 'the client is closed' : undefined),
    evalsha: (sha, keys, args) => {
      gather.before()
      const reply = client.evalsha(sha, keys.length, ...keys, ...args)
      gather.after()
      return reply
    },
    eval: (text, keys, args) => client.eval(text, keys.length, ...keys, ...args),
    get: (key) => {
      gather.before()
      const reply = ioredis.get(key)
      gather.after()
      return reply
    },
    scanners: () => Promise.resolve(nodesOf(ioredis).map(scanner)),
    subscriber: (onLost) => {
      // A message reaches every node of a Cluster. After a failure, the next node gets its chance.
      const nodes = nodesOf(ioredis)
      const node = nodes[turn++ % nodes.length]
      if (node === undefined) return Promise.reject(new Error('no node of the cluster is known yet'))
      return Promise.resolve(subscriber(node.duplicate(subscriberSettings), env, onLost))
    },
    shards: ioredis.nodes === undefined ? undefined : shardsOf(ioredis, env),
  }
}

/**
 * Commands of one tick in one write: `process.nextTick`, asked for in a promise job, runs when all promise jobs have. From
 * the second command of a tick on: one alone goes out at once. Of many, each sixteen go together, so that the server works
 * while the rest is being written: 64 callers do 50,000 pairs a second, and 37,000 when all 64 go in one write.
 */
function gatherer(client: Ioredis): { before(): void; after(): void } {
  let commands = 0
  let corked: Ioredis['stream']
  const flush = (): void => {
    commands = 0
    corked?.uncork?.()
    corked = undefined
  }
  return {
    before: () => {
      if (commands !== 1 && (commands === 0 || commands % together > 0)) return
      corked?.uncork?.()
      corked = client.stream
      corked?.cork?.()
    },
    after: () => {
      if (commands++ === 0) process.nextTick(flush) // the first is on its way by now
    },
  }
}

const together = 16

/** Lets the process end though the connection is open, or being opened: the socket exists a turn after `connect`. */
export function unrefIoredis(client: Ioredis, env: Env): void {
  const unref = (): void => client.stream?.unref()
  client.on('connecting', () => env.setImmediate(unref))
  client.on('connect', unref)
}

/** Ends it at once, without the 2 s that ioredis waits for the other side. */
export function endIoredis(client: Ioredis): void {
  // A socket that is closed already would leave its timer of 2 s behind, which keeps the process alive.
  if (client.status !== 'end') client.disconnect()
  client.stream?.destroy()
}

function nodesOf(client: Ioredis): readonly Ioredis[] {
  if (client.nodes === undefined) return [client]
  return client.nodes('master').sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))
}

function nameOf({ options }: Ioredis): string {
  return `${options.host ?? ''}:${options.port ?? ''}`
}

function shardsOf(cluster: Ioredis, env: Env): Shards {
  return {
    ownerOf: (slot) => cluster.slots?.[slot]?.[0],
    subscriber: (owner, onLost) => {
      const node = nodesOf(cluster).find((one) => nameOf(one) === owner)
      if (node === undefined) return Promise.reject(new Error('that node of the cluster is not known any more'))
      return Promise.resolve(shardSubscriber(node.duplicate(subscriberSettings), env, onLost))
    },
  }
}

function scanner(node: Ioredis): Scan {
  return async (cursor, pattern, count) => {
    const [next, keys] = await node.scan(cursor, 'MATCH', pattern, 'COUNT', count)
    return { cursor: next, keys }
  }
}

function subscriber(client: Ioredis, env: Env, onLost: () => void): Subscriber {
  let isOpen = false
  client.on('error', () => undefined) // told by `end`
  client.on('end', () => {
    if (isOpen) onLost()
  })
  unrefIoredis(client, env)
  return {
    open: async (channel, onMessage) => {
      client.on('message', (_channel: string, text: string) => onMessage(text))
      await client.connect()
      await client.subscribe(channel)
      if (client.status === 'end') throw new Error('the connection was lost')
      isOpen = true
    },
    close: () => {
      isOpen = false
      endIoredis(client)
    },
  }
}

function shardSubscriber(client: Ioredis, env: Env, onLost: () => void): ShardSubscriber {
  let isOpen = false
  const close = (): void => {
    isOpen = false
    endIoredis(client)
  }
  const lose = (): void => {
    if (!isOpen) return
    close()
    onLost()
  }
  // A slot that moves away is told by `moved`, by an `error` (version 5, no command is pending), or by neither (pending).
  for (const event of ['error', 'end', 'moved']) client.on(event, lose)
  unrefIoredis(client, env)
  return {
    open: async (onMessage) => {
      client.on('smessage', (_channel: string, text: string) => onMessage(text))
      await client.connect()
      isOpen = true
    },
    subscribe: async (channel) => {
      await client.ssubscribe(channel)
    },
    unsubscribe: (channel) => {
      client.sunsubscribe(channel).catch(lose)
    },
    close,
  }
}

const subscriberSettings: Readonly<Record<string, unknown>> = {
  lazyConnect: true,
  retryStrategy: () => null,
  maxRetriesPerRequest: 0,
  enableOfflineQueue: true,
  enableReadyCheck: false,
  keyPrefix: '',
  autoResubscribe: false,
  monitor: false,
  keepAlive: 10_000,
}
