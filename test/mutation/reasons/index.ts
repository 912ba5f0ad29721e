import { core } from './core.js'
import { memory } from './memory.js'
import { listed, type Reason } from './reasons.js'
import { redis } from './redis.js'

export const reasons: readonly Reason[] = [core, memory, redis].flatMap(listed)
