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

const bySpace = new WeakMap<Space, Map<string, Flight>>()

/** What this process computes for the store of `way`, by name of the lock. */
export function flightsOf({ place }: Way): Map<string, Flight> {
  let flights = bySpace.get(place.space)
  if (flights === undefined) bySpace.set(place.space, (flights = new Map<string, Flight>()))
  return flights
}
