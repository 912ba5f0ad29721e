/** What the two ways to acquire several keys share: with promises, and without. */
import type { Mark } from '../core/env.js'
import { LockedError, LockLostError, LockTimeoutError, TooManyWaitersError } from '../core/errors.js'
import { Hold } from '../core/hold.js'
import type { Space } from '../core/space.js'
import type { Answer } from '../core/store.js'
import { isTimed, leaseMs, type Terms, type Waiting } from '../core/terms.js'

/** How several keys are named in messages. */
export function keyOfAll(all: readonly { readonly key: string }[]): string {
  return all.map(({ key }) => key).join(', ')
}

/** What is left of a wait that began at `sinceMs` of the monotonic clock. */
export function leftMs({ env }: Space, { waitMs }: Waiting, sinceMs: number): number {
  return Math.max(waitMs - (env.nowMs() - sinceMs), 0)
}

/**
 * What to ask for while others of the keys are still to be had: `expire` and `minHold` count from when all are held. Its lease is as
 * long as theirs, so that a renewal that comes late shortens nothing. Not passed on within the process, where its token would
 * become another than the store's.
 */
export function early(terms: Terms): Terms {
  const { expireMs, minHoldMs } = terms
  if (expireMs === undefined && minHoldMs === 0) return terms
  return {
    ...terms,
    ttlMs: leaseMs(terms),
    expireMs: undefined,
    minHoldMs: 0,
    minHoldLater: minHoldMs > 0,
    passes: false,
  }
}

/** The same hold with the terms that were asked for, which count from `mark`. */
export function successorOf(hold: Hold, terms: Terms, mark: Mark): Hold {
  const { space, owner, token } = hold
  hold.end('LOCK_RELEASED')
  return new Hold(space, terms, owner, { token, start: isTimed(terms) ? { mark } : undefined })
}

/** Another token tells that the hold was over, and this is a new one: there was a gap. */
export function confirm(hold: Hold, answer: Answer | undefined): void {
  if (answer?.granted !== true || answer.token !== hold.token) lose(hold)
}

export function lose(hold: Hold): void {
  hold.end('LOCK_LOST', 'the store did not know it any more when the other keys were held')
}

/** How often what is stale is renewed before all of it has failed. */
export const mostLooks = 5

/** Those of which less than half of the lease is left: renewals failed, or others of the keys took long to be had. */
export function staleOf(holds: readonly Hold[], now: Mark): Hold[] {
  return holds.filter(
    ({ deadline, ended }) => ended === undefined && deadline?.leaseMs != null && !deadline.isFresh(now),
  )
}

/** The first of the holds that is over. */
export function firstLost(holds: readonly Hold[]): Hold | undefined {
  return holds.find((hold) => !hold.isActive(true))
}

/** A hold that was not used is released at once, whatever `minHold` says. */
export function atRest(hold: Hold): Hold {
  const { terms } = hold
  return terms.minHoldMs > 0 ? (hold.turnInto({ ...terms, minHoldMs: 0 }) ?? hold) : hold
}

interface Acquisition {
  readonly space: Space
  readonly waiting: Waiting
  readonly sinceMs: number
}

/** What all of it fails with, when one of the keys could not be had, or was lost while others were waited for. Logged as a refusal. */
export function failureOf(error: unknown, { space, waiting, sinceMs }: Acquisition): unknown {
  if (!(error instanceof LockedError || error instanceof LockLostError)) return error
  const failure = asRefusal(error, waiting.waitMs, space.env.nowMs() - sinceMs)
  if (waiting.quiet !== true) space.warn(failure.message)
  return failure
}

/** It waited for all of them, not for the last alone; who gave up before the time was over says why. */
function asRefusal(error: LockedError | LockLostError, waitMs: number, waitedMs: number): LockedError {
  const holder = error instanceof LockedError ? error.holder : undefined
  if (waitMs <= 0) return new LockedError(error.key, holder)
  const early = error instanceof LockTimeoutError && waitedMs < waitMs - 1
  if (early || error instanceof TooManyWaitersError) return error
  return new LockTimeoutError(error.key, holder, waitedMs)
}
