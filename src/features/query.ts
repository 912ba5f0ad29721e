import { createHash } from 'node:crypto'
import { asHoldfastError, limited, open } from '../core/limited.js'
import type { Space } from '../core/space.js'
import type { KeyRecord } from '../core/store.js'
import type { Terms } from '../core/terms.js'

/** A holder, as `inspect()` shows it. */
export interface Holder {
  /** Short hash: tells holders apart, and is of no use to anybody else. */
  readonly id: string
  /** Fencing token of this hold. */
  readonly token: number
  /** How many permits of the key it takes. */
  readonly permits: number
  readonly since: Date
  /** Milliseconds until the hold ends unless it is renewed; undefined: no limit. */
  readonly remainingMs: number | undefined
  readonly host: string
  readonly pid: number
  readonly label: string | undefined
}

/** A waiter, as `inspect()` shows it. */
export interface WaiterInfo {
  readonly id: string
  readonly since: Date
  readonly host: string
  readonly pid: number
  readonly label: string | undefined
}

/** What `inspect()` tells of a key. */
export interface Inspection {
  /** The user's key, without prefix. */
  readonly key: string
  /** How many permits the key has: 1 for a lock. */
  readonly limit: number
  readonly holders: readonly Holder[]
  /** Those who wait: in this process all, in other processes as many as their store knows. */
  readonly waiters: readonly WaiterInfo[]
}

/** @throws StoreError */
export async function inspect(space: Space, terms: Terms): Promise<Inspection | undefined> {
  return describe(space, terms, await ask(space, terms, 'inspect', () => space.store.inspect(terms.storeKey)))
}

/** @throws StoreError */
export function inspectSync(space: Space, terms: Terms): Inspection | undefined {
  return describe(
    space,
    terms,
    askSync(terms, 'inspect', () => space.syncStore?.inspect(terms.storeKey)),
  )
}

/** @throws StoreError */
export async function isLocked(space: Space, terms: Terms): Promise<boolean> {
  return isHeld(await ask(space, terms, 'inspect', () => space.store.inspect(terms.storeKey)))
}

/** @throws StoreError */
export function isLockedSync(space: Space, terms: Terms): boolean {
  return isHeld(askSync(terms, 'inspect', () => space.syncStore?.inspect(terms.storeKey)))
}

/** Ends the hold, whoever holds. Holders of this process are told before it resolves. @throws StoreError */
export async function forceRelease(space: Space, terms: Terms): Promise<boolean> {
  return await ask(space, terms, 'forceRelease', () => space.store.forceRelease(terms.storeKey))
}

/** @throws StoreError */
export function forceReleaseSync(space: Space, terms: Terms): boolean {
  return askSync(terms, 'forceRelease', () => space.syncStore?.forceRelease(terms.storeKey)) ?? false
}

/** Makes one call of the store, with its time limit. @throws StoreError */
export async function ask<T>(space: Space, terms: Terms, operation: string, call: () => T | Promise<T>): Promise<T> {
  try {
    await open(space, operation)
    return await limited(space.env, Promise.resolve(call()), terms.storeTimeoutMs, operation, true)
  } catch (error) {
    throw asHoldfastError(error, operation, terms.key)
  }
}

/** As `ask`, without promises. @throws StoreError */
export function askSync<T>(terms: Terms, operation: string, call: () => T): T {
  try {
    return call()
  } catch (error) {
    throw asHoldfastError(error, operation, terms.key)
  }
}

function isHeld(record: KeyRecord | undefined): boolean {
  return record !== undefined && record.holders.length > 0
}

function describe(space: Space, terms: Terms, record: KeyRecord | undefined): Inspection | undefined {
  const local = space.gates.get(terms.storeKey)?.waiting()
  if (record === undefined && (local === undefined || local.waiters.length === 0)) return undefined
  const holders = record?.holders.map(({ owner, token, permits, since, remainingMs, host, pid, label }): Holder => ({
    id: shortHash(owner),
    token,
    permits,
    since: new Date(since),
    remainingMs,
    host,
    pid,
    label,
  }))
  const elsewhere = record?.waiters.filter(({ owner }) => local?.contenders.includes(owner) !== true) ?? []
  const here =
    local?.waiters.map((waiter, index) => ({ ...waiter, owner: `${local.contenders[0] ?? ''}+${String(index)}` })) ?? []
  const waiters = [...elsewhere, ...here].map(({ owner, since, host, pid, label }): WaiterInfo => ({
    id: shortHash(owner),
    since: new Date(since),
    host,
    pid,
    label,
  }))
  return { key: terms.key, limit: record?.limit ?? terms.limit, holders: holders ?? [], waiters }
}

function shortHash(owner: string): string {
  return createHash('sha256').update(owner).digest('hex').slice(0, 8)
}
