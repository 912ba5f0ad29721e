import type { Space } from '../core/space.js'
import type { Way } from './cached-way.js'

/** How far a computation has come: it asks for the lock; it has looked whether it was done meanwhile, or is about to; it is done. */
export const steps = { asks: 0, looks: 1, done: 2 } as const
export type Step = (typeof steps)[keyof typeof steps]

/** What came of a computation. */
export interface Outcome {
  readonly value: unknown
  /**
   * It is for those who joined before the computation came so far. For others it may be older than a deletion that came before
   * their call.
   */
  readonly until: Step
}

/** A computation of this process. */
export interface Flight {
  /** Comes to undefined where another process is at it, and the flight was not to wait. */
  readonly outcome: Promise<Outcome | undefined>
  /** The key was reset since: who calls now is not to have its value. */
  isReset: boolean
  /** For which it began. */
  readonly call: { readonly step: Step }
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
