/** What the two threads say to each other: plain data, copied by structured clone. */
import type { MessagePort } from 'node:worker_threads'
import type {
  AcquireRequest,
  Answer,
  Handoff,
  KeptValue,
  KeyPage,
  KeyRecord,
  NewValue,
  Notice,
} from '../../core/store.js'
import type { PackedError } from './failure.js'

/** What the worker is started with. */
export interface WorkerInput {
  readonly url: string
  readonly port: MessagePort
  /** Of the `Signal`. */
  readonly words: Int32Array
}

interface Numbered {
  /** Set by the link. Only the answer with the same number belongs to the call. */
  id: number
}

interface Calls {
  /** The worker's monotonic clock. */
  clock: object
  /** `slot`: where the worker writes down its renewals of the hold, if it is granted. */
  acquire: { readonly request: AcquireRequest; readonly slot: number }
  renew: { readonly key: string; readonly owner: string; readonly ttlMs: number }
  /** `slot`: for the hold of the next request. */
  release: {
    readonly key: string
    readonly owner: string
    readonly next: AcquireRequest | undefined
    readonly slot: number
  }
  inspect: { readonly key: string }
  list: { readonly prefix: string; readonly limit: number; readonly cursor: string | undefined }
  forceRelease: { readonly key: string }
  wasRevoked: { readonly key: string; readonly owner: string }
  resize: { readonly key: string; readonly from: number; readonly to: number }
  get: { readonly key: string; readonly exactly: boolean | undefined }
  set: { readonly key: string; readonly value: NewValue }
  delete: { readonly key: string }
}

export interface Results {
  clock: number
  acquire: Answer
  renew: boolean
  release: boolean | Handoff
  inspect: KeyRecord | undefined
  list: KeyPage
  forceRelease: boolean
  wasRevoked: boolean
  resize: undefined
  get: KeptValue | undefined
  set: boolean
  delete: boolean
}

export type Operation = keyof Calls
export type CallOf<O extends Operation> = Numbered & { readonly op: O } & Calls[O]
/** Wants an answer. */
export type Call = { [O in Operation]: CallOf<O> }[Operation]

/** Wants none. */
export type Order =
  /** More room for renewals. */
  | { readonly op: 'slots'; readonly words: BigInt64Array }
  /** Renew it no more. */
  | { readonly op: 'stop'; readonly key: string; readonly owner: string }
  /** Nobody waits for the answer to this request any more: what it is granted is not to be renewed. */
  | { readonly op: 'abandon'; readonly call: number; readonly key: string; readonly owner: string }
  /** The main thread heard that this request, which was queued, has been granted. */
  | { readonly op: 'adopt'; readonly key: string; readonly owner: string; readonly slot: number }
  | { readonly op: 'listen'; readonly on: boolean }

export type ToWorker = Call | Order

export type ToMain =
  | { readonly id: number; readonly value: Results[Operation] }
  | { readonly id: number; readonly error: PackedError }
  | { readonly notice: Notice }
  /** Why the worker ends. */
  | { readonly failure: string }

/** One name for a hold in maps. An owner has no line break. */
export function nameOf(key: string, owner: string): string {
  return `${owner}\n${key}`
}
