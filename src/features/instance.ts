import { type Env, realEnv } from '../core/env.js'
import { InvalidOptionError, NotConfiguredError } from '../core/errors.js'
import type { Hold } from '../core/hold.js'
import { defaultMaxWaiters, defaultTtlMs, storeTimeoutMs } from '../core/plan.js'
import { withoutPasswords } from '../core/printable.js'
import { Space } from '../core/space.js'
import type { AnyStore } from '../core/store.js'
import type { Terms } from '../core/terms.js'
import { cutOff, cutOffSync } from './cut-off.js'
import { type CloseOptions, Drain, drainMsOf } from './drain.js'
import { exitLimitMs, forget, freeAtExit, type Leaver } from './exits.js'
import { openStore } from './open-store.js'
import {
  type HoldfastOptions,
  parseHoldfastOptions,
  type ParsedHoldfastOptions,
  type ParsedOptions,
} from './options.js'

/** How many open instances use a store object: the last one to close closes it. */
const users = new WeakMap<AnyStore, number>()

/** Where a lock asks, and for what, with the defaults of the instance. */
export interface Place {
  readonly instance: Instance
  readonly options: ParsedOptions
  readonly space: Space
  readonly terms: Terms
}

/** One configured holdfast: its stores and its defaults. */
export class Instance implements Leaver {
  readonly #options: ParsedHoldfastOptions
  readonly #env: Env
  readonly #main: Space
  readonly #named = new Map<string, Space>()
  #last: Place | undefined = undefined
  #closing: Promise<void> | undefined = undefined
  #drain: Drain | undefined = undefined

  constructor(options: HoldfastOptions | undefined) {
    this.#options = parseHoldfastOptions(options)
    this.#env = this.#options.env ?? realEnv
    const { store, stores } = this.#options
    // all are judged before the first one is put to use
    const opened = Object.entries(stores).map(
      ([alias, spec]) => [alias, openStore(spec, this.#env, `stores.${alias}`)] as const,
    )
    this.#main = this.#use(openStore(store, this.#env, 'store'))
    for (const [alias, named] of opened) this.#named.set(alias, this.#use(named))
    if (this.#options.releaseOnExit) freeAtExit(this)
  }

  /** @throws InvalidOptionError for an unknown alias */
  spaceOf(alias: string | undefined): Space {
    if (alias === undefined) return this.#main
    const space = this.#named.get(alias)
    if (space !== undefined) return space
    const known = [...this.#named.keys()]
    const list = known.length === 0 ? 'none were configured' : `there are ${known.join(', ')}`
    const shown = withoutPasswords(alias)
    throw new InvalidOptionError(
      `Unknown store alias '${shown}': ${list}. Name it in configure({ stores: { ${shown}: … } }).`,
    )
  }

  /** Where a lock of these options asks, and for what. A hot key without options finds it again. */
  placeOf(key: string, options: ParsedOptions): Place {
    const last = this.#last
    if (last?.options === options && last.terms.key === key) return last
    const space = this.spaceOf(options.store)
    this.#last = { instance: this, options, space, terms: this.termsOf(key, options, space.store) }
    return this.#last
  }

  termsOf(key: string, options: ParsedOptions, { capabilities }: AnyStore): Terms {
    const { expireMs, minHoldMs, onLost, label, limit, permits, passes, line } = options
    const wantedTtlMs = options.ttlMs ?? this.#options.ttlMs
    const ttlMs = wantedTtlMs ?? (capabilities.crashRelease === 'instant' ? null : defaultTtlMs)
    return {
      key,
      storeKey: this.#options.prefix + key,
      ttlMs,
      expireMs,
      minHoldMs,
      onLost,
      label,
      limit,
      permits,
      passes,
      line,
      storeTimeoutMs: this.#options.storeTimeoutMs ?? storeTimeoutMs(ttlMs),
      maxWaiters: this.#options.maxWaiters ?? defaultMaxWaiters,
    }
  }

  /** Default life of what `cached` keeps; null: it has no end. */
  get cacheTtlMs(): number | null {
    return this.#options.cacheTtlMs
  }

  get closed(): boolean {
    return this.#closing !== undefined
  }

  /**
   * Ends the waits, releases what is held, after `drainMs` at the latest, and closes the stores that no other instance uses. Called
   * again it waits for the same, and no longer than it says itself. @throws InvalidOptionError
   */
  close(options?: CloseOptions): Promise<void> {
    let drainMs: number
    try {
      drainMs = drainMsOf(options)
    } catch (error) {
      return Promise.reject(error)
    }
    this.#closing ??= this.#close(drainMs)
    this.#drain?.endIn(drainMs)
    return this.#closing
  }

  /** Waits for a `close` that was called, however long that may take, else calls it. */
  dispose(): Promise<void> {
    return this.#closing ?? this.close()
  }

  async free(detail: string): Promise<void> {
    await cutOff(this.#held(), detail, exitLimitMs)
  }

  freeSync(detail: string): void {
    const held = this.#held().filter(({ space }) => space.syncStore !== undefined && !space.local) // memory ends by itself
    cutOffSync(held, detail, exitLimitMs)
  }

  async leave(detail: string): Promise<void> {
    for (const space of this.spaces()) space.stop()
    await this.free(detail)
    await this.close().catch(() => undefined)
  }

  async #close(drainMs: number): Promise<void> {
    const spaces = this.spaces()
    for (const space of spaces) space.stop()
    if (drainMs > 0) {
      this.#drain = new Drain(this.#env, spaces)
      await this.#drain.run()
      this.#drain = undefined
    }
    await Promise.all(spaces.map((space) => space.close()))
    forget(this)
    for (const { store } of this.#opened()) {
      const left = (users.get(store) ?? 1) - 1
      users.set(store, left)
      if (left === 0) await store.close()
    }
  }

  /** Where it holds and waits. */
  protected spaces(): readonly Space[] {
    return this.#opened()
  }

  #opened(): Space[] {
    return [this.#main, ...this.#named.values()]
  }

  #held(): Hold[] {
    return this.spaces().flatMap(({ holds }) => holds.all())
  }

  #use(store: AnyStore): Space {
    users.set(store, (users.get(store) ?? 0) + 1)
    return new Space(this.#env, store, this.#options.logger)
  }
}

/** Where a handle finds the instance it works for: one of its own, or the global one of that moment. */
export interface Source {
  /** @throws NotConfiguredError; InvalidOptionError when it was closed */
  get(): Instance
  /** Without throwing, for checks that can be made early; undefined: there is none, or it was closed. */
  peek(): Instance | undefined
}

/** A source that always gives `instance`. */
export function sourceOf(instance: Instance): Source {
  return {
    get: () => {
      if (instance.closed)
        throw new InvalidOptionError('This holdfast instance was closed: create another, or call configure() again.')
      return instance
    },
    peek: () => (instance.closed ? undefined : instance),
  }
}

let current: Instance | undefined

/** The instance that `configure` made. */
export const globalSource: Source = {
  get: () => {
    if (current === undefined) throw new NotConfiguredError()
    return current
  },
  peek: () => current,
}

/** Replaces the global instance; holds of the old one live on until they end. Returns the old one. */
export function setGlobal(instance: Instance | undefined): Instance | undefined {
  const before = current
  current = instance
  return before
}
