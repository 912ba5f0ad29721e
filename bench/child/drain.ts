/** In memory: many waiters on one key, and what a hand-off costs when it is released. */
import { setImmediate as immediate } from 'node:timers/promises'
import { nowNs } from './clock.js'
import { isPromise, released } from './pairs.js'
import type { Instance, Terms } from '../library.js'
import { median } from '../harness/stats.js'

const MOST_ROUNDS = 400
const WARM_ROUNDS = 3

export interface Drained {
  readonly ns: number
  readonly queueNs: number
  readonly rounds: number
  readonly outOfOrder: number
  readonly overlaps: number
  readonly shrunk: number
}

export async function drain(
  instance: Instance,
  { waiters, budgetMs, terms }: { waiters: number; budgetMs: number; terms: Terms },
): Promise<Drained> {
  const checked = await checkedRound(instance, { waiters, terms })
  const drained: number[] = []
  const queued: number[] = []
  let outOfOrder = checked.outOfOrder
  const endNs = nowNs() + budgetMs * 1e6
  for (let round = 0; round < MOST_ROUNDS && (nowNs() < endNs || round <= WARM_ROUNDS); round++) {
    const first = await instance.acquire('key', terms)
    let last = -1
    const wait = async (turn: number): Promise<void> => {
      const held = await instance.acquire('key', terms)
      if (turn !== last + 1) outOfOrder++
      last = turn
      const gone = instance.release(held)
      if (isPromise(gone)) await gone
    }
    const beginNs = nowNs()
    const all = Array.from({ length: waiters }, (_, turn) => wait(turn))
    const queuedNs = nowNs()
    await immediate()
    const freeNs = nowNs()
    await released(instance.release(first))
    await Promise.all(all)
    if (round < WARM_ROUNDS) continue
    drained.push((nowNs() - freeNs) / waiters)
    queued.push((queuedNs - beginNs) / waiters)
  }
  return { ...checked, ns: median(drained), queueNs: median(queued), rounds: drained.length, outOfOrder }
}

/** Not timed: each holder stays inside over a few turns of the loop, so that a second one would be seen. */
async function checkedRound(
  instance: Instance,
  { waiters, terms }: { waiters: number; terms: Terms },
): Promise<{ outOfOrder: number; overlaps: number; shrunk: number }> {
  const found = { outOfOrder: 0, overlaps: 0, shrunk: 0 }
  let inside = 0
  let last = -1
  let lastToken = 0
  const wait = async (turn: number): Promise<void> => {
    const held = await instance.acquire('key', terms)
    if (inside++ > 0) found.overlaps++
    if (turn !== last + 1) found.outOfOrder++
    last = turn
    const token = instance.token?.(held) ?? Number.POSITIVE_INFINITY
    if (token <= lastToken) found.shrunk++
    lastToken = token === Number.POSITIVE_INFINITY ? 0 : token
    await (turn % 10 === 0 ? immediate() : Promise.resolve())
    inside--
    await released(instance.release(held))
  }
  await Promise.all(Array.from({ length: waiters }, (_, turn) => wait(turn)))
  return found
}
