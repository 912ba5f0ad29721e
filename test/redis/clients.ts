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

export interface ClientKind {
  readonly name: string
  open(url: string, settings?: { readonly keyPrefix?: string }): Promise<OpenClient>
}

/** The libraries that are promised to fit, in both their current major versions. */
export const clientKinds: readonly ClientKind[] = [
  {
    name: 'ioredis 5',
    open: async (url, settings = {}) => {
      const client = new Redis(url, settings)
      return { client, ping: () => client.ping(), end: () => client.disconnect() }
    },
  },
  {
    name: 'ioredis 6',
    open: async (url, settings = {}) => {
      const client = new Redis6(url, settings)
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
    open: async (url, settings = {}) => {
      const client = createClient({ url, ...settings })
      await client.on('error', () => {}).connect()
      return { client, ping: () => client.ping(), end: () => client.destroy() }
    },
  },
]
