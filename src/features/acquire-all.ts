import { acquire, type Failing, holdOf, isFresh, pause, pauseAfter, tooSlow, untilAborted } from '../core/acquire.js'
import { type Mark, markOf } from '../core/env.js'
import type { Hold } from '../core/hold.js'
import { asHoldfastError, invoke, limited, open } from '../core/limited.js'
import { refusal, traceContention } from '../core/refusal.js'
import { release } from '../core/release.js'
import { closedError, type Seat, type Space } from '../core/space.js'
import type { Answer, AnswerToAll, RefusedAll } from '../core/store.js'
import { isTimed, leaseMs, type Terms, type Waiting } from '../core/terms.js'
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

/**
 * Acquires several keys, all or none. `all`: sorted by key, so that those who wait for several never wait for each other.
 * @throws as `acquire`; the error's key is the one that was held by another
 */
export function acquireAll(space: Space, all: readonly Terms[], waiting: Waiting): Promise<readonly Hold[]> {
  const holds: Hold[] = []
  return untilAborted(
    waiting.signal,
    () => takeAll(space, all, waiting, holds),
    () => void giveBack(holds), // what comes after that sees the signal itself
  )
}

/** Puts what it has into `holds`. */
async function takeAll(space: Space, all: readonly Terms[], waiting: Waiting, holds: Hold[]): Promise<readonly Hold[]> {
  const sinceMs = space.env.nowMs()
  const asked = isWorthAsking(space, all, waiting) ? await askAbortably(space, all, waiting.signal) : undefined
  if (asked !== undefined) {
    if (!('index' in asked)) return asked
    refuse(space, all, asked, waiting)
  }
  for (;;) {
    try {
      await takeEach(space, all, { ...waiting, sinceMs }, holds)
    } catch (error) {
      await giveBack(holds)
      throw failureOf(error, { space, waiting, sinceMs })
    }
    const lost = firstLost(holds)
    if (lost === undefined) return holds
    await giveBack(holds)
    holds.length = 0
    if (leftMs(space, waiting, sinceMs) === 0) throw failureOf(lost.lostError(), { space, waiting, sinceMs })
  }
}

/** What one of this process holds is refused anyway; what one waits for would be taken from those who wait. */
export function isWorthAsking({ store, held, gates }: Space, all: readonly Terms[], { waitMs }: Waiting): boolean {
  if (store.acquireAll === undefined || all.length < 2) return false
  return waitMs <= 0 || !all.some(({ storeKey }) => held.has(storeKey) || gates.has(storeKey))
}

/** Tells of the key that was held. @throws LockedError, unless it waits */
export function refuse(space: Space, all: readonly Terms[], { index, holder }: RefusedAll, waiting: Waiting): void {
  const busy = all[index]
  if (busy === undefined) return
  traceContention(busy, waiting.waitMs > 0)
  if (waiting.waitMs <= 0) throw refusal(space, busy, holder, waiting.quiet)
}

/** The holds; who is in the way; undefined: not to be had in one step. */
export type Asked = readonly Hold[] | RefusedAll | undefined

function askAbortably(space: Space, all: readonly Terms[], signal: AbortSignal | undefined): Promise<Asked> {
  const seats = all.map(() => space.newSeat())
  return untilAborted(
    signal,
    () => askPatiently(space, all, seats),
    () => abandon(space, all, seats),
  )
}

/** As for one key: a lost reply is asked for again by the same owners, and so is what was granted too late. */
async function askPatiently(space: Space, all: readonly Terms[], seats: readonly Seat[]): Promise<Asked> {
  const [terms, ...others] = all
  const [seat, ...othersSeats] = seats
  if (terms === undefined || seat === undefined) return []
  let failing: Failing | undefined
  space.begin()
  try {
    for (;;) {
      let mark = markOf(space.env)
      try {
        await open(space, 'acquire')
        mark = markOf(space.env)
        const answer = await send(space, all, seats, mark)
        if (answer?.granted === true) return await taken(space, all, seats, { tokens: answer.tokens, mark })
        if (failing?.unknown === true) abandon(space, all, seats) // a call before may have been granted, and lost in part since
        return answer
      } catch (error) {
        failing ??= { since: mark, times: 0, unknown: false }
        await pause(space.env, pauseAfter(error, failing, { space, terms, seat }))
      }
    }
  } catch (error) {
    if (failing?.unknown === true) abandon(space, others, othersSeats)
    throw asHoldfastError(error, 'acquire', keyOfAll(all))
  } finally {
    space.done()
  }
}

