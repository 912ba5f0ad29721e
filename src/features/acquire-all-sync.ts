import { holdOf, tooSlow } from '../core/acquire.js'
import { acquireSync } from '../core/acquire-sync.js'
import { type Mark, markOf } from '../core/env.js'
import type { Hold } from '../core/hold.js'
import { asHoldfastError, outcomeOf } from '../core/limited.js'
import { releaseSync } from '../core/release.js'
import type { Space } from '../core/space.js'
import { isTimed, leaseMs, type Terms, type Waiting } from '../core/terms.js'
import { type Asked, isWorthAsking, refuse } from './acquire-all.js'
import {
  atRest,
  confirm,
  early,
  failureOf,
  firstLost,
  keyOfAll,
  leftMs,
  lose,
  mostLooks,
  staleOf,
  successorOf,
} from './several.js'

/** As `acquireAll`, while the thread is blocked. @throws as `acquireSync`; the error's key is the one that was held by another */
export function acquireAllSync(space: Space, all: readonly Terms[], waiting: Waiting): readonly Hold[] {
  const sinceMs = space.env.nowMs()
  const asked = isWorthAsking(space, all, waiting) ? ask(space, all) : undefined
  if (asked !== undefined) {
    if (!('index' in asked)) return asked
    refuse(space, all, asked, waiting)
  }
  for (;;) {
    const holds = takeEach(space, all, waiting, sinceMs)
    const lost = firstLost(holds)
    if (lost === undefined) return holds
    giveBack(holds)
    if (leftMs(space, waiting, sinceMs) === 0) throw failureOf(lost.lostError(), { space, waiting, sinceMs })
  }
}

/** Not asked again: in the memory of a process no reply gets lost. */
function ask(space: Space, all: readonly Terms[]): Asked {
  const owners = all.map(() => space.newOwner())
  const mark = markOf(space.env)
  const requests = all.map((terms, index) => space.requestOf(terms, owners[index] ?? '', mark.wallMs))
  try {
    const answer = space.syncStore?.acquireAll?.(requests)
    if (answer?.granted !== true) return answer
    return all.map((terms, index) =>
      holdOf(space, terms, owners[index] ?? '', {
        token: answer.tokens[index] ?? 0,
        start: isTimed(terms) ? { mark } : undefined,
      }),
    )
  } catch (error) {
    if (outcomeOf(error) === 'unknown')
      for (const [index, terms] of all.entries()) space.cleanUp(terms, owners[index] ?? '')
    throw asHoldfastError(error, 'acquire', keyOfAll(all))
  }
}

function takeEach(space: Space, all: readonly Terms[], waiting: Waiting, sinceMs: number): readonly Hold[] {
  const holds: Hold[] = []
  try {
    for (const terms of all) {
      const wish = { waitMs: leftMs(space, waiting, sinceMs), signal: undefined, quiet: true }
      holds.push(acquireSync(space, holds.length < all.length - 1 ? early(terms) : terms, wish))
    }
    for (const [index, terms] of all.entries()) inFull(holds, index, terms)
    refresh(space, holds)
    return holds
  } catch (error) {
    giveBack(holds)
    throw failureOf(error, { space, waiting, sinceMs })
  }
}

/** Until one look at the clocks finds more than half of each lease left. @throws StoreError */
function refresh(space: Space, holds: readonly Hold[]): void {
  for (let looks = 0; looks < mostLooks; looks++) {
    const stale = staleOf(holds, markOf(space.env))
    if (stale.length === 0) return
    for (const hold of stale) renew(hold, markOf(space.env))
  }
  throw tooSlow()
}

function inFull(holds: Hold[], index: number, terms: Terms): void {
  const hold = holds[index]
  if (hold === undefined || hold.terms === terms) return
  const { space, owner } = hold
  const mark = markOf(space.env)
  const next = successorOf(hold, terms, mark)
  holds[index] = next
  try {
    confirm(next, space.syncStore?.acquire(space.requestOf(terms, owner, mark.wallMs)))
  } catch (error) {
    throw asHoldfastError(error, 'acquire', terms.key)
  }
}

function renew(hold: Hold, mark: Mark): void {
  const { space, terms, owner } = hold
  const ttlMs = leaseMs(terms, hold.heldMs()) ?? 0
  try {
    if (space.syncStore?.renew(terms.storeKey, owner, ttlMs) === true) hold.extend(mark, ttlMs)
    else lose(hold)
  } catch (error) {
    throw asHoldfastError(error, 'acquire', terms.key)
  }
}

function giveBack(holds: readonly Hold[]): void {
  for (const hold of holds.map(atRest).toReversed()) {
    try {
      releaseSync(hold)
    } catch {
      // tried again in the background; the error that matters is the first
    }
  }
}
