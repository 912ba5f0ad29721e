import { realEnv } from '../core/env.js'
import type { Env } from '../core/env.js'
import type { EndCode, Outcome } from '../core/errors.js'
import { LockTimeoutError, StoreError } from '../core/errors.js'
import type { AcquireRequest } from '../core/store.js'
import type { Terms } from '../core/terms.js'
import { holdfastOf } from '../features/holdfast.js'
import type { Holdfast } from '../features/holdfast.js'
import { globalSource, setGlobal } from '../features/instance.js'
import type { LockFunction, NoModes } from '../features/lock-types.js'
import type { LockOptions, ParsedOptions } from '../features/options.js'
import { memory } from '../stores/memory/memory.js'
import { FakeStore } from './fake-store.js'
import { ObservedInstance } from './observed.js'

/** What happened to a key. `options` are those that were given, with durations in milliseconds. */
export type LockEvent =
  | { readonly event: 'acquired'; readonly key: string; readonly options: LockOptions; readonly token: number }
  /** By `refuse`, or because another held it; a request that goes on waiting is not refused yet. */
  | { readonly event: 'refused'; readonly key: string; readonly options: LockOptions }
  /** By `fail`. */
  | { readonly event: 'failed'; readonly key: string; readonly options: LockOptions }
  | { readonly event: HoldEnd; readonly key: string; readonly options: LockOptions; readonly token: number }

/** How a hold ended: 'lost' by `lose`, 'revoked' by a forced release, 'expired' by its own `expire`. */
export type HoldEnd = 'released' | 'lost' | 'revoked' | 'expired'

/** Locks of this process that keep a record, and can be told to refuse. */
export interface FakeLocks extends Omit<Holdfast<'sync'>, 'lock'> {
  /** Fits wherever a `lock` is asked for, whatever its stores. */
  readonly lock: LockFunction & LockFunction<'async', NoModes>
  /** What happened, in order. */
  readonly log: readonly LockEvent[]
  /** The keys that are held now: ask it in the middle of the code under test, and `[]` at the end. */
  readonly held: readonly string[]
  /** From now on the key, or without one every key, is held by another as far as the code can tell; nobody waits in real time. */
  refuse(key?: string): void
  /** From now on the store fails at every acquisition of the key, or of every key. Default outcome: 'not-applied'. */
  fail(key?: string, outcome?: Outcome): void
  /** Takes back `refuse` and `fail`: of this key, or all of them. */
  allow(key?: string): void
  /** The holds of the key are lost, now: signals abort, `active` is false, and another may acquire it. @throws Error when nobody holds it */
  lose(key: string): void
  /** Forgets the log so far. */
  clear(): void
  /** The global `lock`, decorators included, works for these locks until `close()`. */
  install(): void
}

/**
 * Locks for unit tests of code that uses locks: real ones, in memory, that keep a record of each acquisition and release
 * and can be told to refuse, to fail, and to lose what is held.
 *
 * @example
 * await using locks = fakeLocks()
 * const billing = new Billing(locks.lock)
 * await billing.charge('42')
 * locks.log   // [{ event: 'acquired', key: 'bill-42', options: { wait: 10_000 }, token: … }, { event: 'released', … }]
 *
 * locks.refuse('bill-42')
 * await assert.rejects(billing.charge('42'), LockedError)
 */
export function fakeLocks(): FakeLocks {
  const record = new FakeRecord()
  const close = (): Promise<void> => record.close()
  return {
    ...(holdfastOf(record.instance) as unknown as FakeLocks), // memory serves every kind of lock
    close,
    [Symbol.asyncDispose]: close,
    get log() {
      return record.log
    },
    get held() {
      return record.instance.holds().map((hold) => hold.terms.key)
    },
    refuse: (key) => record.order(key, 'refuse'),
    fail: (key, outcome = 'not-applied') => record.order(key, outcome),
    allow: (key) => record.allow(key),
    lose: (key) => record.lose(key),
    clear: () => record.clear(),
    install: () => record.install(),
  }
}

type Order = 'refuse' | Outcome

const ends: Record<EndCode, HoldEnd> = {
  LOCK_RELEASED: 'released',
  LOCK_LOST: 'lost',
  LOCK_REVOKED: 'revoked',
  LOCK_EXPIRED: 'expired',
}

class FakeRecord {
  log: LockEvent[] = []
  readonly instance: ObservedInstance
  readonly #store: FakeStore
  readonly #orders = new Map<string, Order>()
  #orderForAll: Order | undefined = undefined
  /** A sync wait asks again and again, and is refused once. */
  readonly #refusedOwners = new Set<string>()
  #replaced: { readonly before: ReturnType<typeof setGlobal> } | undefined = undefined

