import { show } from '../../core/duration.js'
import { type Env, realEnv } from '../../core/env.js'
import { InvalidOptionError } from '../../core/errors.js'
import type {
  AcquireRequest,
  Answer,
  AnswerToAll,
  Handoff,
  KeyPage,
  KeyRecord,
  NoticeListener,
  Refused,
  SyncStore,
} from '../../core/store.js'
import { Entry, type Hold } from './entry.js'
import { Resizes } from './resizes.js'
import { MemoryValues } from './values.js'

export interface MemoryOptions {
  /** Clock and timers; default: the real ones. For tests with a virtual clock. */
  readonly env?: Env
  /** How many values of `cached` are kept, a whole number above 0; default 10,000. What was not used for longest makes way. */
  readonly maxValues?: number
}

/**
 * A store in the memory of this process. Exact: what is released or has expired is gone, and a key that nobody holds or
 * waits for leaves nothing behind. Tokens grow over all keys of the store.
 *
 * @example
 * const holdfast = createHoldfast({ store: memory() }) // the default store
 * @throws InvalidOptionError
 */
export function memory({ env = realEnv, maxValues = 10_000 }: MemoryOptions = {}): SyncStore {
  if (!Number.isSafeInteger(maxValues) || maxValues < 1) {
    throw new InvalidOptionError(`maxValues is ${show(maxValues)}: give a whole number above 0.`)
  }
  return new MemoryStore(env, maxValues)
}

class MemoryStore implements SyncStore {
  readonly name = 'memory'
  readonly capabilities = {
    scope: 'process',
    crashRelease: 'instant',
    fair: true,
    wake: 'push',
    token: 'clock',
    consistency: 'process',
    sync: true,
    adopts: true,
  } as const
  readonly values: MemoryValues
  readonly #env: Env
  readonly #entries = new Map<string, Entry>()
  readonly #listeners = new Set<NoticeListener>()
  #lastToken: number
  /** undefined: no key was given another limit. */
  #resizes: Resizes | undefined = undefined
  /** The entry that came free last. A hot key finds it again: setting and deleting in a Map costs 60 to 200 ns. */
  #idle: Entry | undefined = undefined

  readonly #whenDue = (entry: Entry): void => {
    if (this.#live(entry.key) === entry) this.#watch(entry, entry.nextExpiryMs())
  }

  constructor(env: Env, maxValues: number) {
    this.#env = env
    this.#lastToken = Math.floor(env.wallMs() * 1000)
    this.values = new MemoryValues(env, maxValues, {
      next: () => ++this.#lastToken,
      inUse: (key) => this.#live(key) !== undefined,
    })
  }

