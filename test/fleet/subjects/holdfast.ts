import { createHoldfast, type Holdfast, type Lease, LockLostError, memory } from 'holdfast'
import { redis } from 'holdfast/redis'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import type { AnyStore } from '../../../src/core/store.js'
import { seeded } from '../random.js'
import { type Ask, type Cache, type Computed, type Held, readersLimit, type Setting, type Subject } from '../subject.js'
import { failingStore } from './failing-store.js'

/** By a URL, by a client of ioredis, or by one of node-redis. */
export async function openHoldfast(setting: Setting): Promise<Subject> {
  const { store, quit } = await storeOf(setting)
  return subjectOn(store, quit)
}

/** All but the first on a store that can be made to fail. */
export function openHoldfastMemory({ way = 0 }: Setting): Promise<Subject> {
  const records = memory()
  const left = (): Promise<readonly string[]> => Promise.resolve(records.list('', 100).keys)
  const quit = (): void => undefined
  if (way === 0) return Promise.resolve({ ...subjectOn(records, quit), left })
  const { store, failStore } = failingStore(records, seeded(way))
  return Promise.resolve({ ...subjectOn(store, quit), left, failStore })
}

function subjectOn(store: AnyStore, quit: () => unknown): Subject {
  const holdfast = createHoldfast({ store })
  const heir = createHoldfast({ store }) // another instance, as in another process
  let cache: Cache | undefined
  return {
    acquire: async (key, ask) => {
      const lease = await acquireLease(holdfast, key, ask)
      return lease && { ...heldOf(lease), handOver: () => handOver(lease, heir, ask) }
    },
    once: (key, { ttlMs }, body) =>
      holdfast.once(key, { ttl: ttlMs, onLost: 'warn', otherwise: false }).run(async (lease) => {
        await body(heldOf(lease))
        return true
      }),
    cache: (ttlMs) => (cache ??= cacheOf(holdfast, ttlMs)),
    async close() {
      await heir.close()
      await holdfast.close()
      await quit()
    },
  }
}

async function handOver(lease: Lease, { lock }: Holdfast<'async'>, { ttlMs }: Ask): Promise<Held | undefined> {
  try {
    return heldOf(await lock(lease.key, { ttl: ttlMs }).adopt(await lease.export()))
  } catch (error) {
    if (error instanceof LockLostError) return undefined
    throw error
  }
}

/** Values live for as long as a lease. */
function cacheOf({ cached }: Holdfast<'async'>, ttlMs: number): Cache {
  interface Call {
    readonly key: string
    readonly compute: () => Promise<Computed>
  }
  const load = cached(({ key }: Call) => key, { ttl: ttlMs, lease: ttlMs })(async ({ compute }: Call) => compute())
  return {
    get: (key, compute) => load({ key, compute }),
    reset: (key) => load.reset({ key, compute: () => Promise.reject(new Error('it is reset')) }),
  }
}

async function storeOf({ place, way = 0 }: Setting): Promise<{ store: AnyStore; quit: () => unknown }> {
  if (way % 3 === 0) return { store: redis(place), quit: () => undefined }
  if (way % 3 === 1) {
    const client = new Redis(place)
    client.on('error', () => undefined)
    return { store: redis(client), quit: () => client.disconnect() }
  }
  const client = createClient({ url: place })
  client.on('error', () => undefined)
  await client.connect()
  return { store: redis(client), quit: () => client.destroy() }
}

async function acquireLease(
  { lock, pool, rwLock }: Pick<Holdfast<'async'>, 'lock' | 'pool' | 'rwLock'>,
  key: string,
  { ttlMs, waitMs, signal, limit = 1, permits = 1 }: Ask,
): Promise<Lease | undefined> {
  const options = { ttl: ttlMs, wait: waitMs, ...(signal && { signal }) }
  const asked = (): Promise<Lease | undefined> => {
    if (limit === 1) return lock(key, options).tryAcquire()
    if (limit < readersLimit) return pool(key, { ...options, max: limit, permits }).tryAcquire()
    const { read, write } = rwLock(key, options)
    return permits === 1 ? read.tryAcquire() : write.tryAcquire()
  }
  return await asked()
}

function heldOf(lease: Lease): Held {
  return {
    token: lease.token,
    active: () => lease.active,
    remainingMs: () => lease.remainingMs,
    onLost: (listener) => {
      lease.signal.addEventListener('abort', listener)
    },
    release: () => lease.release(),
  }
}
