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
  readonly limit?: number
}

/** All keys that are locked. */
export function keysOf({ keys, features }: Pick<Options, 'keys' | 'features'>): readonly string[] {
  const names = Array.from({ length: keys }, (_, number) => `k${number}`)
  return features === undefined ? names : [...names, ...names.map((key) => cachedRoom + key)]
}

/** What `cached` puts before the name of its lock. */
export const cachedRoom = 'cached:'

/** What a request of this world asks for. */
export function termsOf(options: Options, variation: Variation): Terms {
  const { key, ttlMs = options.ttlMs, expireMs, minHoldMs = 0, permits = 1, limit = options.limit } = variation
  return {
    key,
    storeKey: key,
    ttlMs,
    expireMs,
    minHoldMs,
    onLost: 'throw',
    label: undefined,
    limit,
    permits,
    passes: options.mode !== 'read-write' || permits === options.limit,
    line: limit === 1 ? undefined : poolLine,
    storeTimeoutMs: options.storeTimeoutMs,
    maxWaiters: Number.POSITIVE_INFINITY,
  }
}
