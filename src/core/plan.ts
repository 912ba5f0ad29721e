/** Pure timing: when a lease ends, when it is renewed, how long a call may take, when to ask again. All in milliseconds. */
import type { Capabilities } from './store.js'

/** Shortest `ttl`: below it a renewal every third would be a tight loop (peers froze the process at 1,250 ms). */
export const leastTtlMs = 100
export const defaultTtlMs = 30_000

/** How many may wait for a key in one process: some 100 MB of them. */
export const defaultMaxWaiters = 100_000

/** How long the holder may believe in a lease of `ttlMs`, counted from before the request was sent: less 1 % + 2 ms for drift. */
export function trustedMs(ttlMs: number, scope: Capabilities['scope']): number {
  return scope === 'process' ? ttlMs : ttlMs * 0.99 - 2
}

/** Time limit of opening a store. */
export const openTimeoutMs = 5000

/** Renewal comes at a third of the lease, so that two may fail. */
export function renewAfterMs(ttlMs: number): number {
  return ttlMs / 3
}

/** Time limit of one call of a store. */
export function storeTimeoutMs(ttlMs: number | null): number {
  return Math.min((ttlMs ?? defaultTtlMs) / 3, 5000)
}

/** Pause after a renewal of unknown outcome: a tenth of the lease, 20 ms to 1 s, less up to a half at random. */
export function renewRetryMs(ttlMs: number, random: number): number {
  return Math.min(Math.max(ttlMs / 10, 20), 1000) * (1 - random / 2)
}

/** Pause after a failed acquire: 10 ms, doubled with each failure up to 500 ms, less up to a half at random. */
export function failureRetryMs(failures: number, random: number): number {
  return Math.min(10 * 2 ** Math.min(failures, 6), 500) * (1 - random / 2)
}

/** How long a place in a store's queue lasts without being renewed: the others go on within 3 s. A process cannot outlive its own memory. */
export function queueMs(scope: Capabilities['scope']): number {
  return scope === 'process' ? 24 * 3_600_000 : 2700
}

/** How many hand-overs a process serves before it asks the store again, so that other processes get their turn. */
export const localTurns = 16

export interface Refusal {
  readonly freeInMs: number | undefined
  /** It stands in the store's queue: a notice will tell. */
  readonly queued: boolean
  /** How often this waiter was refused in a row. */
  readonly refusals: number
  /** A number from 0 to 1. */
  readonly random: number
}

/** A heartbeat, a third of the place's lease: after it asks again who stands in a store's queue, or whose process holds. */
export function heartbeatMs(scope: Capabilities['scope']): number {
  return queueMs(scope) / 3
}

/**
 * How long to wait before asking a store again. Queued: a heartbeat or the holder's end,
 * whichever is sooner. Polled: 10 ms growing to 250 ms, less up to a half at random so that processes spread, and never
 * later than the holder's end.
 */
export function nextDelayMs(scope: Capabilities['scope'], { freeInMs, queued, refusals, random }: Refusal): number {
  const freeMs = freeInMs === undefined ? Number.POSITIVE_INFINITY : Math.max(freeInMs, 0) + 1
  const pollMs = Math.min(10 * 1.5 ** Math.min(refusals, 10), 250) * (1 - random / 2)
  return Math.min(queued ? heartbeatMs(scope) : pollMs, freeMs)
}
