/** What an adapter gives: the one small interface through which every library is measured. */

/** How a lock is asked for. In memory most take none of it. */
export interface Terms {
  readonly ttlMs: number
  readonly waitMs: number
  /** How many may hold at a time. Default: one, by what the library has for one. */
  readonly max?: number
  /** One side of a lock for readers and writers. Default: neither. */
  readonly as?: 'reader' | 'writer'
  /** So many keys, all or none, named after the one that is given. Default: it alone. */
  readonly keys?: number
}

/** The names of all the keys that are asked for. */
export const keysOf = (key: string, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `${key}:${String(i + 1)}`)

/** A library, open and connected. `H` is whatever it hands out for a hold, so that no wrapper is measured with it. */
export interface Instance<H = unknown> {
  /** Rejects when `waitMs` is over. A library without promises answers at once. */
  acquire(key: string, terms?: Terms): Promise<H> | H
  /** May answer with a promise, which is awaited. */
  release(held: H): unknown
  /** The fencing token, where the library gives one. */
  token?(held: H): number
  /** Of a cache: a function that keeps what `load` gives for each id. */
  cached?(name: string, load: (id: number) => Promise<object>): (id: number) => unknown
  close?(): Promise<unknown>
}

/** Of a cache that has no locks. */
export const lockless: Pick<Instance, 'acquire' | 'release'> = {
  acquire: () => {
    throw new Error('it has no locks')
  },
  release: () => undefined,
}

/** What an adapter is opened with, in the measured process. */
export interface Setting {
  /** URL of the Redis to use; '' in memory. */
  readonly redisUrl: string
  /** How many will wait at once, for floors that need a connection for each. */
  readonly waiters: number
}

/**
 * What a library is measured at. pair: acquire and release where nobody waits; wait: contention; first: contention, also
 * where few are compared; bulk: with a great many waiters; keyed: many keys; sync: no promises; kept: a handle that is kept;
 * hit: a cache, whose hits come as promises; syncHit: one whose hits come at once; pool: several holders; rw: readers and
 * writers; several: several keys at once.
 */
export type Fit =
  | 'pair'
  | 'wait'
  | 'first'
  | 'bulk'
  | 'keyed'
  | 'sync'
  | 'kept'
  | 'hit'
  | 'syncHit'
  | 'pool'
  | 'rw'
  | 'several'
  | 'quick'

export interface Library {
  readonly id: string
  readonly label: string
  /** Whose version is shown. */
  readonly package: string
  readonly role: 'floor' | 'peer' | 'ours'
  readonly store: 'memory' | 'redis'
  readonly fits: readonly Fit[]
  /** How a waiter learns that it is its turn. */
  readonly wake: string
  /** Loads the adapter, and the package with it. */
  open(setting: Setting): Promise<Instance>
}
