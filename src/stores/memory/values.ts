import { createRequire } from 'node:module'
import type * as Lru from 'lru-cache'
import type { Env } from '../../core/env.js'
import { InvalidOptionError } from '../../core/errors.js'
import type { KeptValue, NewValue, ValuesOf } from '../../core/store.js'
import { HitClock } from './hit-clock.js'

/** What the values need to know of the locks. */
export interface Tokens {
  /** Larger than all before it. */
  next(): number
  /** Does anybody hold or wait for the key? */
  inUse(key: string): boolean
}

/** Values in memory, at most `max`: what was not used for longest makes way. Loads `lru-cache` when the first is set. */
export class MemoryValues implements ValuesOf<'sync'> {
  readonly live = true
  readonly #env: Env
  readonly #max: number
  readonly #tokens: Tokens
  #shelf: Shelf | undefined = undefined

  constructor(env: Env, max: number, tokens: Tokens) {
    this.#env = env
    this.#max = max
    this.#tokens = tokens
  }

  get(key: string): KeptValue | undefined {
    const value = this.#shelf?.find(key)
    return value?.deleted === true ? undefined : value
  }

  set(key: string, { content, token, freshMs, staleMs }: NewValue): boolean {
    this.#shelf ??= new Shelf(this.#env, this.#max)
    const before = this.#shelf.find(key)
    if (before !== undefined && before.token > token) return false
    const freshUntilMs = freshMs === null ? Number.POSITIVE_INFINITY : this.#env.nowMs() + freshMs
    this.#shelf.put(key, { content, token, freshUntilMs, endsAtMs: freshUntilMs + staleMs, deleted: false })
    return true
  }

  delete(key: string): boolean {
    const shelf = this.#shelf
    const before = shelf?.find(key)
    const was = before !== undefined && !before.deleted
    if (!this.#tokens.inUse(key)) {
      if (was) shelf?.drop(key)
      return was
    }
    // somebody may be computing: what comes of it is not to be kept
    this.#shelf ??= new Shelf(this.#env, this.#max)
    const token = this.#tokens.next()
    const endsAtMs = this.#env.nowMs() + deletedStaysMs
    this.#shelf.put(key, { content: undefined, token, freshUntilMs: endsAtMs, endsAtMs, deleted: true })
    return was
  }

  clear(): void {
    this.#shelf?.clear()
  }
}

/** How long it is remembered that a value was deleted. */
const deletedStaysMs = 3_600_000

interface Placed {
  readonly content: unknown
  readonly token: number
  readonly freshUntilMs: number
  readonly endsAtMs: number
  readonly deleted: boolean
}

/** The library keeps the order of use; who is there, and for how long, is ours: its clock is not the one of the locks. */
class Shelf {
  readonly env: Env
  readonly clock: HitClock
  /** Counts what was put: as long as nothing is, the order of use decides nothing. */
  puts = 0
  readonly #lru: Lru.LRUCache<string, Value>

  constructor(env: Env, max: number) {
    this.env = env
    this.clock = new HitClock(env)
    const { LRUCache } = load()
    this.#lru = new LRUCache<string, Value>({ max, dispose: (value) => value.end() })
  }

  find(key: string): Value | undefined {
    const value = this.#lru.get(key)
    if (value === undefined || value.endsAtMs === Number.POSITIVE_INFINITY) return value
    if (value.endsAtMs > this.env.nowMs()) return value
    this.#lru.delete(key)
    return undefined
  }

  put(key: string, placed: Placed): void {
    this.puts++
    this.#lru.set(key, new Value(this, key, placed))
  }

  used(key: string): void {
    this.#lru.get(key)
  }

  drop(key: string): void {
    this.#lru.delete(key)
  }

  clear(): void {
    this.#lru.clear()
  }
}

class Value implements KeptValue {
  readonly token: number
  readonly deleted: boolean
  readonly endsAtMs: number
  readonly #shelf: Shelf
  readonly #key: string
  readonly #freshUntilMs: number
  #content: unknown
  #gone = false
  #usedAt: number

  constructor(shelf: Shelf, key: string, { content, token, freshUntilMs, endsAtMs, deleted }: Placed) {
    this.token = token
    this.deleted = deleted
    this.endsAtMs = endsAtMs
    this.#shelf = shelf
    this.#key = key
    this.#freshUntilMs = freshUntilMs
    this.#content = content
    this.#usedAt = shelf.puts
  }

  get content(): unknown {
    return this.#content
  }

  /** Asking counts as a use. */
  get staleMs(): number {
    if (this.#gone) return Number.POSITIVE_INFINITY
    const shelf = this.#shelf
    if (this.#usedAt !== shelf.puts) {
      this.#usedAt = shelf.puts
      shelf.used(this.#key)
    }
    if (this.#freshUntilMs === Number.POSITIVE_INFINITY) return 0
    const nowMs = shelf.clock.nowMs()
    if (nowMs < this.#freshUntilMs) return 0
    return nowMs < this.endsAtMs ? nowMs - this.#freshUntilMs : Number.POSITIVE_INFINITY
  }

  end(): void {
    this.#gone = true
    this.#content = undefined
  }
}

let library: typeof Lru | undefined

/** @throws InvalidOptionError */
function load(): typeof Lru {
  try {
    library ??= createRequire(import.meta.url)('lru-cache') as typeof Lru // untyped by nature
    return library
  } catch {
    throw new InvalidOptionError(
      `To keep values in memory the package lru-cache is needed, and it cannot be found: a bundler has to leave it (and holdfast) out.`,
    )
  }
}
