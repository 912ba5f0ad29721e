import { askSync, type Refusal } from './acquire.js'
import { elapsedMs, type Mark, markOf } from './env.js'
import { LockTimeoutError, StoreError, SyncUnsupportedError } from './errors.js'
import { Hold } from './hold.js'
import { asHoldfastError, outcomeOf } from './limited.js'
import { failureRetryMs, nextDelayMs } from './plan.js'
import { heldBy, refusal, traceContention } from './refusal.js'
import type { Seat, Space } from './space.js'
import type { HolderInfo, Refused } from './store.js'
import type { Terms, Waiting } from './terms.js'

/**
 * Acquires while the thread is blocked.
 * @throws LockedError, LockTimeoutError, StoreError, SyncUnsupportedError
 */
export function acquireSync(space: Space, terms: Terms, { waitMs, quiet }: Waiting): Hold {
  const result = requestSync(space, terms, waitMs)
  if (result instanceof Hold) return result
  if (waitMs <= 0) throw refusal(space, terms, result.holder, quiet)
  const error = new LockTimeoutError(terms.key, heldBy(result.holder), result.waitedMs, result.reason)
  if (quiet !== true) space.warn(error.message)
  throw error
}

/** Acquires, or returns undefined when another holds (after `wait`). @throws StoreError, SyncUnsupportedError */
export function tryAcquireSync(space: Space, terms: Terms, { waitMs }: Waiting): Hold | undefined {
  const result = requestSync(space, terms, waitMs)
  return result instanceof Hold ? result : undefined
}

/** @throws SyncUnsupportedError when the store only answers with promises */
export function assertSync(space: Space, key: string, call: string): void {
  if (space.syncStore !== undefined) return
  throw new SyncUnsupportedError(
    `${call}() on ${key}: the store '${space.store.name}' answers with promises. Use the call without 'Sync', ` +
      `or a store that can block: import { blocking } from 'holdfast/blocking'; configure({ store: blocking('redis://…') }).`,
    key,
  )
}

interface GaveUp extends Refusal {
  readonly waitedMs: number
  /** Why it did not wait to the end; undefined: it did. */
  readonly reason: string | undefined
}

function requestSync(space: Space, terms: Terms, waitMs: number): Hold | GaveUp {
  const { env } = space
  const since = markOf(env)
  const seat = space.newSeat()
  for (let refusals = 0; ; refusals++) {
    const result = askPatiently(space, terms, seat, since, waitMs)
    if (result instanceof Hold) return result
    traceContention(terms, waitMs > 0)
    const waitedMs = elapsedMs(env, since)
    const delayMs = delayOf(space, result, refusals)
    const leftMs = waitMs - waitedMs
    if (leftMs <= 0) return { holder: result.holder, waitedMs, reason: undefined }
    if (delayMs === undefined || (space.store.capabilities.scope === 'process' && delayMs > leftMs)) {
      return { holder: result.holder, waitedMs, reason: hopeless }
    }
    env.sleepSync(Math.min(delayMs, leftMs))
  }
}

const hopeless =
  'Nobody can release it while this thread is blocked, and its holder has no expire within { wait }: ' +
  'use acquire(), or set { expire } where it is taken.'

/** How long to sleep; undefined: the only ones who could release are blocked by us. */
function delayOf(space: Space, refused: Refusal & Partial<Refused>, refusals: number): number | undefined {
  const { env, store } = space
  if (store.capabilities.scope === 'process') return untilExpire(refused.holder, env.wallMs())
  const { freeInMs } = refused
  return nextDelayMs(store.capabilities.scope, { freeInMs, queued: false, refusals, random: env.random() })
}

function untilExpire(holder: HolderInfo | undefined, nowMs: number): number | undefined {
  if (holder?.expireMs === undefined) return undefined
  return Math.max(holder.since + holder.expireMs - nowMs, 0) + 1
}

/** A call of unknown outcome is made again with the same owner; a store that stays silent is told after its time limit. */
function askPatiently(space: Space, terms: Terms, seat: Seat, since: Mark, waitMs: number): Hold | Refusal {
  const { env } = space
  let failing: Mark | undefined
  let unknown = false
  for (let failures = 0; ; failures++) {
    const mark = markOf(env)
    try {
      return askSync(space, terms, seat.owner)
    } catch (error) {
      unknown ||= outcomeOf(error) === 'unknown'
      failing ??= mark
      const pauseMs = failureRetryMs(failures, env.random())
      const patient = outcomeOf(error) === 'unknown' || elapsedMs(env, since) < waitMs
      if (!(error instanceof StoreError) || !patient || elapsedMs(env, failing) + pauseMs >= terms.storeTimeoutMs) {
        if (unknown) space.abandon(terms, seat)
        throw asHoldfastError(error, 'acquire', terms.key)
      }
      env.sleepSync(pauseMs)
    }
  }
}
