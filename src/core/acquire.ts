import { betweenMs, elapsedMs, type Env, type Mark, markOf } from './env.js'
import { LockedError, StoreError } from './errors.js'
import { Gate } from './gate.js'
import { type Grant, Hold } from './hold.js'
import { asHoldfastError, limited, open, outcomeOf } from './limited.js'
import { failureRetryMs, trustedMs } from './plan.js'
import { refusal, traceContention } from './refusal.js'
import { release } from './release.js'
import { closedError, type Seat, type Space } from './space.js'
import type { Answer, HolderInfo } from './store.js'
import { isTimed, leaseMs, type Terms, type Waiting } from './terms.js'
import { trace, traced } from './trace.js'

/** A request that was refused and does not wait. */
export interface Refusal {
  readonly holder?: HolderInfo | undefined
}

/** The hold, when the store is this process's memory and nobody waits for the key; else undefined: ask properly. */
export function acquireAtOnce(space: Space, terms: Terms): Hold | undefined {
  if (!space.local || (space.gates.size > 0 && space.gates.has(terms.storeKey))) return undefined
  try {
    const result = askSync(space, terms, space.newOwner())
    return result instanceof Hold ? result : undefined
  } catch (error) {
    throw asHoldfastError(error, 'acquire', terms.key)
  }
}

/** Acquires, or rejects; `take` makes what it resolves to. Its signal has not aborted yet. @throws LockedError, LockTimeoutError, StoreError, or the signal's reason */
export function acquire<T>(space: Space, terms: Terms, waiting: Waiting, take: (hold: Hold) => T): Promise<T> {
  const { waitMs, signal } = waiting
  if (waitMs > 0) {
    const line =
      space.gates.get(terms.storeKey) ?? terms.line?.(space, terms.storeKey) ?? new Gate(space, terms.storeKey)
    return line.enter(terms, waiting, take)
  }
  return askAbortably(space, terms, signal).then((result) => {
    if (result instanceof Hold) return take(result)
    traceContention(terms, false)
    throw refusal(space, terms, result.holder, waiting.quiet)
  })
}

/** Acquires, or resolves to undefined when another holds (after `wait`). @throws StoreError, or the signal's reason */
export async function tryAcquire<T>(
  space: Space,
  terms: Terms,
  waiting: Waiting,
  take: (hold: Hold) => T,
): Promise<T | undefined> {
  try {
    const { waitMs, signal } = waiting
    return await acquire(space, terms, { waitMs, signal, quiet: true }, take)
  } catch (error) {
    if (error instanceof LockedError) return undefined
    throw error
  }
}

/**
 * One request without promises, where the store allows it: the grant, or the refusal.
 * @throws StoreError, InvalidOptionError
 */
export function askSync(space: Space, terms: Terms, owner: string): Hold | Refusal {
  const store = space.syncStore
  if (store === undefined) throw new TypeError('an async store was asked in sync') // a fault of ours
  const mark = isTimed(terms) ? markOf(space.env) : undefined
  const answer = store.acquire(space.requestOf(terms, owner, mark?.wallMs ?? space.env.wallMs()))
  if (!answer.granted) return answer
  const start = mark === undefined ? undefined : { mark, now: markOf(space.env) }
  const fresh = start === undefined || isFresh(space, terms, start)
  const { token } = answer
  return fresh ? holdOf(space, terms, owner, { token, start }) : refreshSync(space, terms, owner, token)
}

/** Renews at once what was granted so late that less than half of its lease is left. */
function refreshSync(space: Space, terms: Terms, owner: string, token: number): Hold {
  const mark = markOf(space.env)
  if (space.syncStore?.renew(terms.storeKey, owner, leaseMs(terms) ?? 0) !== true) throw tooSlow()
  return holdOf(space, terms, owner, { token, start: { mark } })
}

/** The lease was over before it could be used. Worth another try: the answers may come faster. */
export function tooSlow(): StoreError {
  return new StoreError(
    'acquire',
    'its answers take longer than the lease lasts. Raise { ttl }, or find out what slows it down.',
  )
}

export function holdOf(space: Space, terms: Terms, owner: string, grant: Grant): Hold {
  const hold = new Hold(space, terms, owner, grant)
  if (traced('holdfast:acquired')) trace('holdfast:acquired', { key: terms.key, token: hold.token, waitedMs: 0 })
  return hold
}

/** A lease is not handed out with less than half of it left. */
export function isFresh(space: Space, terms: Terms, { mark, now }: { mark: Mark; now: Mark }): boolean {
  const ttlMs = leaseMs(terms)
  return ttlMs === null || trustedMs(ttlMs, space.store.capabilities.scope) - betweenMs(mark, now) >= ttlMs / 2
}

