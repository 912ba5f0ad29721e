import type { Space } from '../core/space.js'
import type { Way } from './cached-way.js'

/** What came of a computation. */
export interface Outcome {
  readonly value: unknown
  /** It was not kept, for a deletion or a newer value came first. */
  readonly overtaken: boolean
}

/** A computation of this process. */
export interface Flight {
  /** Comes to undefined where another process is at it, and the flight was not to wait. */
  readonly outcome: Promise<Outcome | undefined>
  /** The key was reset since: who calls now is not to have its value. */
  isReset: boolean
}

/** What one process computes for one store, by name of the lock. */
interface Flights {
  readonly now: Map<string, Flight>
  /** At the end of this turn of the event loop, in sync: nothing to wait for. */
  readonly soon: Set<string>
}

const bySpace = new WeakMap<Space, Flights>()

/** What this process computes for the store of `way`. */
export function flightsOf({ place }: Way): Flights {
  let flights = bySpace.get(place.space)
  if (flights === undefined) bySpace.set(place.space, (flights = { now: new Map(), soon: new Set() }))
  return flights
}
