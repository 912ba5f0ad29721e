/** What a scenario is made of. */
import type { Library } from '../library.js'
import type { Child } from './children.js'
import type { BenchServer } from './server.js'

export type Figures = Readonly<Record<string, number>>

/** What one measurement of one library gave. */
export interface Measured {
  readonly figures: Figures
  /** Overlaps, lost updates, shrunk tokens: any of them voids the library. */
  readonly faults?: readonly string[]
  /** Told beside the figures: an error of the library, for example. */
  readonly note?: string | undefined
}

export interface Column {
  readonly key: string
  readonly title: string
  readonly digits: number
  /** How repetitions add up. Default: their median. */
  readonly total?: 'sum' | 'max'
  /** Shown only where it is not 0 for everybody: what should not happen. */
  readonly rare?: boolean
}

/** What one measurement may use. */
export interface Bench {
  readonly library: Library
  readonly quick: boolean
  /** A fresh process with the library open in it; it is ended after the measurement. */
  launch(waiters?: number): Promise<Child>
  /** A path for a file of this measurement. */
  readonly scratch: string
  readonly server: BenchServer
}

/** One table. */
export interface Case {
  readonly id: string
  readonly title: string
  readonly fits: (library: Library) => boolean
  /** The column that decides order and ratios. */
  readonly primary: string
  readonly better: 'low' | 'high'
  /** Id of the library whose figure is the floor. */
  readonly floor: string
  /** Left out with --quick. */
  readonly slow?: boolean
  measure(bench: Bench): Promise<Measured>
}

export interface Scenario {
  readonly id: string
  readonly title: string
  /** What is measured, and what the columns mean. */
  readonly about: string
  readonly store: 'memory' | 'redis'
  readonly columns: readonly Column[]
  readonly cases: readonly Case[]
  /** At most so many repetitions, where one takes long. */
  readonly mostReps?: number
}