  acquire(asked: AcquireRequest): Answer {
    const request = this.#resizes?.request(asked) ?? asked
    if (request.permits > request.limit) throw neverMet(request)
    if (request.adopts !== undefined && !this.#adopt(request, request.adopts)) return this.#refusal(request.key)
    const entry = this.#entries.get(request.key) ?? this.#enter(request)
    if (!entry.isEmpty()) return this.#acquireContended(entry, request)
    return { granted: true, token: this.#grant(entry, request) }
  }

  acquireAll(requests: readonly AcquireRequest[]): AnswerToAll {
    for (const [index, request] of requests.entries()) {
      const refused = this.#refusalOf(this.#resizes?.request(request) ?? request)
      if (refused !== undefined) return { ...refused, index }
    }
    const answers = requests.map((request) => this.acquire(request))
    return { granted: true, tokens: answers.map((answer) => (answer.granted ? answer.token : 0)) }
  }

  renew(key: string, owner: string, ttlMs: number): boolean {
    const entry = this.#live(key)
    const hold = entry?.hold(owner)
    if (entry === undefined || hold === undefined) return false
    this.#lease(entry, hold, ttlMs)
    return true
  }

  release(key: string, owner: string): boolean
  release(key: string, owner: string, next: AcquireRequest): Handoff
  release(key: string, owner: string, next?: AcquireRequest): boolean | Handoff {
    const entry = this.#entries.get(key)
    if (entry?.mayExpire === true) this.#expire(entry)
    const released = entry !== undefined && (entry.drop(owner) || entry.leave(owner))
    if (entry !== undefined && released) this.#settle(entry, next?.owner)
    return next === undefined ? released : { released, next: this.acquire(next) }
  }

  inspect(key: string): KeyRecord | undefined {
    return this.#live(key)?.describe(this.#env.nowMs())
  }

  list(prefix: string, limit: number, cursor?: string): KeyPage {
    // Positions would shift as keys come and go; the last key seen does not. Sorted, hence O(n log n): a tool's call.
    const all = [...this.#entries.keys()]
      .filter((key) => key.startsWith(prefix) && this.#live(key) !== undefined)
      .sort()
    const rest = cursor === undefined ? all : all.filter((key) => key > cursor)
    const keys = rest.slice(0, Math.max(limit, 1))
    return { keys, cursor: rest.length > keys.length ? keys.at(-1) : undefined }
  }

  forceRelease(key: string): boolean {
    const entry = this.#live(key)
    if (entry === undefined || entry.used === 0) return false
    const owners = entry.owners()
    for (const owner of owners) entry.drop(owner)
    for (const owner of owners) this.#tell({ type: 'revoked', key, owner })
    this.#settle(entry, undefined)
    return true
  }

  resize(key: string, from: number, to: number): void {
    const entry = this.#live(key)
    const resizes = (this.#resizes ??= new Resizes(this.#env))
    if (entry !== undefined && entry.used > 0 && entry.limit !== resizes.meant(key, from))
      throw disagreeing(entry, from)
    resizes.remember(key, { from, to, inUse: entry !== undefined && entry.used > 0 })
    if (entry === undefined) return
    entry.resize(to)
    this.#settle(entry, undefined)
  }

  onNotice(listener: NoticeListener): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  close(): void {
    for (const entry of this.#entries.values()) entry.timer?.clear()
    this.#listeners.clear()
    this.values.clear()
  }

  #acquireContended(found: Entry, request: AcquireRequest): Answer {
    const { key, owner, queueMs } = request
    const entry = this.#live(key) ?? found // emptied just now, and still in its place
    const own = entry.hold(owner)
    if (own !== undefined) {
      this.#lease(entry, own, request.ttlMs)
      if (entry.shrink(own, request.permits)) this.#settle(entry, undefined)
      return { granted: true, token: own.token }
    }
    if (entry.isEmpty()) entry.limit = request.limit
    assertAgrees(entry, request)
    if (entry.canGrant(request)) return { granted: true, token: this.#grant(entry, request) }
    const nowMs = this.#env.nowMs()
    const position = queueMs > 0 ? entry.enqueue(request, nowMs + queueMs) : undefined
    return { granted: false, freeInMs: entry.freeInMs(nowMs), position, holder: entry.anyHolder() }
  }

  /** What `acquire` would refuse it with. */
  #refusalOf(request: AcquireRequest): Refused | undefined {
    const entry = this.#live(request.key)
    if (entry === undefined || entry.hold(request.owner) !== undefined) return undefined
    assertAgrees(entry, request)
    if (entry.canGrant(request)) return undefined
    return { granted: false, freeInMs: entry.freeInMs(this.#env.nowMs()), holder: entry.anyHolder() }
  }

  /** Puts the owner of the request in the place of another; it is granted then as one that asks again. false: neither holds. */
  #adopt({ key, owner, limit, holder, turns }: AcquireRequest, from: string): boolean {
    const entry = this.#live(key)
    const given = entry?.hold(from)
    if (entry?.hold(owner) !== undefined) return true
    if (entry === undefined || given === undefined || entry.limit !== limit) return false
    entry.succeed(given, { ...given, owner, holder, token: this.#nextToken(turns) })
    return true
  }

  #refusal(key: string): Answer {
    const entry = this.#live(key)
    return { granted: false, freeInMs: entry?.freeInMs(this.#env.nowMs()), holder: entry?.anyHolder() }
  }

  #enter({ key, limit }: AcquireRequest): Entry {
    const entry = new Entry(key, limit, this.#whenDue)
    this.#entries.set(key, entry)
    return entry
  }

  /** As many after it are reserved as hand-overs that the store will not hear of. */
  #nextToken(turns = 0): number {
    const token = this.#lastToken + 1
    this.#lastToken = token + turns
    return token
  }

  /** Returns the token. */
  #grant(entry: Entry, request: AcquireRequest): number {
    const token = this.#nextToken(request.turns)
    const hold = entry.grant(request, token)
    if (request.ttlMs !== null) this.#lease(entry, hold, request.ttlMs)
    return token
  }

  /** Sets the lease of a hold anew; null: until released. */
  #lease(entry: Entry, hold: Hold, ttlMs: number | null): void {
    hold.expiresAtMs = ttlMs === null ? Number.POSITIVE_INFINITY : this.#env.nowMs() + ttlMs
    if (ttlMs !== null) this.#watch(entry, hold.expiresAtMs)
  }

  /** Sees to it that the entry is looked at when its next hold ends, if nobody asks before. */
  #watch(entry: Entry, expiresAtMs: number): void {
    if (expiresAtMs === Number.POSITIVE_INFINITY) return
    entry.mayExpire = true
    if (entry.timerAtMs !== undefined && entry.timerAtMs <= expiresAtMs) return
    entry.timer?.clear()
    entry.timerAtMs = Math.floor(expiresAtMs)
    entry.timer = this.#env.setTimer(entry, Math.max(expiresAtMs - this.#env.nowMs(), 0), false)
  }

  /** The entry of `key` after everything that has expired was dropped; undefined when nothing is left. */
  #live(key: string): Entry | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    if (entry.mayExpire) this.#expire(entry)
    return entry.isEmpty() ? undefined : entry
  }

  #expire(entry: Entry): void {
    if (entry.dropExpired(this.#env.nowMs())) this.#settle(entry, undefined)
  }

  /** After permits came free: grants to the head of the queue while it fits, or forgets the entry. */
  #settle(entry: Entry, quietOwner: string | undefined): void {
    if (entry.isQueued()) this.#grantQueued(entry, quietOwner)
    else if (entry.used === 0) this.#retire(entry)
  }

  #grantQueued(entry: Entry, quietOwner: string | undefined): void {
    for (let head = entry.head(); head !== undefined && entry.fits(head.request); head = entry.head()) {
      const { owner, key } = head.request
      const token = this.#grant(entry, head.request)
      if (owner !== quietOwner) this.#tell({ type: 'granted', key, owner, token })
    }
  }

  /** Forgets an entry that came free, but not before another one does. */
  #retire(entry: Entry): void {
    if (entry.mayExpire) entry.rest()
    const before = this.#idle
    this.#idle = entry
    if (before !== undefined && before !== entry && before.isEmpty()) this.#entries.delete(before.key)
  }

  #tell(notice: Parameters<NoticeListener>[0]): void {
    for (const listener of this.#listeners) listener(notice)
  }
}

/** @throws InvalidOptionError */
function assertAgrees(entry: Entry, { limit }: AcquireRequest): void {
  if (entry.limit !== limit) throw disagreeing(entry, limit)
}

function disagreeing({ limit }: Entry, asked: number): InvalidOptionError {
  return new InvalidOptionError(
    `The key has ${String(limit)} permits at its holders, and ${String(asked)} in this request: all must agree.`,
  )
}

function neverMet({ permits, limit }: AcquireRequest): InvalidOptionError {
  return new InvalidOptionError(
    `A request for ${String(permits)} permits can never be met: the limit is ${String(limit)}.`,
  )
}
