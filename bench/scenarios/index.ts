import type { Scenario } from '../harness/scenario.js'
import { c1, c2, c3, c4 } from './cached.js'
import { r3, r3turns } from './contended.js'
import { r7 } from './dead-waiter.js'
import { r6keys, r6waiters } from './growth.js'
import { r4 } from './long-hold.js'
import { m1, m2, m3 } from './memory.js'
import { p1 } from './pool.js'
import { rw } from './readers.js'
import { x1 } from './several.js'
import { r1, r2 } from './uncontended.js'

/** In the order of the report. */
export const scenarios: readonly Scenario[] = [
  m1,
  m2,
  m3,
  r1,
  r2,
  r3,
  r3turns,
  r4,
  r6waiters,
  r6keys,
  r7,
  p1,
  rw,
  x1,
  c1,
  c2,
  c3,
  c4,
]
