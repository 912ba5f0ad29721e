import { Redis } from 'ioredis'
import { Redis as Redis6 } from 'ioredis6'
import { createClient } from 'redis'
import { createClient as createClient5 } from 'redis5'
import type { RedisClient } from '../../src/stores/redis/index.js'

/** A client made as its users make it. */
export interface OpenClient {
  readonly client: RedisClient
  ping(): Promise<string>
  end(): void
}

export interface ClientSettings {
  readonly keyPrefix?: string
  /** Of ioredis only: whether it asks INFO before it begins. */
  readonly enableReadyCheck?: boolean
}

export interface ClientKind {
  readonly name: string
  open(url: string, settings?: ClientSettings): Promise<OpenClient>
}

/** The libraries that are promised to fit, in both their current major versions. */
export const clientKinds: readonly ClientKind[] = [
  {
    name: 'ioredis 5',
    open: async (url, settings = {}) => {
      const client = new Redis(url, settings).on('error', () => {})
      return { client, ping: () => client.ping(), end: () => client.disconnect() }
    },
  },
  {
    name: 'ioredis 6',
    open: async (url, settings = {}) => {
      const client = new Redis6(url, settings).on('error', () => {})
      return { client, ping: () => client.ping(), end: () => client.disconnect() }
    },
  },
  {
    name: 'node-redis 5',
    open: async (url) => {
      const client = createClient5({ url })
      await client.on('error', () => {}).connect()
      return { client, ping: () => client.ping(), end: () => client.destroy() }
    },
  },
  {
    name: 'node-redis 6',
    open: async (url, { keyPrefix = '' } = {}) => {
      const client = createClient({ url, keyPrefix })
      await client.on('error', () => {}).connect()
      return { client, ping: () => client.ping(), end: () => client.destroy() }
    },
  },
]
