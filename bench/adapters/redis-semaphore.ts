import { Redis } from 'ioredis'
import { Mutex } from 'redis-semaphore'
import type { Instance, Setting } from '../library.js'

export async function openRedisSemaphore({ redisUrl }: Setting): Promise<Instance<Mutex>> {
  const client = new Redis(redisUrl)
  await client.ping()
  return {
    async acquire(key, terms) {
      const mutex = new Mutex(client, key, {
        lockTimeout: terms?.ttlMs ?? 30_000,
        acquireTimeout: terms?.waitMs ?? 30_000,
        onLockLost: () => undefined,
      })
      await mutex.acquire()
      return mutex
    },
    release: (mutex) => mutex.release(),
    close: () => client.quit(),
  }
}
