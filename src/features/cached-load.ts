import { StoreError, SyncUnsupportedError } from '../core/errors.js'
import type { Lease, SyncLease } from '../core/lease.js'
import type { KeptValue } from '../core/store.js'
import { trace } from '../core/trace.js'
import type { ParsedCachedOptions } from './cached-options.js'
import type { Way } from './cached-way.js'
import { type Flight, flightsOf, type Outcome, type Step, steps } from './cached-flights.js'
import { messageOf } from './codec.js'
import { isThenable } from './within.js'
import { runAsync, runSync, type Steps, wait } from './steps.js'

/** One call of a cached function whose value has to be looked for. */
export interface Call {
  readonly way: Way
  readonly options: ParsedCachedOptions
  /** How long a value is fresh; null: without end. */
  readonly ttlMs: number | null
  /** Calls the function itself. */
  readonly body: () => unknown
  /** How far its computation has come. */
  step: Step
}

/** A value that is there. */
interface Found {
  readonly value: unknown
  readonly staleMs: number
}

/** How to compute: when the lock is had, if it is free, or without the store, which failed. */
type Manner = 'wait' | 'try' | 'alone'

/** The value: from the store, or computed, by this call or by another that is at it. */
export function* load(call: Call): Steps<unknown> {
  const { way, options } = call
  const flights = flightsOf(way).now
  for (let joined = false; ; joined = true) {
    const found = yield* find(call, isAging(options))
    const old = found === 'outage' ? undefined : found
    if (old?.staleMs === 0) return old.value
    if (old !== undefined && old.staleMs < options.revalidateMs) {
      revalidate(call, old)
      return old.value
    }
    const manner = found === 'outage' ? 'alone' : 'wait'
    if (way.sync) return (yield* compute(call, old, manner))?.value
    const flight = flights.get(way.name)
    if (flight === undefined || flight.isReset) {
      return (yield* wait(launch(call, old, manner).outcome))?.value
    }
    const { step } = flight.call
    const outcome = yield* wait(flight.outcome)
    // What this one found or kept may have been deleted before this call; the next one begins after it.
    if (outcome !== undefined && (joined || step < outcome.until)) return outcome.value
  }
}

/** Deletes the value; what is being computed now is not kept, nor given to those who call from now on. */
export function* reset({ way }: Pick<Call, 'way'>): Steps<boolean> {
  const flight = flightsOf(way).now.get(way.name)
  if (flight !== undefined) flight.isReset = true
  return yield* wait(way.delete())
}

/** Values are kept beyond their ttl. */
function isAging({ revalidateMs, ifErrorMs }: ParsedCachedOptions): boolean {
  return revalidateMs + ifErrorMs > 0
}

function* find(call: Call, exactly: boolean): Steps<Found | undefined | 'outage'> {
  const { way, options } = call
  let kept: KeptValue | undefined
  try {
    kept = yield* wait(way.get(exactly))
  } catch (error) {
    warnOfOutage(call, 'get', error)
    return 'outage'
  }
  if (kept === undefined || kept.staleMs === Number.POSITIVE_INFINITY) return undefined
  const { staleMs } = kept
  try {
    return { value: options.packing.unpack(kept.content, way.live), staleMs }
  } catch (error) {
    warn(
      call,
      `what the store keeps does not decode (${messageOf(error)}): it counts as absent, and is computed again.`,
    )
    return undefined
  }
}

/** One at a time: the key is locked, and whoever gets the lock looks first whether it was done meanwhile. undefined: it was not free to 'try'. */
function* compute(call: Call, stale: Found | undefined, manner: Manner): Steps<Outcome | undefined> {
  let old = stale
  let until: Step = steps.asks
  let lease: Lease | SyncLease | undefined
  try {
    if (manner !== 'alone') lease = yield* lock(call, manner)
    if (lease === undefined && manner === 'try') return undefined
    if (lease !== undefined) {
      call.step = steps.looks
      const meanwhile = yield* find(call, true)
      if (meanwhile !== undefined && meanwhile !== 'outage') [old, until] = [meanwhile, steps.looks]
      if (old?.staleMs === 0) return { value: old.value, until }
    }
    const value = yield* wait(call.body())
    call.step = steps.done
    if (call.way.sync && isThenable(value)) throw promised(call, value)
    return yield* keep(call, value, lease)
  } catch (error) {
    if (old === undefined || old.staleMs >= call.options.ifErrorMs) throw error
    warn(call, `a new value could not be computed (${messageOf(error)}): the stale one is given.`)
    return { value: old.value, until }
  } finally {
    if (lease !== undefined) yield* wait(lease.abort())
  }
}