/** One request. What is granted so late that it was given up meanwhile is released again. */
function send(
  space: Space,
  all: readonly Terms[],
  seats: readonly Seat[],
  { wallMs }: Mark,
): Promise<AnswerToAll | undefined> {
  const requests = all.map((terms, index) => space.requestOf(terms, seats[index]?.owner ?? '', wallMs))
  const call = invoke(() => space.store.acquireAll?.(requests))
  const [{ storeTimeoutMs = 0 } = {}, seat] = [all[0], seats[0]]
  return limited(space.env, call, storeTimeoutMs, 'acquire', true, (late) => {
    if (late?.granted === true && seat?.abandoned === true) abandon(space, all, seats)
  })
}

interface Granted {
  readonly tokens: readonly number[]
  readonly mark: Mark
}

/** @throws StoreError when less than half of a lease is left */
async function taken(
  space: Space,
  all: readonly Terms[],
  seats: readonly Seat[],
  { tokens, mark }: Granted,
): Promise<Asked> {
  if (seats.some(({ abandoned }) => abandoned)) {
    abandon(space, all, seats)
    return undefined
  }
  const start = { mark, now: markOf(space.env) }
  if (!all.every((terms) => isFresh(space, terms, start))) throw tooSlow()
  const holds = all.map((terms, index) =>
    holdOf(space, terms, seats[index]?.owner ?? '', {
      token: tokens[index] ?? 0,
      start: isTimed(terms) ? start : undefined,
    }),
  )
  if (!space.closed) return holds
  await giveBack(holds)
  throw closedError()
}

function abandon(space: Space, all: readonly Terms[], seats: readonly Seat[]): void {
  for (const [index, terms] of all.entries()) {
    const seat = seats[index]
    if (seat !== undefined) space.abandon(terms, seat)
  }
}

/** One after the other, with what is left of the one deadline. */
async function takeEach(
  space: Space,
  all: readonly Terms[],
  waiting: Waiting & { readonly sinceMs: number },
  holds: Hold[],
): Promise<void> {
  const { signal, sinceMs } = waiting
  for (const terms of all) {
    signal?.throwIfAborted()
    const wish = { waitMs: leftMs(space, waiting, sinceMs), signal, quiet: true }
    holds.push(await acquire(space, holds.length < all.length - 1 ? early(terms) : terms, wish, same))
  }
  for (const [index, terms] of all.entries()) await inFull(holds, index, terms)
  await refresh(space, holds)
  signal?.throwIfAborted()
}

/** Until one look at the clocks finds more than half of each lease left. @throws StoreError */
async function refresh(space: Space, holds: readonly Hold[]): Promise<void> {
  for (let looks = 0; looks < mostLooks; looks++) {
    const mark = markOf(space.env)
    const stale = staleOf(holds, mark)
    if (stale.length === 0) return
    await Promise.all(stale.map((hold) => renew(hold, mark)))
  }
  throw tooSlow()
}

function same(hold: Hold): Hold {
  return hold
}

/** Puts a hold of the terms that were asked for in the place of one that was taken early. @throws StoreError */
async function inFull(holds: Hold[], index: number, terms: Terms): Promise<void> {
  const hold = holds[index]
  if (hold === undefined || hold.terms === terms) return
  const mark = markOf(hold.space.env)
  const next = successorOf(hold, terms, mark)
  holds[index] = next
  try {
    await askAgain(next, mark)
  } catch (error) {
    throw asHoldfastError(error, 'acquire', terms.key)
  }
}

/** What is granted after it was given back is released again. */
async function askAgain(hold: Hold, { wallMs }: Mark): Promise<void> {
  const { space, terms, owner } = hold
  const call = invoke(() => space.store.acquire(space.requestOf(terms, owner, wallMs)))
  const late = (answer: Answer): void => {
    if (answer.granted && hold.ended !== undefined) space.cleanUp(terms, owner)
  }
  confirm(hold, await limited(space.env, call, terms.storeTimeoutMs, 'acquire', true, late))
}

async function renew(hold: Hold, mark: Mark): Promise<void> {
  const { space, terms, owner } = hold
  const ttlMs = leaseMs(terms, hold.heldMs()) ?? 0
  try {
    const call = invoke(() => space.store.renew(terms.storeKey, owner, ttlMs))
    if (await limited(space.env, call, terms.storeTimeoutMs, 'renew', true)) hold.extend(mark, ttlMs)
    else lose(hold)
  } catch (error) {
    throw asHoldfastError(error, 'acquire', terms.key)
  }
}

/** Releases what nobody has used yet, the last first, and before an instance that closes has closed. Failures are the background's: see `release`. */
async function giveBack(holds: readonly Hold[]): Promise<void> {
  const [first] = holds
  first?.space.begin()
  await Promise.allSettled(holds.map(atRest).toReversed().map(release))
  first?.space.done()
}
