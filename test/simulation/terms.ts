import type { Terms } from '../../src/core/terms.js'
import { poolLine } from '../../src/features/pool-line.js'
import type { Options } from './options.js'

/** What differs from request to request. */
export interface Variation {
  readonly key: string
  readonly ttlMs?: number | null
  readonly expireMs?: number | undefined
  readonly minHoldMs?: number
  readonly permits?: number
}

/** What a request of this world asks for. */
export function termsOf(options: Options, variation: Variation): Terms {
  const { key, ttlMs = options.ttlMs, expireMs, minHoldMs = 0, permits = 1 } = variation
  return {
    key,
    storeKey: key,
    ttlMs,
    expireMs,
    minHoldMs,
    onLost: 'throw',
    label: undefined,
    limit: options.limit,
    permits,
    passes: options.mode !== 'read-write' || permits === options.limit,
    line: options.limit === 1 ? undefined : poolLine,
    storeTimeoutMs: options.storeTimeoutMs,
    maxWaiters: Number.POSITIVE_INFINITY,
  }
}
