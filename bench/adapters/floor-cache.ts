/** What a cache cannot do without: a look-up by a key that is made of the argument. */
import { Redis } from 'ioredis'
import { type Instance, lockless, type Setting } from '../library.js'

export function openMapSync(): Instance {
  return {
    ...lockless,
    cached: (name, load) => {
      const values = new Map<string, unknown>()
      return (id) => {
        const value = values.get(`${name}-${id}`)
        if (value !== undefined) return value
        return load(id).then((loaded) => void values.set(`${name}-${id}`, loaded))
      }
    },
  }
}

export function openMap(): Instance {
  return {
    ...lockless,
    cached: (name, load) => {
      const values = new Map<string, unknown>()
      return async (id) => {
        const key = `${name}-${id}`
        if (!values.has(key)) values.set(key, await load(id))
        return values.get(key)
      }
    },
  }
}

export async function openGet({ redisUrl }: Setting): Promise<Instance> {
  const client = new Redis(redisUrl)
  await client.ping()
  return {
    ...lockless,
    cached: (name, load) => async (id) => {
      const text = await client.get(`${name}-${id}`)
      if (text !== null) return JSON.parse(text) as unknown
      const value = await load(id)
      await client.set(`${name}-${id}`, JSON.stringify(value), 'PX', 600_000)
      return value
    },
    close: () => client.quit(),
  }
}
