import { elapsedMs, type Env, type Mark, markOf } from './env.js'
import { LockedError, StoreError } from './errors.js'
import { Gate } from './gate.js'
import { Hold } from './hold.js'
import { asHoldfastError, limited, outcomeOf } from './limited.js'
import { failureRetryMs, trustedMs } from './plan.js'
import { refusal, traceContention } from './refusal.js'
import type { Seat, Space } from './space.js'
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
  const result = attempt(() => askSync(space, terms), terms)
  return result instanceof Hold ? result : undefined
}

/** Acquires, or rejects. @throws LockedError, LockTimeoutError, StoreError, or the signal's reason */
export async function acquire(space: Space, terms: Terms, waiting: Waiting): Promise<Hold> {
  const result = await request(space, terms, waiting)
  if (result instanceof Hold) return result
  throw refusal(space, terms, result.holder)
}

/** Acquires, or resolves to undefined when another holds (after `wait`). @throws StoreError, or the signal's reason */
export async function tryAcquire(space: Space, terms: Terms, waiting: Waiting): Promise<Hold | undefined> {
  try {
    const result = await request(space, terms, waiting)
    return result instanceof Hold ? result : undefined
  } catch (error) {
    if (error instanceof LockedError) return undefined
    throw error
  }
}

/**
 * One request without promises, where the store allows it: the grant, or the refusal.
 * @throws StoreError, InvalidOptionError
 */
export function askSync(space: Space, terms: Terms, seat: Seat = space.newSeat()): Hold | Refusal {
  const store = space.syncStore
  if (store === undefined) throw new TypeError('an async store was asked in sync') // a fault of ours
  const mark = terms.timed ? markOf(space.env, false) : undefined
  const answer = store.acquire(space.requestOf(terms, seat.owner, 0))
  if (!answer.granted) return answer
  if (mark === undefined || isFresh(space, terms, mark))
    return holdOf(space, terms, seat, { token: answer.token, mark })
  const renewedAt = markOf(space.env, false)
  const renewed = store.renew(terms.storeKey, seat.owner, leaseMs(terms) ?? 0)
  if (renewed) return holdOf(space, terms, seat, { token: answer.token, mark: renewedAt })
  return { holder: undefined }
}

function holdOf(space: Space, terms: Terms, seat: Seat, grant: { token: number; mark: Mark | undefined }): Hold {
  const hold = new Hold(space, terms, seat, grant)
  if (traced('holdfast:acquired')) trace('holdfast:acquired', { key: terms.key, token: hold.token, waitedMs: 0 })
  return hold
}

/** A lease is not handed out with less than half of it left. */
function isFresh(space: Space, terms: Terms, mark: Mark): boolean {
  const ttlMs = leaseMs(terms)
  if (ttlMs === null) return true
  return trustedMs(ttlMs, space.store.capabilities.scope) - elapsedMs(space.env, mark) >= ttlMs / 2
}

async function request(space: Space, terms: Terms, waiting: Waiting): Promise<Hold | Refusal> {
  const { waitMs, signal } = waiting
  signal?.throwIfAborted()
  if (space.local && !space.gates.has(terms.storeKey)) {
    const result = attempt(() => askSync(space, terms), terms)
    if (result instanceof Hold) return result
    traceContention(terms, waitMs > 0)
    if (waitMs <= 0) return result
  } else if (waitMs <= 0) {
    const result = await abortable(signal, (seat) => askPatiently(space, terms, seat), space, terms)
    if (!(result instanceof Hold)) traceContention(terms, false)
    return result
  }
  return await wait(space, terms, waiting)
}

async function wait(space: Space, terms: Terms, waiting: Waiting): Promise<Hold> {
  const since = markOf(space.env, false)
  const gate = space.gates.get(terms.storeKey) ?? new Gate(space, terms.storeKey)
  try {
    const hold = await gate.enter(terms, waiting)
    const waitedMs = elapsedMs(space.env, since)
    trace('holdfast:acquired', { key: terms.key, token: hold.token, waitedMs })
    return hold
  } catch (error) {
    if (error instanceof LockedError) space.warn(error.message)
    throw error
  }
}

/** Asks until there is an answer: a lost reply is asked for again with the same owner, who gets what it already has. */
async function askPatiently(space: Space, terms: Terms, seat: Seat): Promise<Hold | Refusal> {
  const { env } = space
  const since = markOf(env, false)
  let unknown = false
  for (let failures = 0; ; failures++) {
    try {
      return await askOnce(space, terms, seat)
    } catch (error) {
      unknown ||= outcomeOf(error) === 'unknown'
      const pauseMs = failureRetryMs(failures, env.random())
      const spent = elapsedMs(env, since) + pauseMs >= terms.storeTimeoutMs
      if (!(error instanceof StoreError) || outcomeOf(error) === 'not-applied' || spent || seat.state === 'abandoned') {
        if (unknown) space.abandon(terms, seat)
        throw asHoldfastError(error, 'acquire', terms.key)
      }
      await pause(env, pauseMs)
    }
  }
}

async function askOnce(space: Space, terms: Terms, seat: Seat): Promise<Hold | Refusal> {
  const { env, store } = space
  let mark = markOf(env, false)
  const call = Promise.resolve(store.acquire(space.requestOf(terms, seat.owner, 0)))
  call.then(
    (late: Answer) => {
      if (late.granted && seat.state === 'abandoned') space.cleanUp(terms, seat.owner)
    },
    () => undefined, // told by the limited one
  )
  const answer = await timed(space, terms, call, 'acquire')
  if (!answer.granted) return answer
  if (!isFresh(space, terms, mark)) {
    mark = markOf(env, false)
    const renewal = Promise.resolve(store.renew(terms.storeKey, seat.owner, leaseMs(terms) ?? 0))
    if (!(await timed(space, terms, renewal, 'renew'))) return { holder: undefined }
  }
  if (seat.state === 'abandoned') return { holder: undefined }
  return holdOf(space, terms, seat, { token: answer.token, mark })
}

async function timed<T>(space: Space, terms: Terms, call: Promise<T>, operation: string): Promise<T> {
  try {
    return await limited(space.env, call, terms.storeTimeoutMs, operation, true)
  } catch (error) {
    const failure = asHoldfastError(error, operation, terms.key)
    trace('holdfast:store-failed', { key: terms.key, operation, error: failure })
    throw failure
  }
}

function attempt<T>(ask: () => T, terms: Terms): T {
  try {
    return ask()
  } catch (error) {
    throw asHoldfastError(error, 'acquire', terms.key)
  }
}

/** Runs `ask`, but rejects as soon as the signal aborts; what is granted after that is given back. */
function abortable(
  signal: AbortSignal | undefined,
  ask: (seat: Seat) => Promise<Hold | Refusal>,
  space: Space,
  terms: Terms,
): Promise<Hold | Refusal> {
  const seat = space.newSeat()
  if (signal === undefined) return ask(seat)
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      space.abandon(terms, seat)
      reject(signal.reason as Error) // whatever the user gave
    }
    signal.addEventListener('abort', abort, { once: true })
    ask(seat)
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
