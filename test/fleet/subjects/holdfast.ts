import { createHoldfast, type Holdfast, type Lease, memory } from 'holdfast'
import { redis } from 'holdfast/redis'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { acquire } from '../../../src/core/acquire.js'
import { realEnv } from '../../../src/core/env.js'
import { LockedError } from '../../../src/core/errors.js'
import type { Hold } from '../../../src/core/hold.js'
import { storeTimeoutMs } from '../../../src/core/plan.js'
import { release } from '../../../src/core/release.js'
import { Space } from '../../../src/core/space.js'
import type { AnyStore } from '../../../src/core/store.js'
import type { Terms } from '../../../src/core/terms.js'
import { poolLine } from '../../../src/features/pool-line.js'
import { seeded } from '../random.js'
import type { Ask, Held, Setting, Subject } from '../subject.js'
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
  const pools = new Space(realEnv, store, undefined)
  return {
    acquire: (key, ask) => ((ask.limit ?? 1) > 1 ? acquirePermit(pools, key, ask) : acquireLease(holdfast, key, ask)),
    async close() {
      await Promise.all([holdfast.close(), pools.close()])
      await quit()
    },
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
  { lock }: Pick<Holdfast<'async'>, 'lock'>,
  key: string,
  { ttlMs, waitMs, signal }: Ask,
): Promise<Held | undefined> {
  const lease = await lock(key, { ttl: ttlMs, wait: waitMs, ...(signal && { signal }) }).tryAcquire()
  return lease && heldOf(lease)
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

/** What a pool will do, by the core: there is no feature for it yet. */
async function acquirePermit(space: Space, key: string, ask: Ask): Promise<Held | undefined> {
  const terms: Terms = {
    key,
    storeKey: `holdfast:${key}`,
    ttlMs: ask.ttlMs,
    expireMs: undefined,
    minHoldMs: 0,
    onLost: 'throw',
    label: undefined,
    limit: ask.limit ?? 1,
    permits: ask.permits ?? 1,
    line: (ask.limit ?? 1) === 1 ? undefined : poolLine,
    passes: (ask.permits ?? 1) === ask.limit || (ask.limit ?? 1) < 2 ** 30,
    storeTimeoutMs: storeTimeoutMs(ask.ttlMs),
    maxWaiters: Number.POSITIVE_INFINITY,
  }
  try {
    return await acquire(space, terms, { waitMs: ask.waitMs, signal: ask.signal, quiet: true }, permitOf)
  } catch (error) {
    if (error instanceof LockedError) return undefined
    throw error
  }
}

function permitOf(hold: Hold): Held {
  return {
    token: hold.token,
    active: () => hold.isActive(),
    remainingMs: () => hold.remainingMs(),
    onLost: (listener) => {
      hold.signal().addEventListener('abort', listener)
    },
    release: () => release(hold),
  }
}
