// What the examples share: each runs in memory, or on Redis when HOLDFAST_EXAMPLE_STORE=redis://… says so.
import { blocking } from 'holdfast/blocking'

const url = process.env['HOLDFAST_EXAMPLE_STORE'] ?? 'memory:'
const prefix = process.env['HOLDFAST_EXAMPLE_PREFIX'] ?? 'holdfast:'

/** The first call loads the driver and connects: on a busy machine that takes longer than a third of a short ttl. */
const storeTimeout = '5s'

/** For `configure`, in the async examples. */
export const settings = { store: url, prefix, storeTimeout } as const

/** For the sync examples: Redis only answers with promises, so a worker thread stands in between. */
export const syncSettings = { store: url === 'memory:' ? url : blocking(url), prefix, storeTimeout } as const
