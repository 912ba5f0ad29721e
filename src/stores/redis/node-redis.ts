import type { Driver, NodeRedisClient, Scan, Shards, ShardSubscriber, Subscriber } from './client.js'

/** What is used of node-redis beyond the public type; the same in versions 5 and 6. */
export interface NodeRedis extends NodeRedisClient {
  readonly isReady: boolean
  readonly options?: NodeRedisSettings
  connect(): Promise<unknown>
  destroy(): void
  unref(): void
  duplicate(settings?: Readonly<Record<string, unknown>>): NodeRedis
  on(event: string, listener: (...args: never[]) => void): unknown
  get(key: string): Promise<unknown>
  scan(cursor: string, options: { MATCH: string; COUNT: number }): Promise<{ cursor: unknown; keys: unknown[] }>
  subscribe(channel: string, listener: (message: string) => void): Promise<unknown>
  sSubscribe(channel: string, listener: (message: string) => void): Promise<unknown>
  sUnsubscribe(channel: string): Promise<unknown>
  /** Of a cluster only. */
  readonly masters?: readonly Master[]
  readonly slots?: readonly ({ readonly master: Master } | undefined)[]
  nodeClient?(master: Master): NodeRedis | Promise<NodeRedis>
  readonly _options?: NodeRedisSettings & { readonly defaults?: NodeRedisSettings }
}

interface Master {
  readonly address: string
}

interface NodeRedisSettings {
  readonly keyPrefix?: string | Buffer
  readonly password?: unknown
  readonly socket?: object
}

export function nodeRedisDriver(client: NodeRedisClient): Driver {
  // The public type asks for little, so that every version fits; this is the one place that knows the rest.
  const nodeRedis = client as NodeRedis
  const settings = [nodeRedis.options ?? {}, nodeRedis._options ?? {}, nodeRedis._options?.defaults ?? {}]
  let turn = 0
  return {
    keyPrefix: settings.map((some) => some.keyPrefix?.toString() ?? '').find((prefix) => prefix !== '') ?? '',
    secrets: settings
      .map(({ password }) => password)
      .filter((secret) => typeof secret === 'string')
      .filter((secret) => secret !== ''),
    refusal: () => (client.isOpen ? undefined : 'the client is not connected; await client.connect() first'),
    evalsha: (sha, keys, args) => client.evalSha(sha, { keys: [...keys], arguments: [...args] }),
    eval: (text, keys, args) => client.eval(text, { keys: [...keys], arguments: [...args] }),
    get: (key) => nodeRedis.get(key),
    scanners: async () => (await nodesOf(nodeRedis)).map(scanner),
    subscriber: async (onLost) => {
      // A message reaches every node of a cluster. After a failure, the next node gets its chance.
      const nodes = await nodesOf(nodeRedis)
      const node = nodes[turn++ % nodes.length]
      if (node === undefined) throw new Error('no node of the cluster is known yet')
      return subscriber(node, onLost)
    },
    shards: 'masters' in nodeRedis ? shardsOf(nodeRedis) : undefined,
  }
}

function shardsOf(cluster: NodeRedis): Shards {
  return {
    ownerOf: (slot) => cluster.slots?.[slot]?.master.address,
    subscriber: async (owner, onLost) => {
      const master = cluster.masters?.find(({ address }) => address === owner)
      const node = master === undefined ? undefined : await cluster.nodeClient?.(master)
      if (node === undefined) throw new Error('that node of the cluster is not known any more')
      return shardSubscriber(node, onLost)
    },
  }
}

async function nodesOf(client: NodeRedis): Promise<readonly NodeRedis[]> {
  const { masters } = client
  if (masters === undefined) return [client]
  const nodes: NodeRedis[] = []
  for (const master of [...masters].sort((a, b) => (a.address < b.address ? -1 : 1))) {
    const node = await client.nodeClient?.(master)
    if (node !== undefined) nodes.push(node)
  }
  return nodes
}

function scanner(node: NodeRedis): Scan {
  return async (cursor, pattern, count) => {
    const page = await node.scan(cursor, { MATCH: pattern, COUNT: count })
    return { cursor: String(page.cursor), keys: page.keys.map(String) }
  }
}

interface Connection {
  readonly client: NodeRedis
  /** From now on its end is told. */
  readonly opened: () => void
  readonly close: () => void
}

function connection(node: NodeRedis, onLost: () => void): Connection {
  const client = node.duplicate({
    socket: { ...node.options?.socket, reconnectStrategy: false },
    clientSideCache: undefined,
  })
  let isOpen = false
  const close = (): void => {
    isOpen = false
    if (client.isOpen) client.destroy()
  }
  const lose = (): void => {
    if (!isOpen) return
    close()
    onLost()
  }
  // Without a reconnect strategy an error is the end of the connection, or the end of what made sense on it.
  for (const event of ['error', 'sharded-channel-moved']) client.on(event, lose)
  client.unref()
  return { client, opened: () => void (isOpen = true), close }
}

function subscriber(node: NodeRedis, onLost: () => void): Subscriber {
  const { client, opened, close } = connection(node, onLost)
  return {
    open: async (channel, onMessage) => {
      await client.connect()
      await client.subscribe(channel, onMessage)
      opened()
    },
    close,
  }
}

function shardSubscriber(node: NodeRedis, onLost: () => void): ShardSubscriber {
  const { client, opened, close } = connection(node, onLost)
  let read = (_text: string): void => undefined
  return {
    open: async (onMessage) => {
      read = onMessage
      await client.connect()
      opened()
    },
    subscribe: async (channel) => {
      await client.sSubscribe(channel, (text) => read(text))
    },
    unsubscribe: (channel) => {
      client.sUnsubscribe(channel).catch(() => undefined) // the connection's end is told by itself
    },
    close,
  }
}