/**
 * Asks until there is an answer: a lost reply is asked for again with the same owner, who gets what it already has. What is
 * granted after the instance was closed is given back before `close` goes on.
 */
async function askPatiently(space: Space, terms: Terms, seat: Seat): Promise<Hold | Refusal> {
  let result: Hold | Refusal | undefined
  let failing: Failing | undefined
  space.begin()
  try {
    while (result === undefined) {
      let mark = markOf(space.env)
      try {
        const opening = open(space, 'acquire')
        if (opening !== undefined) {
          await opening
          mark = markOf(space.env)
        }
        const answer = await send(space, terms, seat, mark)
        if (!answer.granted) result = { holder: answer.holder }
        else {
          const { token } = answer
          result = taken(space, terms, seat, { mark, token }) ?? (await refresh(space, terms, seat, token))
        }
      } catch (error) {
        failing ??= { since: mark, times: 0, unknown: false }
        await pause(space.env, pauseAfter(error, failing, { space, terms, seat }))
      }
    }
    if (!space.closed) return result
    if (result instanceof Hold) await release(result)
    throw closedError()
  } finally {
    space.done()
  }
}

/** One request. What is granted so late that its seat was given up meanwhile is released again. */
function send(space: Space, terms: Terms, seat: Seat, { wallMs }: Mark): Promise<Answer> {
  const call = Promise.resolve(space.store.acquire(space.requestOf(terms, seat.owner, wallMs)))
  return limited(space.env, call, terms.storeTimeoutMs, 'acquire', true, (late) => {
    if (late.granted && seat.abandoned) space.cleanUp(terms, seat.owner)
  })
}

/** The hold or the refusal; undefined: granted, but less than half of the lease is left. */
function taken(space: Space, terms: Terms, seat: Seat, { mark, token }: Granted): Hold | Refusal | undefined {
  if (seat.abandoned) {
    space.cleanUp(terms, seat.owner)
    return { holder: undefined }
  }
  const start = { mark, now: markOf(space.env) }
  return isFresh(space, terms, start) ? holdOf(space, terms, seat.owner, { token, start }) : undefined
}

interface Granted {
  readonly mark: Mark
  readonly token: number
}

/** Renews what was granted too late. */
async function refresh(space: Space, terms: Terms, seat: Seat, token: number): Promise<Hold | Refusal> {
  const { env, store } = space
  const mark = markOf(env)
  const call = Promise.resolve(store.renew(terms.storeKey, seat.owner, leaseMs(terms) ?? 0))
  const renewed = await limited(env, call, terms.storeTimeoutMs, 'renew', true)
  const start = { mark, now: markOf(env) }
  if (!renewed || !isFresh(space, terms, start)) throw tooSlow()
  return seat.abandoned ? { holder: undefined } : holdOf(space, terms, seat.owner, { token, start })
}

/** A request whose store fails. */
export interface Failing {
  readonly since: Mark
  times: number
  /** One of the calls may have had its effect. */
  unknown: boolean
}

/** How long to wait before asking again. @throws `error` as ours, when asking again is of no use */
export function pauseAfter(error: unknown, failing: Failing, { space, terms, seat }: Request): number {
  const { env } = space
  const failure = asHoldfastError(error, 'acquire', terms.key)
  trace('holdfast:store-failed', { key: terms.key, operation: 'acquire', error: failure })
  const lost = outcomeOf(failure) === 'unknown'
  failing.unknown ||= lost
  const pauseMs = failureRetryMs(failing.times++, env.random())
  if (lost && !seat.abandoned && elapsedMs(env, failing.since) + pauseMs < terms.storeTimeoutMs) return pauseMs
  if (failing.unknown) space.abandon(terms, seat)
  throw failure
}

interface Request {
  readonly space: Space
  readonly terms: Terms
  readonly seat: Seat
}

function askAbortably(space: Space, terms: Terms, signal: AbortSignal | undefined): Promise<Hold | Refusal> {
  const seat = space.newSeat()
  return untilAborted(
    signal,
    () => askPatiently(space, terms, seat),
    () => space.abandon(terms, seat),
  )
}

/** Rejects as soon as the signal aborts; what is granted after that is to be given back, says `giveUp`. */
export function untilAborted<T>(
  signal: AbortSignal | undefined,
  ask: () => Promise<T>,
  giveUp: () => void,
): Promise<T> {
  if (signal === undefined) return ask()
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      giveUp()
      reject(signal.reason as Error) // whatever the user gave
    }
    signal.addEventListener('abort', abort)
    ask()
      .then(resolve, reject)
      .finally(() => {
        signal.removeEventListener('abort', abort)
      })
  })
}

export function pause(env: Env, ms: number): Promise<void> {
  return new Promise((resolve) => {
    env.setTimer(resolve, ms, true)
  })
}
