/**
 * The contract between the core and a store. Every call is one atomic round trip; requests and answers are plain data;
 * a store makes one attempt and never waits: waiting, renewing and timing out are the core's.
 *
 * One primitive serves everything: a key has `limit` permits, a request takes `permits` of them. A mutex has limit 1,
 * a pool limit `max`; a reader takes 1 of 2^30, a writer all.
 */

/** Who holds or waits, for people: shown by `inspect()` and in `LockedError`, never used to decide. */
export interface HolderInfo {
  readonly host: string
  readonly pid: number
  readonly label: string | undefined
  /** Wall clock of the client when it asked, milliseconds since 1970. */
  readonly since: number
  /** Hard limit of the hold in milliseconds after `since`, when the user set `expire`. */
  readonly expireMs?: number | undefined
}

export interface AcquireRequest {
  /** Full key, prefix included. 1 to 1,024 bytes after the prefix, well-formed text. */
  readonly key: string
  /** Random id of this acquisition. The same owner asking again for what it holds is granted with the same token. */
  readonly owner: string
  /** Lease in milliseconds, from the grant, by the store's clock; null: until released (only where `crashRelease` is instant). */
  readonly ttlMs: number | null
  /** How many permits the key has in all. Requests that disagree while somebody holds get an `InvalidOptionError`. */
  readonly limit: number
  /** How many this request takes. An owner who asks for fewer than it holds gives the rest back, and keeps its token. */
  readonly permits: number
  /**
   * 0: answer and forget. Above 0: when refused, stand in the key's queue for this many milliseconds; asking again
   * keeps the place and renews it. Stores that are not `fair` ignore it.
   */
  readonly queueMs: number
  /**
   * How many hand-overs within the process this hold may serve without telling the store (default 0): as many tokens after its own
   * are reserved, so that the next grant's is larger than theirs, told or not.
   */
  readonly turns?: number | undefined
  /** This owner was refused before and waits (default false): such requests may go to the server together, those of one tick. */
  readonly again?: boolean | undefined
  /** After so many milliseconds nobody waits for the answer any more (default: unknown). A store that takes several steps has to be done by then. */
  readonly limitMs?: number | undefined
  /**
   * An owner who gave its hold away (default: none), asked for without a queue and with its limit. Where it holds, its hold is this
   * request's from now on, in one step and under a new token; where neither of them holds, the request is refused, however free
   * the key. Needs the capability `adopts`.
   */
  readonly adopts?: string | undefined
  readonly holder: HolderInfo
}

export interface Granted {
  readonly granted: true
  /** Fencing token: grows per key with every grant. Below 2^53. */
  readonly token: number
}

export interface Refused {
  readonly granted: false
  /** When a permit comes free at the latest, unless it is renewed; absent where the store cannot tell. */
  readonly freeInMs?: number | undefined
  /**
   * Place in the queue, 0 is the head; absent when not queued. A queued request is granted by whoever frees the key, and a
   * notice tells. Its lease is then the shorter of `ttlMs` and `queueMs` until it is renewed, so that a dead waiter costs no more.
   */
  readonly position?: number | undefined
  /** One of the holders; absent when it is a program that does not say who it is. */
  readonly holder?: HolderInfo | undefined
}

export type Answer = Granted | Refused

/** Answer to a release that names the next request: both happen in one step, nobody gets in between. */
export interface Handoff {
  /** false: the owner did not hold any more. */
  readonly released: boolean
  readonly next: Answer
}

/** Several keys were granted: a token for each request, in their order. */
export interface GrantedAll {
  readonly granted: true
  readonly tokens: readonly number[]
}

/** None of several keys was granted. */
export interface RefusedAll extends Refused {
  /** Which request could not be met: its index. */
  readonly index: number
}

export type AnswerToAll = GrantedAll | RefusedAll

export interface HolderRecord extends HolderInfo {
  /** Never leaves the library: people see a short hash of it. */
  readonly owner: string
  readonly token: number
  readonly permits: number
  /** Lease left by the store's clock; undefined: no limit. */
  readonly remainingMs: number | undefined
}

export interface WaiterRecord extends HolderInfo {
  readonly owner: string
}

/** What a store knows of one key. */
export interface KeyRecord {
  readonly key: string
  readonly limit: number
  readonly holders: readonly HolderRecord[]
  readonly waiters: readonly WaiterRecord[]
}

export interface KeyPage {
  readonly keys: readonly string[]
  /** Give it to the next call; undefined: that was all. */
  readonly cursor: string | undefined
}

/** What a store tells without being asked. Notices speed things up; nothing depends on their arrival. */
export type Notice =
  /** A queued request was granted by somebody else's release. */
  | { readonly type: 'granted'; readonly key: string; readonly owner: string; readonly token: number }
  /** A hold was ended by `forceRelease`. */
  | { readonly type: 'revoked'; readonly key: string; readonly owner: string }
  /** Notices may have been missed (the channel was opened or re-opened): look again at what you hold and wait for. */
  | { readonly type: 'resync' }

export type NoticeListener = (notice: Notice) => void

/** What a store can do. Features decide by these, never by a store's name. */
export interface Capabilities {
  /** Who shares the records. */
  readonly scope: 'process' | 'machine' | 'network'
  /** When a crashed holder's key comes free: with its process, or when its lease ends. */
  readonly crashRelease: 'instant' | 'lease'
  /** Requests with `queueMs` are granted in order of arrival. */
  readonly fair: boolean
  /** How a waiter learns that it may go on. */
  readonly wake: 'push' | 'poll'
  /** durable: grows through everything; clock: grows as long as the store's clock does not step back while it loses its data. */
  readonly token: 'durable' | 'clock' | 'none'
  /** What a grant rests on. */
  readonly consistency: 'process' | 'single-node' | 'replicated' | 'quorum'
  /** Answers without a promise: `acquireSync` works. */
  readonly sync: boolean
  /** A request can take over the hold of another owner (`AcquireRequest.adopts`): `lease.export()` works. Default false. */
  readonly adopts?: boolean
}

