import type { LocalLine } from './local-line.js'
import type { Space } from './space.js'

/** What one handle asks for, in milliseconds: made once, shared by all its requests. */
export interface Terms {
  /** The user's key. */
  readonly key: string
  /** Prefix and key. */
  readonly storeKey: string
  /** Length of the lease; null: until released. */
  readonly ttlMs: number | null
  /** Hard limit of a hold. */
  readonly expireMs: number | undefined
  readonly minHoldMs: number
  /** The hold gets others with a `minHoldMs` in their place later. Default false. */
  readonly minHoldLater?: boolean
  readonly onLost: 'throw' | 'warn'
  readonly label: string | undefined
  readonly limit: number
  readonly permits: number
  /** A hold may serve several of this process in turn. Not of readers: they would overtake a writer of another process. */
  readonly passes: boolean
  /** Makes the line of those who wait for the key in this process; default: that of a mutex (`Gate`). */
  readonly line?: ((space: Space, storeKey: string) => LocalLine) | undefined
  /** The owner whose hold is asked for (`AcquireRequest.adopts`). */
  readonly adopts?: string | undefined
  /** Time limit of one call of the store. */
  readonly storeTimeoutMs: number
  /** How many may wait for the key in this process. */
  readonly maxWaiters: number
}

/** How a request waits. */
export interface Waiting {
  /** 0: not at all; Infinity: for ever. */
  readonly waitMs: number
  /** Cancels the wait. */
  readonly signal: AbortSignal | undefined
  /** Being refused is no news: it is not logged. Default false. */
  readonly quiet?: boolean | undefined
  /** Who waits may be asked to look around (`Waiter.look`). Default false. */
  readonly looks?: boolean
}

/** With a least hold the record has to outlive the hold. */
export function outlives({ minHoldMs, minHoldLater }: Terms): boolean {
  return minHoldMs > 0 || minHoldLater === true
}

/** The lease to ask for `spentMs` into the hold: the ttl, at least the rest of `minHold`, at most the rest of `expire`. */
export function leaseMs({ ttlMs, expireMs, minHoldMs }: Terms, spentMs = 0): number | null {
  const restMs = expireMs === undefined ? undefined : Math.max(expireMs - spentMs, 1)
  if (ttlMs === null) return restMs ?? null
  const wantedMs = Math.max(ttlMs, minHoldMs - spentMs)
  return restMs === undefined ? wantedMs : Math.min(wantedMs, restMs)
}

/** Something here needs a clock: a lease, a limit, a least hold. */
export function isTimed({ ttlMs, expireMs, minHoldMs }: Terms): boolean {
  return ttlMs !== null || expireMs !== undefined || minHoldMs > 0
}

/** May a hold of these terms be handed over within the process without telling the store? Its limits would have to be told. */
export function isPassable({ passes, expireMs, minHoldMs }: Terms): boolean {
  return passes && expireMs === undefined && minHoldMs === 0
}

/**
 * Would both ask the store for the same? Else what was asked for by one is no grant to the other: its lease may be shorter, and no
 * tokens were reserved where it is not passed on.
 */
export function asksAlike(a: Terms, b: Terms): boolean {
  const alike = a.limit === b.limit && a.permits === b.permits && a.ttlMs === b.ttlMs && a.passes === b.passes
  return alike && a.expireMs === b.expireMs && a.minHoldMs === b.minHoldMs
}
