/**
 * The bodies that run under a hold, and which of them await a given promise. V8 knows: it follows the awaits for its async
 * stack traces. To be found there each body runs within a function that has a name of its own.
 */
import { type Held, type HeldLease, holdOf, type Lease } from '../core/lease.js'

/** A body that runs, or a place for the next one. */
export interface Body {
  /** undefined: nothing runs here now. */
  held: Held | undefined
  readonly run: <T>(lease: Lease, body: (lease: Lease) => T | PromiseLike<T>) => Promise<T>
}

const mark = 'holdfast body '
const bodies: Body[] = []
const free: Body[] = []

/** Is any body running? */
export function isAnyRunning(): boolean {
  return free.length < bodies.length
}

/** Runs the body, then ends the lease. */
export function runBody<T>(lease: Lease, body: (lease: Lease) => T | PromiseLike<T>): Promise<T> {
  const place = free.pop() ?? newBody()
  place.held = holdOf(lease)
  return place.run(lease, body)
}

/** The leases of the sync bodies that go on when the call that is being made returns. */
export const syncLeases: HeldLease[] = []

/** Calls a sync body. */
export function callBody<S extends HeldLease, T>(lease: S, body: (lease: S) => T): T {
  syncLeases.push(lease)
  try {
    return body(lease)
  } finally {
    syncLeases.pop()
  }
}

/** The bodies that cannot go on before the promise of the async function that calls this, from the innermost on. */
export function awaitingBodies(): Body[] {
  const found: Body[] = []
  for (const name of namesOfAwaiting()) {
    const body = name?.startsWith(mark) === true ? bodies[Number(name.slice(mark.length))] : undefined
    if (body !== undefined) found.push(body)
  }
  return found
}

function newBody(): Body {
  const name = mark + String(bodies.length)
  const run = {
    [name]: async <T>(lease: Lease, body: (lease: Lease) => T | PromiseLike<T>): Promise<T> => {
      let result: T
      try {
        result = await body(lease)
      } catch (error) {
        leaveBody(place)
        await lease.abort()
        throw error
      }
      leaveBody(place)
      return await lease.finish(result)
    },
  }[name] as Body['run'] // a name that is made has no type
  const place: Body = { held: undefined, run }
  bodies.push(place)
  return place
}

function leaveBody(body: Body): void {
  body.held = undefined
  free.push(body)
}

/** Deeper chains are told of as far as this. */
const mostFrames = 200

/** Nothing where this engine, or this program, does not let stacks be looked at. */
function namesOfAwaiting(): readonly (string | null)[] {
  const before = settings.map((name) => [name, Reflect.get(Error, name) as unknown] as const)
  const target: { stack?: unknown } = {}
  try {
    Reflect.set(Error, 'stackTraceLimit', mostFrames)
    Reflect.set(Error, 'prepareStackTrace', (_: unknown, sites: NodeJS.CallSite[]) =>
      sites.map((site) => site.getFunctionName()),
    )
    Error.captureStackTrace(target, awaitingBodies)
    return Array.isArray(target.stack) ? (target.stack as (string | null)[]) : []
  } catch {
    return []
  } finally {
    for (const [name, value] of before) Reflect.set(Error, name, value) // where they are frozen it is no error
  }
}

const settings = ['stackTraceLimit', 'prepareStackTrace'] as const
