/** What the parent asks of a tried process, and what it hears. Times are machineMs. */
import type { Ask, Setting } from '../fleet/subject.js'

/** An `Ask` that travels; `cancelAfterMs` takes the place of its signal. */
export type Wish = Omit<Ask, 'signal'> & {
  readonly cancelAfterMs?: number
  /** Blocks the loop for so long as soon as the request is sent. */
  readonly stallMs?: number
}

export type Order =
  | { readonly do: 'open'; readonly library: string; readonly setting: Setting }
  | { readonly do: 'acquire'; readonly key: string; readonly wish: Wish }
  | { readonly do: 'release'; readonly hold: number }
  /** Blocks the loop, then looks at the hold in the same tick. */
  | { readonly do: 'stall'; readonly hold: number; readonly ms: number }
  | { readonly do: 'look'; readonly hold: number }
  /** So many waiters at once, served one after the other. */
  | { readonly do: 'crowd'; readonly key: string; readonly count: number; readonly wish: Wish }
  | { readonly do: 'cpu' }
  | { readonly do: 'close' }

export interface Grant {
  readonly hold: number
  readonly token: number | undefined
  readonly askedMs: number
  readonly grantedMs: number
}

/** A refusal: another holds. An error: in the library's words. */
export type Acquired =
  Grant | { readonly refused: true; readonly atMs: number } | { readonly error: string; readonly atMs: number }

export interface Look {
  readonly active: boolean
  /** When the library first said that the hold is lost, asked or by itself. */
  readonly toldMs: number | undefined
  /** What it said at the first look after the process had stood still. */
  readonly activeAfterGap: boolean | undefined
  /** Did the library tell of a loss by itself? */
  readonly lossTold: boolean
  readonly token: number | undefined
}

export interface Answers {
  readonly open: undefined
  readonly acquire: Acquired
  readonly release: { readonly error: string | undefined; readonly tookMs: number }
  readonly stall: boolean
  readonly look: Look
  readonly crowd: { readonly served: number; readonly refused: number; readonly error: string | undefined }
  /** Milliseconds of processor time so far. */
  readonly cpu: number
  readonly close: undefined
}
