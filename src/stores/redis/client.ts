import type { Env } from '../../core/env.js'
import { InvalidOptionError } from '../../core/errors.js'
import { ioredisDriver } from './ioredis.js'
import { nodeRedisDriver } from './node-redis.js'

/** A client of ioredis 5 or 6, or iovalkey: a `Redis` or a `Cluster`. */
export interface IoredisClient {
  readonly status: string
  evalsha(sha: string, keyCount: number, ...keysAndArguments: string[]): Promise<unknown>
  eval(text: string, keyCount: number, ...keysAndArguments: string[]): Promise<unknown>
  duplicate(): unknown
}

/** A client of node-redis (package `redis`) 5 or 6: from `createClient` or `createCluster`. */
export interface NodeRedisClient {
  readonly isOpen: boolean
  evalSha(sha: string, options?: { keys?: string[]; arguments?: string[] }): Promise<unknown>
  eval(text: string, options?: { keys?: string[]; arguments?: string[] }): Promise<unknown>
  duplicate(): unknown
}

/** A client that the user made. Told apart by what it can do, so that any version and any look-alike fits. */
export type RedisClient = IoredisClient | NodeRedisClient

/** What the store needs of a client library. Rejects with the library's own errors. */
export interface Driver {
  /** What the client puts before every key by itself. */
  readonly keyPrefix: string
  /** What must not appear in any text. */
  readonly secrets: readonly string[]
  /** Why a call would be in vain; undefined: go on. */
  refusal(): string | undefined
  evalsha(sha: string, keys: readonly string[], args: readonly string[]): Promise<unknown>
  eval(text: string, keys: readonly string[], args: readonly string[]): Promise<unknown>
  get(key: string): Promise<unknown>
  /** One per server that has keys of its own, always in the same order. */
  scanners(): Promise<readonly Scan[]>
  /** Makes a connection for messages; `onLost` is called when it is lost after it was open, not after `close`. */
  subscriber(onLost: () => void): Promise<Subscriber>
  /** Of a Cluster only. */
  readonly shards: Shards | undefined
}

/** The servers of a Cluster, as far as the client knows them now. */
export interface Shards {
  /** Name of the master that has the slot. */
  ownerOf(slot: number): string | undefined
  /** A connection for sharded messages to that master; `onLost` too when the server ended one of its subscriptions. */
  subscriber(owner: string, onLost: () => void): Promise<ShardSubscriber>
}

/** One step of SCAN: names that match, and the cursor of the next step, '0' after the last. */
export type Scan = (cursor: string, pattern: string, count: number) => Promise<ScanPage>

export interface ScanPage {
  readonly cursor: string
  readonly keys: readonly string[]
}

/** A connection of its own, used once; it keeps no process alive. */
export interface Subscriber {
  /** Resolves when subscribed. */
  open(channel: string, onMessage: (text: string) => void): Promise<void>
  /** At any time, also while it is being opened. */
  close(): void
}

/** A connection to one node of a Cluster, used once, for channels that belong to its slots; it keeps no process alive. */
export interface ShardSubscriber {
  open(onMessage: (text: string) => void): Promise<void>
  /** Resolves when subscribed; may stay pending when the connection is lost. */
  subscribe(channel: string): Promise<void>
  unsubscribe(channel: string): void
  /** At any time, also while it is being opened. */
  close(): void
}

/** @throws InvalidOptionError when it is neither */
export function driverOf(client: RedisClient, env: Env): Driver {
  const given: unknown = client
  if (typeof given === 'object' && given !== null) {
    if ('evalSha' in client) return nodeRedisDriver(client)
    if ('evalsha' in client) return ioredisDriver(client, env)
  }
  throw new InvalidOptionError(
    'redis() takes a URL such as redis://localhost:6379, or a client of ioredis or node-redis; this is neither.',
  )
}
