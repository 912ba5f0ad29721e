import { createClient } from 'redis'
import mutex, { type ReleaseFunc } from 'simple-redis-mutex'
import type { Instance, Setting } from '../library.js'

export async function openSimpleRedisMutex({ redisUrl }: Setting): Promise<Instance<ReleaseFunc>> {
  const client = createClient({ url: redisUrl })
  await client.connect()
  return {
    acquire: (key, terms) => mutex.lock(client, key, terms && { timeout: terms.ttlMs, failAfter: terms.waitMs }),
    release: (held) => held(),
    token: (held) => held.fencingToken,
    close: () => client.close(),
  }
}
