import { acquire, acquireAtOnce, tryAcquire } from '../core/acquire.js'
import { acquireSync, assertSync, tryAcquireSync } from '../core/acquire-sync.js'
import { LockedError } from '../core/errors.js'
import { checkKey } from '../core/key.js'
import type { Hold } from '../core/hold.js'
import { type Held, type HeldLease, holdOf, Lease, SyncLease } from '../core/lease.js'
import { release, releaseSync } from '../core/release.js'
import { adopt, adoptSync } from './adopt.js'
import * as query from './query.js'
import type { Space } from '../core/space.js'
import type { Terms, Waiting } from '../core/terms.js'
import { callBody, isAnyRunning, runBody } from './bodies.js'
import { assertSyncEnds, Look, lookAround } from './deadlock.js'
import type { Place, Source } from './instance.js'
import type { ParsedOptions } from './options.js'
import { enter, enterSync, runInside, type Scope, scopeAround } from './scope.js'
import { withinSync } from './within.js'

/** One key with its options: what all that can be done with it goes through. Not callable; `lock()` makes it so. */
export class Handle {
  readonly key: string
  readonly #source: Source
  readonly #options: ParsedOptions
  #place: Place | undefined = undefined
  /** What this handle acquired last. */
  #hold: Held | undefined = undefined

  constructor(source: Source, key: string, options: ParsedOptions) {
    this.key = checkKey(key)
    this.#source = source
    this.#options = options
    if (source.peek() !== undefined) this.at()
  }

  acquire(): Promise<Lease> {
    return this.#now(patiently)
  }

  tryAcquire(): Promise<Lease | undefined> {
    return this.#now(tryAcquire)
  }

  async run<T>(body: (lease: Lease) => T | PromiseLike<T>): Promise<T> {
    let lease = await this.toRun()
    while (lease instanceof Look) lease = await lookAround(lease)
    return await runBody(lease, this.scoped(body))
  }

  /** As `acquire`, for one who is ready to look around. */
  protected toRun(): Promise<Lease | Look<Lease>> {
    return this.#now(ready)
  }

  /** As `run`; where another holds, `otherwise` is called instead. */
  async runElse<T>(body: (lease: Lease) => T | PromiseLike<T>, otherwise: () => T | PromiseLike<T>): Promise<T> {
    const lease = await this.tryAcquire()
    return lease === undefined ? await otherwise() : await runBody(lease, this.scoped(body))
  }

  acquireSync(): SyncLease {
    const { space, terms } = this.atSync('acquireSync')
    const scope = this.#around(space, terms)
    if (scope !== undefined) return this.#syncLeaseOf(enterSync(scope, terms, this.#options))
    return this.#syncLeaseOf(acquireAtOnce(space, terms) ?? this.#block(space, terms))
  }

