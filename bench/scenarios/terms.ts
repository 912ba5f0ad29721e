import type { Terms } from '../library.js'

/** As a service would ask: a lease that outlives every section, and patience. */
export const terms: Terms = { ttlMs: 10_000, waitMs: 30_000 }
