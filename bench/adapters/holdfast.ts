/** holdfast by its public API, as it was built for this run. */
import { createHoldfast, type Holdfast, type Lease, type Lock, type MultiLease, type SyncLease } from 'holdfast'
import { redis } from 'holdfast/redis'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { type Instance, keysOf, type Setting, type Terms } from '../library.js'

/** Several keys have a token each, which are not compared here. */
type Held = Lease | MultiLease

/** A handle for each call, or one that is kept: of the first key that is asked for. */
export function openMemory(handles: 'kept' | 'each call'): Instance<Lease> {
  const { lock } = createHoldfast()
  // In memory a hold has no ttl unless one is asked for, and neither have the others.
  const waiting = (terms: Terms | undefined): { wait: number } | undefined => terms && { wait: terms.waitMs }
  const acquire = (key: string, terms?: Terms): Promise<Lease> => lock(key, waiting(terms)).acquire()
  const shared = { release: (lease: Lease) => lease.release(), token: tokenOf }
  if (handles === 'each call') return { acquire, ...shared }
  let handle: Lock | undefined
  return { acquire: (key, terms) => (handle ??= lock(key, waiting(terms))).acquire(), ...shared }
}

export function openSync(): Instance<SyncLease> {
  const { lock } = createHoldfast()
  let handle: Lock | undefined
  const acquire = (key: string): SyncLease => {
    if (handle?.key !== key) handle = lock(key)
    return handle.acquireSync()
  }
  return { acquire, release: (lease) => lease.release(), token: tokenOf }
}

export async function openByIoredis({ redisUrl }: Setting): Promise<Instance<Held>> {
  const client = new Redis(redisUrl)
  await client.ping()
  return overRedis(client, () => client.quit())
}

export async function openByNodeRedis({ redisUrl }: Setting): Promise<Instance<Held>> {
  const client = await createClient({ url: redisUrl }).connect()
  return overRedis(client, () => client.close())
}

function overRedis(client: Parameters<typeof redis>[0], quit: () => Promise<unknown>): Instance<Held> {
  const holdfast = createHoldfast({ store: redis(client) })
  return {
    acquire: (key, terms) => handleOf(holdfast, key, terms).acquire(),
    release: (lease) => lease.release(),
    token: tokenOf,
    async close() {
      await holdfast.close()
      await quit()
    },
  }
}

function handleOf({ lock, pool, rwLock }: Holdfast<'async'>, key: string, terms?: Terms): { acquire(): Promise<Held> } {
  const options = optionsOf(terms)
  if (terms?.keys !== undefined) return lock(keysOf(key, terms.keys), options)
  if (terms?.max !== undefined) return pool(key, { max: terms.max, ...options })
  if (terms?.as === undefined) return lock(key, options)
  const { read, write } = rwLock(key, options)
  return terms.as === 'reader' ? read : write
}

const optionsOf = (terms: Terms | undefined): { wait: number; ttl: number } | undefined =>
  terms && { wait: terms.waitMs, ttl: terms.ttlMs }

const tokenOf = (lease: Held | SyncLease): number => ('token' in lease ? lease.token : Number.NaN)
