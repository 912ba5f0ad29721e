import { tryAcquire } from '../core/acquire.js'
import { tryAcquireSync } from '../core/acquire-sync.js'
import { type Mark, markOf } from '../core/env.js'
import { type EndCode, LockLostError } from '../core/errors.js'
import type { Exported } from '../core/export.js'
import type { Hold } from '../core/hold.js'
import { whyGone, whyGoneSync } from '../core/renewal.js'
import type { KeyRecord } from '../core/store.js'
import type { Terms } from '../core/terms.js'
import { readExported } from './exported.js'
import type { Place } from './instance.js'
import * as query from './query.js'

/** Whatever the options say: a hold that was given away is had at once, or not at all. */
const atOnce = { waitMs: 0, signal: undefined, quiet: true }

/**
 * Makes a hold of an exported one. The store puts a new owner in the place of the one that was given away, under a new token: it
 * works once. @throws InvalidOptionError when the text is not of this lock, LockLostError when nothing is held under it, StoreError
 */
export async function adopt<T extends object>(place: Place, text: string, take: (hold: Hold) => T): Promise<T> {
  const { space, terms } = place
  const exported = readExported(place, text)
  const since = markOf(space.env)
  const inspect = () => space.store.inspect(terms.storeKey)
  const record = isLimited(exported) ? await query.ask(space, terms, 'inspect', inspect) : undefined
  const wanted = termsOf(place, exported, record)
  const taken = await tryAcquire(space, wanted, atOnce, (hold) => take(countedFrom(since, hold)))
  if (taken !== undefined) return taken
  throw gone(place, exported, await whyGone({ space, terms, owner: exported.owner }))
}

/** The same on a store that answers at once. @throws as `adopt` */
export function adoptSync(place: Place, text: string): Hold {
  const { space, terms } = place
  const exported = readExported(place, text)
  const since = markOf(space.env)
  const inspect = () => space.syncStore?.inspect(terms.storeKey)
  const record = isLimited(exported) ? query.askSync(terms, 'inspect', inspect) : undefined
  const hold = tryAcquireSync(space, termsOf(place, exported, record), atOnce)
  if (hold !== undefined) return countedFrom(since, hold)
  throw gone(place, exported, whyGoneSync({ space, terms, owner: exported.owner }))
}

function isLimited({ expireMs, minHoldMs }: Exported): boolean {
  return expireMs !== undefined || minHoldMs > 0
}

/** What is left of its own limits goes with it; those of the lock that adopts it count from now on. @throws LockLostError */
function termsOf(place: Place, exported: Exported, record: KeyRecord | undefined): Terms {
  const { space, terms } = place
  const spentMs = spentMsOf(exported, record, space.env.wallMs())
  const leftMs = (exported.expireMs ?? Number.POSITIVE_INFINITY) - spentMs
  if (leftMs <= 0) {
    space.cleanUp(terms, exported.owner)
    throw gone(place, exported, 'LOCK_EXPIRED')
  }
  const limitMs = Math.min(leftMs, terms.expireMs ?? Number.POSITIVE_INFINITY)
  const minHoldMs = Math.min(Math.max(exported.minHoldMs - spentMs, terms.minHoldMs), limitMs)
  const expireMs = limitMs === Number.POSITIVE_INFINITY ? undefined : limitMs
  return { ...terms, adopts: exported.owner, expireMs, minHoldMs }
}

/**
 * How long it had been held when the store was asked: by the wall clocks of both processes, or by what the store's clock has
 * taken from the lease since it was exported, whichever is longer. A clock may end it early, none may extend it.
 */
function spentMsOf(exported: Exported, record: KeyRecord | undefined, wallMs: number): number {
  const { owner, leaseMs, heldMs } = exported
  const leftMs = record?.holders.find((holder) => holder.owner === owner)?.remainingMs ?? leaseMs
  return heldMs + Math.max(wallMs - exported.wallMs, leaseMs - leftMs, 0)
}

/** From before the store was asked, however often that took. */
function countedFrom(since: Mark, hold: Hold): Hold {
  if (hold.deadline !== undefined && (hold.terms.expireMs !== undefined || hold.terms.minHoldMs > 0)) {
    hold.deadline.since = since
    hold.arm()
  }
  return hold
}

function gone({ space, terms }: Place, { store }: Exported, code: EndCode): LockLostError {
  const text =
    `nothing is held any more under what was exported from the store '${store}', and looked for in '${space.store.name}': ` +
    'it was adopted before, or released, or its lease ran out'
  return new LockLostError(code, terms.key, code === 'LOCK_LOST' ? text : undefined)
}
