/** What a measured process can be asked to do. */
import { hits, misses } from './cached.js'
import { contend } from './contend.js'
import { drain } from './drain.js'
import { callers, manyKeys } from './many.js'
import { memoryPairs, pairs, warm } from './pairs.js'
import { free, hold, probe, queueUp } from './waiting.js'

export const roles = {
  callers,
  contend,
  drain,
  free,
  hits,
  hold,
  manyKeys,
  memoryPairs,
  misses,
  pairs,
  probe,
  queueUp,
  warm,
}

export type Roles = typeof roles
export type Role = keyof Roles
export type Args<R extends Role> = Parameters<Roles[R]>[1]
export type Result<R extends Role> = Awaited<ReturnType<Roles[R]>>
