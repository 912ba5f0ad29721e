import { Redis } from 'ioredis'
import { createLock, IoredisAdapter, LockManager } from 'redlock-universal'
import { type Instance, keysOf, type Setting, type Terms } from '../library.js'

type Lock = ReturnType<typeof createLock>
type Handle = Awaited<ReturnType<Lock['acquire']>>

const RETRY_MS = 100

/** A lock object is kept for each key, as its README does. */
export async function openRedlockUniversal({ redisUrl }: Setting): Promise<
  Instance<{
    readonly lock: Lock
    readonly handle: Handle
  }>
> {
  const client = new Redis(redisUrl)
  await client.ping()
  const adapter = new IoredisAdapter(client)
  const locks = new Map<string, Lock>()
  const lockOf = (key: string, terms: Terms): Lock => {
    let lock = locks.get(key)
    if (lock === undefined) {
      const retryAttempts = Math.ceil(terms.waitMs / RETRY_MS)
      lock = createLock({ adapter, key, ttl: terms.ttlMs, retryDelay: RETRY_MS, retryAttempts })
      locks.set(key, lock)
    }
    return lock
  }
  return {
    async acquire(key, terms = { ttlMs: 30_000, waitMs: 30_000 }) {
      const lock = lockOf(key, terms)
      return { lock, handle: await lock.acquire() }
    },
    release: ({ lock, handle }) => lock.release(handle),
    close: () => client.quit(),
  }
}

/** Several keys at once, by its manager. */
export async function openBatches({ redisUrl }: Setting): Promise<Instance<Handle[]>> {
  const client = new Redis(redisUrl)
  await client.ping()
  const manager = new LockManager({ nodes: [new IoredisAdapter(client)] })
  return {
    acquire: (key, { ttlMs, waitMs, keys = 1 } = { ttlMs: 30_000, waitMs: 30_000 }) =>
      manager.acquireBatch(keysOf(key, keys), {
        ttl: ttlMs,
        retryDelay: RETRY_MS,
        retryAttempts: Math.ceil(waitMs / RETRY_MS),
      }),
    release: (handles) => manager.releaseBatch(handles),
    close: () => client.quit(),
  }
}
