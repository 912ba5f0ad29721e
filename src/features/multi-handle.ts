import { assertSync } from '../core/acquire-sync.js'
import { InvalidKeyError, LockedError } from '../core/errors.js'
import type { Hold } from '../core/hold.js'
import { checkKey } from '../core/key.js'
import type { Space } from '../core/space.js'
import type { Terms } from '../core/terms.js'
import { acquireAll } from './acquire-all.js'
import { acquireAllSync } from './acquire-all-sync.js'
import type { Instance, Source } from './instance.js'
import { MultiLease, releaseAll, releaseAllSync, SyncMultiLease } from './multi-lease.js'
import type { ParsedOptions } from './options.js'
import * as query from './query.js'
import { within, withinSync } from './within.js'

/** More would be held one by one for longer than any of them is worth. */
const mostKeys = 64

/** Where several keys are asked for. */
interface Places {
  readonly instance: Instance
  readonly space: Space
  readonly all: readonly Terms[]
}

/** Several keys with their options. Not callable; `lock([…])` makes it so. */
export class MultiHandle {
  /** Sorted, each once. */
  readonly keys: readonly string[]
  readonly #source: Source
  readonly #options: ParsedOptions
  #places: Places | undefined = undefined
  /** What this handle acquired last, the last key first. */
  #holds: readonly Hold[] | undefined = undefined

  constructor(source: Source, keys: readonly unknown[], options: ParsedOptions) {
    this.keys = sortedKeys(keys)
    this.#source = source
    this.#options = options
    if (source.peek() !== undefined) this.#at()
  }

  get key(): string {
    return this.keys.join(', ')
  }

  async acquire(): Promise<MultiLease> {
    return new MultiLease(await this.#acquire(this.#options))
  }

  async tryAcquire(): Promise<MultiLease | undefined> {
    try {
      return new MultiLease(await this.#acquire({ ...this.#options, quiet: true }))
    } catch (error) {
      if (error instanceof LockedError) return undefined
      throw error
    }
  }

  async run<T>(body: (lease: MultiLease) => T | PromiseLike<T>): Promise<T> {
    return await within(await this.acquire(), body)
  }

  /** As `run`; where another holds one of them, `otherwise` is called instead. */
  async runElse<T>(body: (lease: MultiLease) => T | PromiseLike<T>, otherwise: () => T | PromiseLike<T>): Promise<T> {
    const lease = await this.tryAcquire()
    return lease === undefined ? await otherwise() : await within(lease, body)
  }

  acquireSync(): SyncMultiLease {
    return new SyncMultiLease(this.#acquireSync('acquireSync', this.#options))
  }

  tryAcquireSync(): SyncMultiLease | undefined {
    try {
      return new SyncMultiLease(this.#acquireSync('tryAcquireSync', { ...this.#options, quiet: true }))
    } catch (error) {
      if (error instanceof LockedError) return undefined
      throw error
    }
  }

  runSync<T>(body: (lease: SyncMultiLease) => T): T {
    return withinSync(this.key, this.acquireSync(), body)
  }

  async isLocked(): Promise<boolean> {
    const { space, all } = this.#at()
    const answers = await Promise.all(all.map((terms) => query.isLocked(space, terms)))
    return answers.includes(true)
  }

  isLockedSync(): boolean {
    const { space, all } = this.#atSync('isLockedSync')
    return all.some((terms) => query.isLockedSync(space, terms))
  }

  async inspect(): Promise<readonly query.Inspection[]> {
    const { space, all } = this.#at()
    return known(await Promise.all(all.map((terms) => query.inspect(space, terms))))
  }

  inspectSync(): readonly query.Inspection[] {
    const { space, all } = this.#atSync('inspectSync')
    return known(all.map((terms) => query.inspectSync(space, terms)))
  }

  async forceRelease(): Promise<boolean> {
    const { space, all } = this.#at()
    const answers = await Promise.all(all.map((terms) => query.forceRelease(space, terms)))
    return answers.includes(true)
  }

  forceReleaseSync(): boolean {
    const { space, all } = this.#atSync('forceReleaseSync')
    return all.map((terms) => query.forceReleaseSync(space, terms)).includes(true)
  }

  async release(): Promise<boolean> {
    return this.#holds === undefined ? false : await releaseAll(this.#holds)
  }

  releaseSync(): boolean {
    const [hold] = this.#holds ?? []
    if (this.#holds === undefined || hold === undefined) return false
    assertSync(hold.space, this.key, 'releaseSync')
    return releaseAllSync(this.#holds)
  }

  async #acquire(options: ParsedOptions): Promise<readonly Hold[]> {
    const { space, all } = this.#at()
    options.signal?.throwIfAborted()
    return this.#keep(await acquireAll(space, all, options))
  }

  #acquireSync(call: string, options: ParsedOptions): readonly Hold[] {
    const { space, all } = this.#atSync(call)
    return this.#keep(acquireAllSync(space, all, options))
  }

  #keep(holds: readonly Hold[]): readonly Hold[] {
    this.#holds = holds.toReversed()
    return holds
  }

  #atSync(call: string): Places {
    const places = this.#at()
    assertSync(places.space, this.key, call)
    return places
  }

  #at(): Places {
    const instance = this.#source.get()
    if (this.#places?.instance !== instance) {
      const space = instance.spaceOf(this.#options.store)
      const all = this.keys.map((key) => instance.termsOf(key, this.#options, space.store))
      this.#places = { instance, space, all }
    }
    return this.#places
  }
}

/** @throws InvalidKeyError */
function sortedKeys(keys: readonly unknown[]): readonly string[] {
  const sorted = [...new Set(keys.map(checkKey))].sort()
  if (sorted.length === 0) throw new InvalidKeyError('A lock of several keys needs at least one: the list is empty.')
  if (sorted.length > mostKeys) {
    throw new InvalidKeyError(
      `A lock of ${String(sorted.length)} keys: the most is ${String(mostKeys)}. Lock one key that stands for all of them.`,
    )
  }
  return sorted
}

function known(found: readonly (query.Inspection | undefined)[]): readonly query.Inspection[] {
  return found.filter((inspection) => inspection !== undefined)
}
