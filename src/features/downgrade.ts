import { markOf } from '../core/env.js'
import type { Hold } from '../core/hold.js'
import { asHoldfastError, limited } from '../core/limited.js'
import { release, releaseSync } from '../core/release.js'
import type { Answer } from '../core/store.js'
import { leaseMs, type Terms } from '../core/terms.js'

/**
 * Turns a hold into one of fewer permits of the same key, under the same owner and token: what it gives back is free for
 * others, and nobody gets in between. The old hold ends in any case: who could not be told stays a writer at the store,
 * which keeps others out for longer, and never lets one in too early.
 * @throws LockLostError when the old one is over, StoreError
 */
export async function downgrade(hold: Hold, terms: Terms): Promise<Hold> {
  const { space, owner } = hold
  const next = successorOf(hold, terms)
  const mark = markOf(space.env)
  try {
    const call = Promise.resolve(space.store.acquire(space.requestOf(terms, owner, mark.wallMs)))
    accept(next, await limited(space.env, call, terms.storeTimeoutMs, 'acquire', true))
    next.extend(mark, leaseMs(terms))
    return next
  } catch (error) {
    await release(next).catch(() => undefined) // the error that matters is the first
    throw asHoldfastError(error, 'acquire', terms.key)
  }
}

/** The same on a store that answers at once. @throws LockLostError, StoreError */
export function downgradeSync(hold: Hold, terms: Terms): Hold {
  const { space, owner } = hold
  const next = successorOf(hold, terms)
  const mark = markOf(space.env)
  try {
    const answer = space.syncStore?.acquire(space.requestOf(terms, owner, mark.wallMs))
    if (answer !== undefined) accept(next, answer)
    next.extend(mark, leaseMs(terms))
    return next
  } catch (error) {
    try {
      releaseSync(next)
    } catch {
      // the error that matters is the first
    }
    throw asHoldfastError(error, 'acquire', terms.key)
  }
}

function successorOf(hold: Hold, terms: Terms): Hold {
  const next = hold.turnInto(terms)
  if (next === undefined) throw hold.lostError()
  return next
}

/** A larger token tells that the hold was over, and this is a new one: there was a gap. */
function accept(next: Hold, answer: Answer): void {
  if (answer.granted && answer.token === next.token) return
  next.end('LOCK_LOST', 'the store did not know it any more when it was downgraded')
  throw next.lostError()
}