/** undefined: the lock was not free, or cannot be had because the store failed. */
function* lock(call: Call, manner: Manner): Steps<Lease | SyncLease | undefined> {
  try {
    return yield* wait<Lease | SyncLease | undefined>(manner === 'try' ? call.way.tryAcquire() : call.way.acquire())
  } catch (error) {
    warnOfOutage(call, 'acquire', error)
    return undefined
  }
}

/** Hands out what comes back from the codec, the first time too: so that what is given is always of one kind. */
function* keep(call: Call, value: unknown, lease: Lease | SyncLease | undefined): Steps<Outcome> {
  const { way, options, ttlMs } = call
  const { packing, revalidateMs, ifErrorMs } = options
  const { content, refusal } = packing.pack(value, way.live)
  if (refusal !== undefined) {
    warn(call, `the value is not kept: ${refusal}.`)
    return { value, until: steps.done }
  }
  const given = packing.unpack(content, way.live)
  if (lease === undefined) return { value: given, until: steps.done }
  // memory remembers a deletion as long as the key is held
  if (way.live && !lease.active) return { value: given, until: steps.asks }
  try {
    const staleMs = ttlMs === null ? 0 : Math.max(revalidateMs, ifErrorMs)
    const isKept = yield* wait(way.set({ content, token: lease.token, freshMs: ttlMs, staleMs }))
    return { value: given, until: isKept ? steps.done : steps.asks }
  } catch (error) {
    warnOfOutage(call, 'set', error)
    return { value: given, until: steps.done }
  }
}

/** Begins a computation that others of this process can join. */
function launch(call: Call, old: Found | undefined, manner: Manner): Flight {
  const { way } = call
  const flights = flightsOf(way).now
  const land = (): void => {
    if (flights.get(way.name) === flight) flights.delete(way.name)
  }
  const flight: Flight = { outcome: runAsync(compute(call, old, manner)).finally(land), isReset: false, call }
  flights.set(way.name, flight)
  return flight
}

/** Computes in the background, unless somebody is at it. */
function revalidate(call: Call, old: Found): void {
  const { way } = call
  const { space } = way.place
  const { now, soon } = flightsOf(way)
  if (now.has(way.name) || soon.has(way.name)) return
  const failed = (error: unknown): void => {
    if (!space.closed) warn(call, `a new value could not be computed in the background (${messageOf(error)}).`)
  }
  if (!way.sync) {
    launch(call, old, 'try').outcome.catch(failed)
    return
  }
  soon.add(way.name)
  space.env.setImmediate(() => {
    soon.delete(way.name)
    try {
      runSync(compute(call, old, 'try'))
    } catch (error) {
      failed(error)
    }
  })
}

/** The body went on by itself; its outcome belongs to whoever started it. */
function promised({ way }: Call, result: PromiseLike<unknown>): SyncUnsupportedError {
  result.then(
    () => undefined,
    () => undefined,
  )
  return new SyncUnsupportedError(
    `${way.key}: the cached function returned a promise, and is not declared async: write async (…) => …, so that it is known before the call.`,
    way.key,
  )
}

/** The store failed: no reason to fail where the value can be computed. @throws `error` when it is another one */
function warnOfOutage(call: Call, operation: string, error: unknown): void {
  if (!(error instanceof StoreError)) throw error
  trace('holdfast:store-failed', { key: call.way.key, operation, error })
  warn(call, `${error.message} The value is computed by this process for itself.`)
}

function warn({ way }: Call, text: string): void {
  way.place.space.warn(`${way.key}: ${text}`)
}
