import { Redis } from 'ioredis'
import { Mutex, Semaphore } from 'redis-semaphore'
import type { Instance, Setting } from '../library.js'

export async function openRedisSemaphore({ redisUrl }: Setting): Promise<Instance<Mutex | Semaphore>> {
  const client = new Redis(redisUrl)
  await client.ping()
  return {
    async acquire(key, terms) {
      const options = {
        lockTimeout: terms?.ttlMs ?? 30_000,
        acquireTimeout: terms?.waitMs ?? 30_000,
        onLockLost: () => undefined,
      }
      const max = terms?.max
      const held = max === undefined ? new Mutex(client, key, options) : new Semaphore(client, key, max, options)
      await held.acquire()
      return held
    },
    release: (held) => held.release(),
    close: () => client.quit(),
  }
}
