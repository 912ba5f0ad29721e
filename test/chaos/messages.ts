/** What the processes of a chaos run say to each other. Times are machineMs. */

/** What a client process is started with. */
export interface ClientSettings {
  readonly client: number
  /** Which of the processes of this client: it is killed, and another takes its place. */
  readonly incarnation: number
  readonly library: string
  /** '' where locks do not leave the process. */
  readonly place: string
  readonly resourcePort: number
  readonly ttlMs: number
  readonly seed: number
  /** How many of each loop that a workload asks for, with pauses as many times as long. */
  readonly crowd: number
}

/** Orders of the supervisor to a client. */
export type Order =
  | { readonly do: 'stall'; readonly ms: number }
  | { readonly do: 'fail-store'; readonly on: boolean }
  | { readonly do: 'finish' }

/** How a hold ended, as its holder knows it. */
export type HoldEnd = 'released' | 'lost'

/** What a client tells the resource; those with an `id` are answered. */
export type Statement =
  | { readonly t: 'hello'; readonly client: number; readonly incarnation: number }
  | {
      readonly t: 'grant'
      readonly hold: number
      readonly workload: string
      readonly key: string
      readonly limit: number
      readonly permits: number
      readonly token: number | undefined
      readonly askedMs: number
      readonly grantedMs: number
    }
  /** An effect under a lock. `checkedMs`: read just before the library said that the hold is active. */
  | {
      readonly t: 'act'
      readonly id: number
      readonly hold: number
      readonly checkedMs: number
      readonly fenced: boolean
    }
  | {
      readonly t: 'read'
      readonly id: number
      readonly hold: number
      readonly checkedMs: number
      readonly fenced: boolean
    }
  | {
      readonly t: 'write'
      readonly id: number
      readonly hold: number
      readonly checkedMs: number
      readonly fenced: boolean
      readonly value: number
    }
  | { readonly t: 'end'; readonly hold: number; readonly seenMs: number; readonly how: HoldEnd }
  /** A cached value was given to who called at `calledMs`; `own`: it was computed in the same process. */
  | {
      readonly t: 'given'
      readonly workload: string
      readonly key: string
      readonly beganMs: number
      readonly calledMs: number
      readonly own: boolean
    }
  /** A cached value was reset, by a call from then to then. */
  | { readonly t: 'reset'; readonly key: string; readonly calledMs: number; readonly doneMs: number }
  | { readonly t: 'missed'; readonly workload: string; readonly waitedMs: number }
  | { readonly t: 'failed'; readonly workload: string; readonly error: string }
  /** The library told of a loss, so long after the deadline that it had named; a stall of the process itself is not counted. */
  | { readonly t: 'told'; readonly lateMs: number }
  | { readonly t: 'unhandled'; readonly error: string }
  | { readonly t: 'size'; readonly rssBytes: number }
  /** What stays in a store of its own though everything is released. */
  | { readonly t: 'left'; readonly keys: readonly string[] }

/** The resource's answer: refused when the token is stale. */
export interface Answer {
  readonly id: number
  readonly ok: boolean
  readonly value?: number
}

/** What the supervisor asks of the resource. */
export type ResourceQuestion = 'progress' | 'history'
