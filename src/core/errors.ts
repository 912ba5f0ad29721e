/** Every error of holdfast: a stable `code`, the user's `key`, a `cause`, and a text that says what to do. */
import { printable, withoutPasswords } from './printable.js'

export type ErrorCode =
  | 'LOCKED'
  | 'LOCK_TIMEOUT'
  | 'TOO_MANY_WAITERS'
  | 'POOL_FULL'
  | 'LOCK_EXPIRED'
  | 'LOCK_REVOKED'
  | 'LOCK_LOST'
  | 'LOCK_RELEASED'
  | 'CLOSING'
  | 'STORE_FAILED'
  | 'NOT_CONFIGURED'
  | 'INVALID_OPTION'
  | 'INVALID_KEY'
  | 'KEY_TEMPLATE'
  | 'SYNC_UNSUPPORTED'
  | 'STALE_TOKEN'
  | 'DEADLOCK'

/** How a hold ended. */
export type EndCode = 'LOCK_EXPIRED' | 'LOCK_REVOKED' | 'LOCK_LOST' | 'LOCK_RELEASED'

/** The base of all errors thrown by holdfast. */
export class HoldfastError extends Error {
  readonly code: ErrorCode
  /** The user's key, without prefix; undefined where no key is concerned. */
  readonly key: string | undefined

  constructor(code: ErrorCode, message: string, key?: string, options?: ErrorOptions) {
    super(printable(message), options)
    this.name = new.target.name
    this.code = code
    this.key = key
  }
}

/** Who holds, as far as the store could tell. */
export interface HeldBy {
  readonly host: string
  readonly pid: number
  readonly label: string | undefined
  readonly since: Date
}

/** The key is held by another. Thrown by `acquire`, `run` and wrappers that do not wait. Code LOCKED. */
export class LockedError extends HoldfastError {
  declare readonly key: string
  /** undefined when the holder is a program that does not say who it is. */
  readonly holder: HeldBy | undefined

  constructor(
    key: string,
    holder: HeldBy | undefined,
    detail = `Wait for it ({ wait: '10s' }), or use tryAcquire().`,
    code: ErrorCode = 'LOCKED',
    options?: ErrorOptions,
  ) {
    super(code, `${key} is already locked${describeHolder(holder)}. ${detail}`, key, options)
    this.holder = holder
  }
}

/** The key was still held by others when `wait` was over. Code LOCK_TIMEOUT. */
export class LockTimeoutError extends LockedError {
  /** How long it waited, in milliseconds. */
  readonly waitedMs: number

  constructor(key: string, holder: HeldBy | undefined, waitedMs: number, detail?: string) {
    const text =
      detail ?? `Gave up after waiting ${formatMs(waitedMs)}; raise { wait } or find out what the holder does.`
    super(key, holder, text, 'LOCK_TIMEOUT')
    this.waitedMs = waitedMs
  }
}

/** As many requests of this process wait for the key as `maxWaiters` allows: this one does not wait. Code TOO_MANY_WAITERS. */
export class TooManyWaitersError extends LockedError {
  constructor(key: string, holder: HeldBy | undefined, waiters: number) {
    const text =
      `${String(waiters)} requests of this process wait for it, and no more may: let them give up sooner ({ wait }), ` +
      'use tryAcquire(), or raise { maxWaiters } of the instance.'
    super(key, holder, text, 'TOO_MANY_WAITERS')
  }
}

/** No place of a pool was free, at once or within `wait`. Code POOL_FULL. */
export class PoolFullError extends HoldfastError {
  declare readonly key: string
  /** How many permits the pool has. */
  readonly max: number
  /** Who holds them, as far as the store could tell when it was asked after the refusal; empty when it could not. */
  readonly holders: readonly HeldBy[]
  /** How long it waited, in milliseconds; 0: not at all. */
  readonly waitedMs: number

  constructor(
    key: string,
    max: number,
    holders: readonly HeldBy[],
    options: ErrorOptions & { waitedMs?: number } = {},
  ) {
    const { waitedMs = 0 } = options
    const others = holders.length > 1 ? `, and by ${String(holders.length - 1)} more` : ''
    const advice =
      waitedMs > 0
        ? `Gave up after waiting ${formatMs(waitedMs)}; raise { wait } or { max }.`
        : `Wait for a place ({ wait: '10s' }), use tryAcquire(), or give { onFull }.`
    super(
      'POOL_FULL',
      `${key} is full: it has ${String(max)} permits${describeHolder(holders[0])}${others}. ${advice}`,
      key,
      options,
    )
    this.max = max
    this.holders = holders
    this.waitedMs = waitedMs
  }
}

