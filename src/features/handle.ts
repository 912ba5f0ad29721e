import { acquire, acquireAtOnce, tryAcquire } from '../core/acquire.js'
import { acquireSync, assertSync, tryAcquireSync } from '../core/acquire-sync.js'
import { checkKey } from '../core/key.js'
import type { Hold } from '../core/hold.js'
import { Lease, SyncLease } from '../core/lease.js'
import { release, releaseSync } from '../core/release.js'
import { adopt, adoptSync } from './adopt.js'
import * as query from './query.js'
import type { Space } from '../core/space.js'
import type { Terms, Waiting } from '../core/terms.js'
import type { Place, Source } from './instance.js'
import type { ParsedOptions } from './options.js'
import { within, withinSync } from './within.js'

/** One key with its options: what all that can be done with it goes through. Not callable; `lock()` makes it so. */
export class Handle {
  readonly key: string
  readonly #source: Source
  readonly #options: ParsedOptions
  #place: Place | undefined = undefined
  /** What this handle acquired last. */
  #hold: Hold | undefined = undefined

  constructor(source: Source, key: string, options: ParsedOptions) {
    this.key = checkKey(key)
    this.#source = source
    this.#options = options
    if (source.peek() !== undefined) this.at()
  }

  acquire(): Promise<Lease> {
    return this.#now(acquire)
  }

  tryAcquire(): Promise<Lease | undefined> {
    return this.#now(tryAcquire)
  }

  async run<T>(body: (lease: Lease) => T | PromiseLike<T>): Promise<T> {
    return await within(await this.acquire(), body)
  }

  /** As `run`; where another holds, `otherwise` is called instead. */
  async runElse<T>(body: (lease: Lease) => T | PromiseLike<T>, otherwise: () => T | PromiseLike<T>): Promise<T> {
    const lease = await this.tryAcquire()
    return lease === undefined ? await otherwise() : await within(lease, body)
  }

  acquireSync(): SyncLease {
    const { space, terms } = this.atSync('acquireSync')
    return this.#syncLeaseOf(acquireAtOnce(space, terms) ?? acquireSync(space, terms, this.#options))
  }

  tryAcquireSync(): SyncLease | undefined {
    const { space, terms } = this.atSync('tryAcquireSync')
    const hold = acquireAtOnce(space, terms) ?? tryAcquireSync(space, terms, this.#options)
    return hold === undefined ? undefined : this.#syncLeaseOf(hold)
  }

  runSync<T>(body: (lease: SyncLease) => T): T {
    return withinSync(this.key, this.acquireSync(), body)
  }

  async adopt(text: string): Promise<Lease> {
    return await adopt(this.at(), text, (hold) => this.#leaseOf(hold))
  }

  adoptSync(text: string): SyncLease {
    return this.#syncLeaseOf(adoptSync(this.atSync('adoptSync'), text))
  }

  runElseSync<T>(body: (lease: SyncLease) => T, otherwise: () => T): T {
    const lease = this.tryAcquireSync()
    return lease === undefined ? otherwise() : withinSync(this.key, lease, body)
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

  /** Grants at once where that takes no promise, else asks properly. Never throws in sync. */
  #now<T extends Lease | undefined>(ask: Ask<T>): Promise<T | Lease> {
    try {
      const place = this.at()
      this.#options.signal?.throwIfAborted()
      const hold = acquireAtOnce(place.space, place.terms)
      return hold === undefined ? this.#later(ask, place) : Promise.resolve(this.#leaseOf(hold))
    } catch (error) {
      return Promise.reject(error) // a signal's reason may be anything
    }
  }

  #later<T extends Lease | undefined>(ask: Ask<T>, { space, terms }: Place): Promise<T> {
    return ask(space, terms, this.#options, (hold) => this.#leaseOf(hold))
  }

  #leaseOf(hold: Hold): Lease {
    this.#hold = hold
    return this.makeLease(hold)
  }

  #syncLeaseOf(hold: Hold): SyncLease {
    this.#hold = hold
    return this.makeSyncLease(hold)
  }

  protected makeLease(hold: Hold): Lease {
    return new Lease(hold)
  }

  protected makeSyncLease(hold: Hold): SyncLease {
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

type Ask<T> = (space: Space, terms: Terms, waiting: Waiting, take: (hold: Hold) => Lease) => Promise<T>
