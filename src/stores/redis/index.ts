import { type Env, realEnv } from '../../core/env.js'
import type { Store } from '../../core/store.js'
import type { IoredisClient, NodeRedisClient, RedisClient } from './client.js'
import { OwnLink, userLink } from './link.js'
import { RedisStore } from './store.js'

export type { IoredisClient, NodeRedisClient, RedisClient }

/** Options of {@link redis}. */
export interface RedisOptions {
  /** Clocks, timers and randomness. Default: those of the process. For tests. */
  readonly env?: Env
}

/**
 * Locks across machines, kept in Redis (6.0 or later) or Valkey.
 *
 * From a URL, `redis://user:password@host:port/db` or `rediss://…` for TLS, it opens a connection of its own at the first
 * call, by `ioredis` or else `redis` (node-redis), whichever is installed. That connection keeps no process alive, comes
 * back by itself when it was lost, and is closed by `close()`. While there is none, calls reject at once with a `StoreError`.
 *
 * From a client of yours, of ioredis 5 or 6 (`Redis`, `Cluster`), iovalkey, or node-redis 5 or 6 (`createClient`,
 * `createCluster`), it uses that one, with its settings, its database and its `keyPrefix`; connect and close it yourself.
 * With ioredis, `maxRetriesPerRequest` and `commandTimeout` decide how long a call is tried.
 *
 * A second connection, for notices of grants and of forced releases, is opened once a request has to wait or something has
 * been held for 50 ms; it is a duplicate of yours (on a Cluster, of one of its nodes), keeps no process alive, and is closed
 * by `close()`. On a Cluster of Redis 7 or later grants come by sharded channels: one more connection to each master that has
 * keys which are waited for.
 *
 * A lock is one plain string at prefix + key, set with PX: `SET key value NX PX ms` of other programs and holdfast exclude
 * each other. Beside it stand who waits, and, for an hour at most after the lease, the last token and the marks of forced
 * releases.
 *
 * Not protected against: a server that loses what it acknowledged (a failover, a restart without AOF, eviction, FLUSHALL), or
 * whose clock jumps forward. The token (`lease.token`) still grows then, unless the clock went back as well.
 *
 * A user with few rights needs, for the prefix `holdfast:`:
 *
 * ```text
 * ACL SETUSER app on >password resetkeys ~holdfast:* ~{*holdfast:* resetchannels &holdfast:* -@all
 *   +eval +evalsha +time +exists +get +getrange +set +getset +append +del +pttl +pexpire +pexpireat +hget +hmget +hset +hdel +hincrby
 *   +zadd +zrem +zscore +zrange +zrevrange +zrangebyscore +zremrangebyscore +rpush +lpop +lrem +llen +lpos +lindex +lrange
 *   +publish +subscribe +pubsub|numsub +scan
 * ```
 *
 * and `+select` for a database other than 0. On a Cluster of Redis 7 or later also
 *
 * ```text
 *   +spublish +ssubscribe +sunsubscribe +pubsub|shardnumsub
 * ```
 *
 * or grants are told by a channel that every node forwards. Without `+subscribe` or the channels, waiters poll, and there is no order among
 * processes; without `+pubsub|numsub`, one that crashed while it waited costs the others the rest of its place in the queue.
 *
 * @param target A URL, or a client that is yours.
 * @throws InvalidOptionError when the target is neither. Its calls reject with `StoreError` (`outcome` says whether the call
 * may have had its effect) and, for limits that do not agree, with `InvalidOptionError`.
 *
 * @example
 * configure({ store: redis('redis://localhost:6379') })
 * configure({ store: redis(new Redis(options)) })
 */
export function redis(target: string | RedisClient, options: RedisOptions = {}): Store {
  const env = options.env ?? realEnv
  if (typeof target === 'string') return new RedisStore(new OwnLink(target, env), env)
  return new RedisStore(userLink(target, env), env)
}
