import { Redis } from 'ioredis'
import Redlock, { type Lock } from 'redlock'
import { type Instance, keysOf, type Setting } from '../library.js'

export interface Retry {
  readonly retryDelay: number
  readonly retryJitter: number
}

/** One Redis, as here; the number of retries follows the wait. */
export async function openRedlock({ redisUrl }: Setting, retry: Retry): Promise<Instance<Lock>> {
  const client = new Redis(redisUrl)
  await client.ping()
  const redlock = new Redlock([client], { driftFactor: 0.01, ...retry })
  return {
    acquire: (key, terms) =>
      redlock.acquire(terms?.keys === undefined ? [key] : keysOf(key, terms.keys), terms?.ttlMs ?? 30_000, {
        retryCount: Math.ceil((terms?.waitMs ?? 30_000) / retry.retryDelay),
      }),
    release: (lock) => lock.release(),
    close: () => client.quit(),
  }
}
