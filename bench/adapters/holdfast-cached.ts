/** `cached` by its public API, as it was built for this run. */
import { createHoldfast } from 'holdfast'
import { redis } from 'holdfast/redis'
import { Redis } from 'ioredis'
import { type Instance, lockless, type Setting } from '../library.js'

export function openSync(): Instance {
  const { cached } = createHoldfast({ cacheTtl: '10m' })
  return { ...lockless, cached: (name) => cached(`${name}-{id}`)((id: number) => ({ id })) }
}

export function openMemory(): Instance {
  const { cached } = createHoldfast({ cacheTtl: '10m' })
  return { ...lockless, cached: (name, load) => cached(`${name}-{id}`)(async (id: number) => load(id)) }
}

export async function openRedis({ redisUrl }: Setting): Promise<Instance> {
  const client = new Redis(redisUrl)
  await client.ping()
  const holdfast = createHoldfast({ store: redis(client), cacheTtl: '10m' })
  return {
    ...lockless,
    cached: (name, load) => holdfast.cached(`${name}-{id}`)(async (id: number) => load(id)),
    async close() {
      await holdfast.close()
      await client.quit()
    },
  }
}
