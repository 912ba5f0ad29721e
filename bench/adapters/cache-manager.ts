import { createCache } from 'cache-manager'
import { type Instance, lockless } from '../library.js'

export function openMemory(): Instance {
  const cache = createCache({ ttl: 600_000 })
  return { ...lockless, cached: (name, load) => (id) => cache.wrap(`${name}-${id}`, () => load(id)) }
}