  tryAcquireSync(): SyncLease | undefined {
    const { space, terms } = this.atSync('tryAcquireSync')
    const scope = this.#around(space, terms)
    if (scope !== undefined) {
      const share = scope.enter(terms)
      return share && this.#syncLeaseOf(share)
    }
    const hold = acquireAtOnce(space, terms) ?? tryAcquireSync(space, terms, this.#options)
    return hold === undefined ? undefined : this.#syncLeaseOf(hold)
  }

  runSync<T>(body: (lease: SyncLease) => T): T {
    return this.#withinSync(this.acquireSync(), this.scoped(body))
  }

  async adopt(text: string): Promise<Lease> {
    return await adopt(this.at(), text, (hold) => this.#leaseOf(hold))
  }

  adoptSync(text: string): SyncLease {
    return this.#syncLeaseOf(adoptSync(this.atSync('adoptSync'), text))
  }

  runElseSync<T>(body: (lease: SyncLease) => T, otherwise: () => T): T {
    const lease = this.tryAcquireSync()
    return lease === undefined ? otherwise() : this.#withinSync(lease, this.scoped(body))
  }

  /** The body, such that what is asked for in it may enter, where these locks are reentrant. */
  scoped<L extends HeldLease, T>(body: (lease: L) => T): (lease: L) => T {
    if (!this.#options.reentrant) return body
    return (lease) => runInside(holdOf(lease), () => body(lease))
  }

  async isLocked(): Promise<boolean> {
    const { space, terms } = this.at()
    return await query.isLocked(space, terms)
  }

  isLockedSync(): boolean {
    const { space, terms } = this.atSync('isLockedSync')
    return query.isLockedSync(space, terms)
  }

  /** How many permits are taken. */
  async size(): Promise<number> {
    return permitsOf(await this.inspect())
  }

  sizeSync(): number {
    this.atSync('sizeSync')
    return permitsOf(this.inspectSync())
  }

  async inspect(): Promise<query.Inspection | undefined> {
    const { space, terms } = this.at()
    return await query.inspect(space, terms)
  }

  inspectSync(): query.Inspection | undefined {
    const { space, terms } = this.atSync('inspectSync')
    return query.inspectSync(space, terms)
  }

  async forceRelease(): Promise<boolean> {
    const { space, terms } = this.at()
    return await query.forceRelease(space, terms)
  }

  forceReleaseSync(): boolean {
    const { space, terms } = this.atSync('forceReleaseSync')
    return query.forceReleaseSync(space, terms)
  }

  async release(): Promise<boolean> {
    return this.#hold === undefined ? false : await release(this.#hold)
  }

  releaseSync(): boolean {
    if (this.#hold === undefined) return false
    assertSync(this.#hold.space, this.key, 'releaseSync')
    return releaseSync(this.#hold)
  }

  #withinSync<T>(lease: SyncLease, body: (lease: SyncLease) => T): T {
    return withinSync(this.key, lease, () => callBody(lease, body))
  }

  /** Grants at once where that takes no promise, else asks properly. Never throws in sync. */
  #now<T>(ask: Ask<T>): Promise<T | Lease> {
    try {
      const place = this.at()
      this.#options.signal?.throwIfAborted()
      if (this.#around(place.space, place.terms) !== undefined) return this.#enter(ask, place)
      const hold = acquireAtOnce(place.space, place.terms)
      return hold === undefined ? this.#later(ask, place) : Promise.resolve(this.#leaseOf(hold))
    } catch (error) {
      return Promise.reject(error) // a signal's reason may be anything
    }
  }

  #block(space: Space, terms: Terms): Hold {
    const forEver = this.#options.waitMs === Number.POSITIVE_INFINITY && !space.local
    if (forEver && this.at().instance.findsDeadlocks) assertSyncEnds(space, terms)
    return acquireSync(space, terms, this.#options)
  }

  /** A share of what is held around, or if that has ended meanwhile, a hold. */
  async #enter<T>(ask: Ask<T>, place: Place): Promise<T | Lease> {
    const { space, terms } = place
    const quiet = this.#options.quiet || ask === tryAcquire
    let waitMs: number
    try {
      const entered = await enter(space, terms, { ...this.#options, quiet })
      if (typeof entered !== 'number') return this.#leaseOf(entered)
      waitMs = entered
    } catch (error) {
      if (ask === tryAcquire && error instanceof LockedError) return undefined as T // as tryAcquire itself
      throw error
    }
    return await this.#later(ask, place, { ...this.#options, waitMs })
  }

  #around(space: Space, terms: Terms): Scope | undefined {
    return this.#options.reentrant ? scopeAround(space, terms) : undefined
  }

  #later<T>(ask: Ask<T>, place: Place, waiting: Waiting = this.#options): Promise<T> {
    const { instance, space, terms } = place
    const { waitMs, signal, quiet } = waiting
    const looks = waitMs > 0 && isAnyRunning() && instance.findsDeadlocks
    return ask(space, terms, looks ? { waitMs, signal, quiet, looks } : waiting, (hold) => this.#leaseOf(hold))
  }

  #leaseOf(hold: Held): Lease {
    this.#hold = hold
    return this.makeLease(hold)
  }

  #syncLeaseOf(hold: Held): SyncLease {
    this.#hold = hold
    return this.makeSyncLease(hold)
  }

  protected makeLease(hold: Held): Lease {
    return new Lease(hold)
  }

  protected makeSyncLease(hold: Held): SyncLease {
    return new SyncLease(hold)
  }

  protected atSync(call: string): Place {
    const place = this.at()
    if (place.space.syncStore === undefined) assertSync(place.space, this.key, call)
    return place
  }

  protected at(): Place {
    const instance = this.#source.get()
    if (this.#place?.instance !== instance) this.#place = instance.placeOf(this.key, this.#options)
    return this.#place
  }
}

function permitsOf(found: query.Inspection | undefined): number {
  return found?.holders.reduce((sum, { permits }) => sum + permits, 0) ?? 0
}

type Ask<T> = (space: Space, terms: Terms, waiting: Waiting, take: (hold: Held) => Lease) => Promise<T>

/** What is asked for by one who looks around when called to. */
const ready: Ask<Lease | Look<Lease>> = acquire

/** The same for one who only wants the lease. */
const patiently: Ask<Lease> = (space, terms, waiting, take) => {
  const asked = acquire(space, terms, waiting, take)
  return waiting.looks === true ? looking(asked) : asked
}

async function looking(asked: Promise<Lease | Look<Lease>>): Promise<Lease> {
  let lease = await asked
  while (lease instanceof Look) lease = await lookAround(lease)
  return lease
}
