import { acquire, acquireAtOnce, tryAcquire } from '../../src/core/acquire.js'
import type { Hold } from '../../src/core/hold.js'
import { Lease } from '../../src/core/lease.js'
import { closedError, Space } from '../../src/core/space.js'
import type { AnyStore } from '../../src/core/store.js'
import type { Terms } from '../../src/core/terms.js'
import { acquireAll } from '../../src/features/acquire-all.js'
import { type Holdfast, holdfastOf } from '../../src/features/holdfast.js'
import { Instance } from '../../src/features/instance.js'
import { forceRelease } from '../../src/features/query.js'
import type { Machine } from './machine.js'
import type { Options } from './options.js'

/** One process of the fleet, or one instance in it: the shipped library on its machine. */
export class Client {
  readonly index: number
  readonly machine: Machine
  readonly space: Space
  /** Ends its connections, as the kernel does when a process dies. */
  readonly hangUp: (noticed: boolean) => void
  warnings = 0
  /** Forced releases under way. */
  forcing = 0
  /** Acquisitions of several keys under way. */
  taking = 0

  /** All that users have, where it is used. */
  readonly holdfast: Holdfast | undefined
  /** Keys whose store failed, and when `cached` said so last. */
  readonly outages = new Map<string, number>()
  /** What was granted, by key. */
  readonly granted = new Map<string, Hold[]>()

  constructor({ index, machine, store, hangUp }: ClientParts, { features, storeTimeoutMs }: Options) {
    this.index = index
    this.machine = machine
    this.hangUp = hangUp
    const logger = { warn: (text: string) => this.#warned(text) }
    if (features === undefined) {
      this.holdfast = undefined
      this.space = new Space(machine, store, logger)
      return
    }
    const settings = {
      store,
      env: machine,
      logger,
      prefix: '',
      storeTimeout: storeTimeoutMs,
      onDeadlock: 'ignore',
    } as const
    const instance = new Instance(settings)
    this.holdfast = holdfastOf(instance)
    this.space = instance.spaceOf(undefined)
    const { holds } = this.space
    const push = holds.push.bind(holds)
    holds.push = (hold) => {
      push(hold)
      const { key } = hold.terms // `cached` shows its lease to nobody
      this.granted.set(key, [...(this.granted.get(key) ?? []), hold])
    }
  }

  /** As a user's `lock(key, options).acquire()`, or `tryAcquire()`. */
  async ask(terms: Terms, wish: Wish, take: (hold: Hold, lease: Lease) => void): Promise<Lease | undefined> {
    const { waitMs, signal, tries } = wish
    const given = (hold: Hold): Lease => {
      const lease = new Lease(hold)
      take(hold, lease)
      return lease
    }
    if (this.space.closed) throw closedError()
    signal?.throwIfAborted()
    const hold = acquireAtOnce(this.space, terms)
    if (hold !== undefined) return given(hold)
    const waiting = { waitMs, signal }
    return tries ? tryAcquire(this.space, terms, waiting, given) : acquire(this.space, terms, waiting, given)
  }

  /** As a user's `lock(keys, options).acquire()`. */
  async askAll(all: readonly Terms[], { waitMs, signal }: Wish): Promise<readonly Hold[]> {
    if (this.space.closed) throw closedError()
    signal?.throwIfAborted()
    this.taking++
    try {
      return await acquireAll(this.space, all, { waitMs, signal })
    } finally {
      this.taking--
    }
  }

  /** As a user's `lock(key).forceRelease()`; false also when the store failed. */
  async forceRelease(terms: Terms): Promise<boolean> {
    this.forcing++
    try {
      return await forceRelease(this.space, terms)
    } catch {
      return false
    } finally {
      this.forcing--
    }
  }

  #warned(text: string): void {
    this.warnings++
    const [, key] = /^([^:]*): .* is computed by this process for itself\.$/.exec(text) ?? []
    if (key !== undefined) this.outages.set(key, this.machine.nowMs())
  }

  async close(): Promise<void> {
    if (this.holdfast !== undefined) return this.holdfast.close()
    await this.space.close()
    await this.space.store.close()
  }
}

interface ClientParts {
  readonly index: number
  readonly machine: Machine
  readonly store: AnyStore
  readonly hangUp: (noticed: boolean) => void
}

/** How an acquisition waits. */
export interface Wish {
  readonly waitMs: number
  readonly signal: AbortSignal | undefined
  readonly tries: boolean
}
