import { BentoCache, bentostore } from 'bentocache'
import { memoryDriver } from 'bentocache/drivers/memory'
import { redisDriver } from 'bentocache/drivers/redis'
import { Redis } from 'ioredis'
import { type Instance, lockless, type Setting } from '../library.js'

export function openMemory(): Instance {
  // its own advice for speed: no copy of each value
  const driver = memoryDriver({ maxItems: 10_000, serialize: false })
  const bento = new BentoCache({ default: 'only', stores: { only: bentostore().useL1Layer(driver) } })
  return {
    ...lockless,
    cached: (name, load) => (id) => bento.getOrSet({ key: `${name}-${id}`, ttl: '10m', factory: () => load(id) }),
  }
}

export async function openRedis({ redisUrl }: Setting): Promise<Instance> {
  const connection = new Redis(redisUrl)
  await connection.ping()
  const bento = new BentoCache({
    default: 'only',
    stores: { only: bentostore().useL2Layer(redisDriver({ connection })) },
  })
  return {
    ...lockless,
    cached: (name, load) => (id) => bento.getOrSet({ key: `${name}-${id}`, ttl: '10m', factory: () => load(id) }),
    close: () => connection.quit(),
  }
}
