import { LockFactory } from '@verrou/core'
import { memoryStore } from '@verrou/core/drivers/memory'
import { redisStore } from '@verrou/core/drivers/redis'
import { Redis } from 'ioredis'
import type { Instance, Setting } from '../library.js'

type Held = ReturnType<LockFactory['createLock']>
type Stores = ConstructorParameters<typeof LockFactory>[0]

export async function openRedis({ redisUrl }: Setting, delayMs: number): Promise<Instance<Held>> {
  const connection = new Redis(redisUrl)
  await connection.ping()
  return { ...over(redisStore({ connection }).factory(), delayMs), close: () => connection.quit() }
}

export function openMemory(delayMs: number): Instance<Held> {
  return over(memoryStore().factory(), delayMs)
}

function over(store: Stores, delay: number): Instance<Held> {
  const locks = new LockFactory(store, { retry: { delay } })
  return {
    async acquire(key, terms) {
      const held = locks.createLock(key, terms?.ttlMs ?? 30_000)
      if (!(await held.acquire({ retry: { timeout: terms?.waitMs ?? 30_000 } }))) throw new Error(`${key} is held`)
      return held
    },
    release: (held) => held.release(),
  }
}
