import { Gate } from './gate.js'
import type { LocalLine } from './local-line.js'
import { PoolGate } from './pool-gate.js'
import type { Space } from './space.js'
import type { Terms } from './terms.js'

/** The line that waits for this key, or a new one of the kind that fits. */
export function lineOf(space: Space, { storeKey, limit }: Terms): LocalLine {
  const line = space.gates.get(storeKey)
  if (line !== undefined) return line
  return limit === 1 ? new Gate(space, storeKey) : new PoolGate(space, storeKey)
}