  constructor() {
    const env = impatient(realEnv)
    this.#store = new FakeStore(memory({ env }), {
      judge: (request) => this.#judge(request),
      refused: (request) => this.#refused(request),
    })
    this.instance = new ObservedInstance(
      { store: this.#store, env, prefix: '', storeTimeout: 1 },
      {
        acquired: ({ terms, token }) => this.#note({ event: 'acquired', ...this.#about(terms), token }),
        ended: ({ terms, token, ended = 'LOCK_LOST' }) =>
          this.#note({ event: ends[ended], ...this.#about(terms), token }),
      },
    )
  }

  order(key: string | undefined, order: Order): void {
    if (key === undefined) this.#orderForAll = order
    else this.#orders.set(key, order)
  }

  allow(key: string | undefined): void {
    if (key !== undefined) {
      this.#orders.delete(key)
      return
    }
    this.#orders.clear()
    this.#orderForAll = undefined
  }

  lose(key: string): void {
    const holds = this.instance.holds()
    const lost = holds.filter(({ terms }) => terms.key === key)
    if (lost.length === 0) {
      const held = holds.map(({ terms }) => `'${terms.key}'`).join(', ')
      throw new Error(
        `Nobody holds '${key}', so it cannot be lost; held now: ${held === '' ? 'nothing' : held}. ` +
          'Call lose() while the code under test is inside, from one of the functions that it calls.',
      )
    }
    for (const hold of lost) {
      hold.end('LOCK_LOST', 'the test said so')
      this.#store.release(hold.terms.storeKey, hold.owner)
    }
  }

  clear(): void {
    this.log = []
    this.#refusedOwners.clear()
  }

  install(): void {
    this.#replaced ??= { before: setGlobal(this.instance) }
  }

  async close(): Promise<void> {
    if (this.#replaced !== undefined && globalSource.peek() === this.instance) setGlobal(this.#replaced.before)
    this.#replaced = undefined
    await this.instance.close()
  }

  #judge(request: AcquireRequest): 'refused' | undefined {
    const terms = this.instance.termsBehind(request)
    if (terms === undefined) return undefined
    const { key } = terms
    const order = this.#orders.get(key) ?? this.#orderForAll
    if (order === undefined) return undefined
    if (order !== 'refuse') {
      this.#note({ event: 'failed', ...this.#about(terms) })
      throw new StoreError('acquire', 'the test said so', { key, outcome: order })
    }
    if (request.queueMs === 0) return 'refused'
    this.#refused(request)
    const waitMs = this.instance.optionsOf(terms)?.waitMs ?? 0
    throw new LockTimeoutError(key, undefined, waitMs, 'Refused by the test, as if the wait were over.')
  }

  #refused(request: AcquireRequest): void {
    const terms = this.instance.termsBehind(request)
    if (terms === undefined || this.#refusedOwners.has(request.owner)) return
    this.#refusedOwners.add(request.owner)
    this.#note({ event: 'refused', ...this.#about(terms) })
  }

  #about(terms: Terms): { key: string; options: LockOptions } {
    return { key: terms.key, options: given(this.instance.optionsOf(terms)) }
  }

  #note(event: LockEvent): void {
    this.log.push(event)
  }
}

/** A sync wait passes at once. */
function impatient(env: Env): Env {
  let sleptMs = 0
  return {
    ...env,
    nowMs: () => env.nowMs() + sleptMs,
    wallMs: () => env.wallMs() + sleptMs,
    bootMs: () => env.bootMs() + sleptMs,
    sleepSync: (ms) => void (sleptMs += ms),
  }
}

/** The options as the user may have written them, without those that have their default. */
function given(options: ParsedOptions | undefined): LockOptions {
  if (options === undefined) return {}
  const { waitMs, ttlMs, expireMs, minHoldMs, onLost, signal, reentrant, store, label, args } = options
  return {
    ...(waitMs > 0 && { wait: waitMs === Number.POSITIVE_INFINITY ? true : waitMs }),
    ...(ttlMs !== undefined && { ttl: ttlMs }),
    ...(expireMs !== undefined && { expire: expireMs }),
    ...(minHoldMs > 0 && { minHold: minHoldMs }),
    ...(onLost === 'warn' && { onLost }),
    ...(signal !== undefined && { signal }),
    ...(reentrant && { reentrant }),
    ...(store !== undefined && { store }),
    ...(label !== undefined && { label }),
    ...(args !== undefined && { args }),
  }
}