/** Waiting would never end: who waits holds what the others wait for. Code DEADLOCK. */
export class DeadlockError extends HoldfastError {
  declare readonly key: string

  constructor(key: string, detail: string) {
    super('DEADLOCK', `Waiting for ${key} would never end: ${detail}`, key)
  }
}

/** A hold ended before its body did, or was asked for after its release. `code` says how; `result` is what the body returned. */
export class LockLostError extends HoldfastError {
  declare readonly code: EndCode
  declare readonly key: string
  /** What the body returned, when `run`, a wrapper or `using` throws this after finished work. */
  result: unknown

  constructor(code: EndCode, key: string, detail?: string, options?: ErrorOptions) {
    super(
      code,
      `${key} ${endTexts[code]}${detail === undefined ? '' : ` (${detail})`}. ${endAdvice[code]}`,
      key,
      options,
    )
    this.result = undefined
  }
}

/** Whether a failed call may have had its effect: `unknown` after a lost reply, a time limit or a lost connection. */
export type Outcome = 'not-applied' | 'unknown'

/** The store failed: this says nothing about whether the key is held. Code STORE_FAILED. */
export class StoreError extends HoldfastError {
  /** The call that failed: acquire, renew, release, inspect, list, forceRelease, open, close. */
  readonly operation: string
  readonly outcome: Outcome

  constructor(operation: string, detail: string, options: ErrorOptions & { key?: string; outcome?: Outcome } = {}) {
    super('STORE_FAILED', `The store failed to ${operation}: ${withoutPasswords(detail)}`, options.key, options)
    this.operation = operation
    this.outcome = options.outcome ?? 'unknown'
  }
}

/** A global function was used before `configure()`. Code NOT_CONFIGURED. */
export class NotConfiguredError extends HoldfastError {
  constructor() {
    super(
      'NOT_CONFIGURED',
      `holdfast is not configured: call configure() for locks within this process, or configure({ store: 'redis://…' }) for locks across machines, before the first lock is taken.`,
    )
  }
}

/** An option is unknown, or its value makes no sense. Code INVALID_OPTION. */
export class InvalidOptionError extends HoldfastError {
  constructor(message: string, key?: string) {
    super('INVALID_OPTION', message, key)
  }
}

/** A key is empty, too long, or not text. Code INVALID_KEY. */
export class InvalidKeyError extends HoldfastError {
  constructor(message: string, key?: string) {
    super('INVALID_KEY', message, key)
  }
}

/** A key template names something that is not there, or a value that is not text. Code KEY_TEMPLATE. */
export class KeyTemplateError extends HoldfastError {
  constructor(message: string, template?: string) {
    super('KEY_TEMPLATE', message, template)
  }
}

/** Refused: a newer token of the key was seen, so another has held it since. Code STALE_TOKEN. */
export class StaleTokenError extends HoldfastError {
  declare readonly key: string
  /** The token that was refused. */
  readonly token: number
  /** The largest that was seen; undefined where what remembered it is gone. */
  readonly latest: number | undefined

  constructor(key: string, token: number, latest: number | undefined, detail?: string) {
    const reason = detail ?? `${latest ?? 'a newer one'} was seen, so another has held it since`
    super('STALE_TOKEN', `${key}: the token ${token} is stale: ${reason}. Acquire it again before going on.`, key)
    this.token = token
    this.latest = latest
  }
}

/** A `…Sync` call on something that only answers with promises. Code SYNC_UNSUPPORTED. */
export class SyncUnsupportedError extends HoldfastError {
  constructor(message: string, key?: string) {
    super('SYNC_UNSUPPORTED', message, key)
  }
}

const endTexts: Record<EndCode, string> = {
  LOCK_EXPIRED: 'reached its expire limit while held',
  LOCK_REVOKED: 'was released by force while held',
  LOCK_LOST: 'was lost while held',
  LOCK_RELEASED: 'was already released',
}

const endAdvice: Record<EndCode, string> = {
  LOCK_EXPIRED: 'Another may hold it now: stop, or raise { expire }.',
  LOCK_REVOKED: 'Another may hold it now: stop.',
  LOCK_LOST:
    'Another may hold it now: stop, and check what was written since; lease.signal and lease.token help to prevent damage.',
  LOCK_RELEASED: 'Acquire it again before going on.',
}

function describeHolder(holder: HeldBy | undefined): string {
  if (holder === undefined) return ''
  const label = holder.label === undefined ? '' : ` "${holder.label}"`
  return `: held by${label} pid ${String(holder.pid)} on ${holder.host} since ${holder.since.toISOString()}`
}

function formatMs(ms: number): string {
  return ms >= 1000 ? `${(ms / 1000).toFixed(1)} s` : `${String(Math.round(ms))} ms`
}