/** Renewal by the store itself. It begins with a grant that has a `ttlMs`, never outlasts `holder.expireMs`, and ends with `stop`. */
export interface SelfRenewal {
  /** Monotonic time (`Env.nowMs`) at which the last successful renewal was sent; undefined: none was. */
  renewedAtMs(key: string, owner: string): number | undefined
  /** The core ended the hold: renew it no more. A later `renew` for it is passed on, but starts nothing. */
  stop(key: string, owner: string): void
}

/** A value to keep for a key. */
export interface NewValue {
  /** Anything where values are `live`, else text. */
  readonly content: unknown
  /** Of the lock on the same key under which it was computed. */
  readonly token: number
  /** How long it is fresh; null: for ever. */
  readonly freshMs: number | null
  /** How long it is kept after that. */
  readonly staleMs: number
}

/** A value as it was found. */
export interface KeptValue {
  /** What was set; undefined where something stands that is not readable. Where values are `live`: gone with the value. */
  readonly content: unknown
  readonly token: number
  /** How long ago it ceased to be fresh; 0: it is fresh. Where values are `live`: Infinity, once it is not there any more. */
  readonly staleMs: number
}

/** What is kept beside the locks, for caches: a value for each key, by the same names, in the way of no lock. */
export interface ValuesOf<M extends Mode> {
  /**
   * true: keeps what it is given, not a copy, and answers with one object as long as a value is there, whose `staleMs` tells
   * at any time what has become of it. false: keeps text.
   */
  readonly live: boolean
  /** undefined: there is none. `exactly` (default false): as of now, and with `staleMs`; else it may come from a replica. */
  get(key: string, exactly?: boolean): Result<M, KeptValue | undefined>
  /** false: not kept, for there is, or was deleted, a value of a larger token. */
  set(key: string, value: NewValue): Result<M, boolean>
  /** From now on, values computed under a lock that was granted before are refused. false: there was none. */
  delete(key: string): Result<M, boolean>
}

/** `T` or a promise of it, as the mode says. */
export type Result<M extends Mode, T> = M extends 'sync' ? T : Promise<T>
export type Mode = 'sync' | 'async'

export interface StoreOf<M extends Mode> {
  /** For messages and traces. Never decide by it. */
  readonly name: string
  readonly capabilities: Capabilities & { readonly sync: M extends 'sync' ? true : false }
  /** Opens what has to be opened before the first call; undefined: it is open. Rejects, never throws; `operation` is named in errors. Not counted in the time limit of a call. */
  ready?(operation: string): Promise<void> | undefined
  acquire(request: AcquireRequest): Result<M, Answer>
  /**
   * Grants mutexes (`limit` 1, `queueMs` 0, each of another key) all or none, in one step, and none past those who wait for it. What an
   * owner holds already counts as granted, with the same token; a refusal leaves it. undefined: not in one step, nothing was done.
   * Absent: never.
   */
  acquireAll?(requests: readonly AcquireRequest[]): Result<M, AnswerToAll | undefined>
  /** Sets the lease to `ttlMs` from now. false: not this owner's any more (never re-creates a hold). */
  renew(key: string, owner: string, ttlMs: number): Result<M, boolean>
  /** Ends the hold, or takes the request out of the queue. false: it was already gone. */
  release(key: string, owner: string): Result<M, boolean>
  /** Ends the hold and, in the same step, makes the next request. */
  release(key: string, owner: string, next: AcquireRequest): Result<M, Handoff>
  /** undefined: nobody holds or waits. */
  inspect(key: string): Result<M, KeyRecord | undefined>
  /** Keys that begin with `prefix` and are held or waited for, at most about `limit` at a time. */
  list(prefix: string, limit: number, cursor?: string): Result<M, KeyPage>
  /** Ends every hold of the key, whoever holds it. false: nobody did. */
  forceRelease(key: string): Result<M, boolean>
  /** After a refused renewal: was the hold ended by `forceRelease`? Absent: the store cannot tell. */
  wasRevoked?(key: string, owner: string): Result<M, boolean>
  /**
   * From now on the key has `to` permits (above 0), held or not, and requests whose limit is `from`, or one that it had before, are taken
   * as asking for that, until a day after the last of them. Who holds goes on. @throws InvalidOptionError where those who hold
   * do not agree with `from`, which is above 1. Absent: a limit cannot be changed while somebody holds.
   */
  resize?(key: string, from: number, to: number): Result<M, void>
  /** Subscribes to notices; returns the way to end it. */
  onNotice?(listener: NoticeListener): () => void
  /** Present on a store that renews by itself, beside the core: a worker thread, while the main thread may be busy. */
  readonly selfRenewal?: SelfRenewal
  /** Present on a store that keeps values too. */
  readonly values?: ValuesOf<M>
  /** Frees every connection and timer the store opened. What is held stays held until its lease ends. */
  close(): Result<M, void>
}

/** A store whose calls answer with promises. */
export type Store = StoreOf<'async'>
/** A store whose calls answer at once: it serves `acquireSync` too. */
export type SyncStore = StoreOf<'sync'>
export type AnyStore = Store | SyncStore
