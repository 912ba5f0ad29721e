import { elapsedMs, type Env, type Mark, markOf } from './env.js'
import { LockedError, StoreError } from './errors.js'
import { Gate } from './gate.js'
import { Hold } from './hold.js'
import { asHoldfastError, limited, open, outcomeOf } from './limited.js'
import { failureRetryMs, trustedMs } from './plan.js'
import { refusal, traceContention } from './refusal.js'
import { release } from './release.js'
import { closedError, type Seat, type Space } from './space.js'
import type { Answer, HolderInfo } from './store.js'
import { leaseMs, type Terms, type Waiting } from './terms.js'
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

/** Acquires, or rejects; `take` makes what it resolves to. @throws LockedError, LockTimeoutError, StoreError, or the signal's reason */
export function acquire<T>(space: Space, terms: Terms, waiting: Waiting, take: (hold: Hold) => T): Promise<T> {
  const { waitMs, signal } = waiting
  if (signal?.aborted === true) return Promise.reject(signal.reason)
  if (space.closed) return Promise.reject(closedError())
  if (waitMs > 0) {
    const gate = space.gates.get(terms.storeKey) ?? new Gate(space, terms.storeKey)
    return gate.enter(terms, waiting, take)
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
  const mark = terms.timed ? markOf(space.env, false) : undefined
  const answer = store.acquire(space.requestOf(terms, owner, 0))
  if (!answer.granted) return answer
  const grant = { token: answer.token, mark }
  const fresh = mark === undefined || isFresh(space, terms, mark)
  return fresh ? holdOf(space, terms, owner, grant) : refreshSync(space, terms, owner, grant)
}

/** Renews at once what was granted so late that less than half of its lease is left. */
function refreshSync(space: Space, terms: Terms, owner: string, { token }: { token: number }): Hold {
  const mark = markOf(space.env, false)
  if (space.syncStore?.renew(terms.storeKey, owner, leaseMs(terms) ?? 0) !== true) throw tooSlow()
  return holdOf(space, terms, owner, { token, mark })
}

/** The lease was over before it could be used. Worth another try: the answers may come faster. */
function tooSlow(): StoreError {
  return new StoreError(
    'acquire',
    'its answers take longer than the lease lasts. Raise { ttl }, or find out what slows it down.',
  )
}

function holdOf(
  space: Space,
  terms: Terms,
  owner: string,
  { token, mark }: { token: number; mark: Mark | undefined },
): Hold {
  const hold = new Hold(space, terms, owner, { token, start: mark === undefined ? undefined : { mark } })
  if (traced('holdfast:acquired')) trace('holdfast:acquired', { key: terms.key, token: hold.token, waitedMs: 0 })
  return hold
}

/** A lease is not handed out with less than half of it left. */
function isFresh(space: Space, terms: Terms, mark: Mark): boolean {
  const ttlMs = leaseMs(terms)
  if (ttlMs === null) return true
  return trustedMs(ttlMs, space.store.capabilities.scope) - elapsedMs(space.env, mark) >= ttlMs / 2
}

/** What is granted after the instance was closed is given back before `close` goes on. */
async function askCounted(space: Space, terms: Terms, seat: Seat): Promise<Hold | Refusal> {
  space.begin()
  try {
    const result = await askPatiently(space, terms, seat)
    if (!space.closed) return result
    if (result instanceof Hold) await release(result)
    throw closedError()
  } finally {
    space.done()
  }
}

/** Asks until there is an answer: a lost reply is asked for again with the same owner, who gets what it already has. */
async function askPatiently(space: Space, terms: Terms, seat: Seat): Promise<Hold | Refusal> {
  const { env } = space
  let failing: Mark | undefined
  let unknown = false
  for (let failures = 0; ; failures++) {
    let mark = markOf(env, false)
    try {
      const opening = open(space, 'acquire')
      if (opening !== undefined) {
        await opening
        mark = markOf(env, false)
      }
      const answer = await limited(env, send(space, terms, seat), terms.storeTimeoutMs, 'acquire', true)
      if (!answer.granted || seat.abandoned) return { holder: answer.granted ? undefined : answer.holder }
      if (isFresh(space, terms, mark)) return holdOf(space, terms, seat.owner, { token: answer.token, mark })
      return await refresh(space, terms, seat, answer.token)
    } catch (error) {
      const failure = asHoldfastError(error, 'acquire', terms.key)
      trace('holdfast:store-failed', { key: terms.key, operation: 'acquire', error: failure })
      const lost = outcomeOf(failure) === 'unknown'
      unknown ||= lost
      failing ??= mark
      const pauseMs = failureRetryMs(failures, env.random())
      const spent = elapsedMs(env, failing) + pauseMs >= terms.storeTimeoutMs
      if (!lost || spent || seat.abandoned) {
        if (unknown) space.abandon(terms, seat)
        throw failure
      }
      await pause(env, pauseMs)
    }
  }
}

/** One request. What is granted to a seat that was given up meanwhile is released again, however late the answer comes. */
function send(space: Space, terms: Terms, seat: Seat): Promise<Answer> {
  const call = Promise.resolve(space.store.acquire(space.requestOf(terms, seat.owner, 0)))
  call.then(
    (late) => {
      if (late.granted && seat.abandoned) space.cleanUp(terms, seat.owner)
    },
    () => undefined, // told by the limited one
  )
  return call
}

/** Renews what was granted so late that less than half of its lease is left. */
async function refresh(space: Space, terms: Terms, seat: Seat, token: number): Promise<Hold | Refusal> {
  const { env, store } = space
  const mark = markOf(env, false)
  const call = Promise.resolve(store.renew(terms.storeKey, seat.owner, leaseMs(terms) ?? 0))
  const renewed = await limited(env, call, terms.storeTimeoutMs, 'renew', true)
  if (!renewed || !isFresh(space, terms, mark)) throw tooSlow()
  return seat.abandoned ? { holder: undefined } : holdOf(space, terms, seat.owner, { token, mark })
}

/** Rejects as soon as the signal aborts; what is granted after that is given back. */
function askAbortably(space: Space, terms: Terms, signal: AbortSignal | undefined): Promise<Hold | Refusal> {
  const seat = space.newSeat()
  if (signal === undefined) return askCounted(space, terms, seat)
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      space.abandon(terms, seat)
      reject(signal.reason as Error) // whatever the user gave
    }
    signal.addEventListener('abort', abort, { once: true })
    askCounted(space, terms, seat)
      .then(resolve, reject)
      .finally(() => {
        signal.removeEventListener('abort', abort)
      })
  })
}

function pause(env: Env, ms: number): Promise<void> {
  return new Promise((resolve) => {
    env.setTimer(resolve, ms, true)
  })
}
