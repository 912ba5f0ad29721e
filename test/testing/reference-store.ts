import { InvalidOptionError } from '../../src/core/errors.js'
import type {
  AcquireRequest,
  Answer,
  AnswerToAll,
  Capabilities,
  Handoff,
  KeyPage,
  KeyRecord,
  Notice,
  NoticeListener,
  Store,
  SyncStore,
} from '../../src/core/store.js'
import { ReferenceLimits } from './reference-limits.js'
import { ReferenceValues } from './reference-values.js'

export interface Hold {
  request: AcquireRequest
  token: number
  endsAtMs: number
}

export interface Waiter {
  request: AcquireRequest
  endsAtMs: number
}

export interface Entry {
  readonly key: string
  limit: number
  holds: Hold[]
  queue: Waiter[]
}

/**
 * The contract in as few lines as it takes, slow and without a timer. Every decision is a method of its own, so that a
 * test can break one of them at a time.
 */
export class Reference extends ReferenceLimits {
  readonly entries = new Map<string, Entry>()
  readonly revoked = new Set<string>()
  readonly listeners = new Set<NoticeListener>()
  lastToken = 0
  readonly values: ReferenceValues = new ReferenceValues(this)

  nowMs(): number {
    return performance.now()
  }

  fold(key: string): string {
    return key
  }

  nextToken(_entry: Entry, _request: AcquireRequest): number {
    return ++this.lastToken
  }

  endOf(request: AcquireRequest): number {
    return request.ttlMs === null ? Infinity : this.nowMs() + request.ttlMs
  }

  /** A promoted request has to claim its grant while it could still be waiting. */
  endOfPromoted(request: AcquireRequest): number {
    return Math.min(this.endOf(request), this.nowMs() + request.queueMs)
  }

  isOver({ endsAtMs }: { endsAtMs: number }): boolean {
    return endsAtMs <= this.nowMs()
  }

  owns(hold: Hold, owner: string): boolean {
    return hold.request.owner === owner
  }

  used(entry: Entry): number {
    return entry.holds.reduce((sum, { request }) => sum + request.permits, 0)
  }

  fits(entry: Entry, request: AcquireRequest): boolean {
    return this.used(entry) + request.permits <= entry.limit
  }

  isNext(entry: Entry, _request: AcquireRequest): boolean {
    return entry.queue.length === 0
  }

  wantsToQueue(request: AcquireRequest): boolean {
    return request.queueMs > 0
  }

  tell(notice: Notice): void {
    for (const listener of this.listeners) listener(notice)
  }

  /** The entry after everything that is over was dropped and the queue moved up. */
  meet(key: string): Entry {
    const entry = this.entries.get(this.fold(key)) ?? { key, limit: 0, holds: [], queue: [] }
    const held = entry.holds.length
    entry.holds = entry.holds.filter((hold) => !this.isOver(hold))
    entry.queue = entry.queue.filter((waiter) => !this.isOver(waiter))
    if (held > entry.holds.length) this.afterExpiry(entry)
    this.keep(entry)
    return entry
  }

  keep(entry: Entry): void {
    if (entry.holds.length + entry.queue.length > 0) this.entries.set(this.fold(entry.key), entry)
    else this.entries.delete(this.fold(entry.key))
  }

  afterExpiry(entry: Entry): void {
    this.promote(entry)
  }

  promote(entry: Entry): void {
    for (let head = entry.queue[0]; head !== undefined && this.fits(entry, head.request); head = entry.queue[0]) {
      entry.queue.shift()
      const token = this.hold(entry, head.request, this.endOfPromoted(head.request))
      this.tell({ type: 'granted', key: entry.key, owner: head.request.owner, token })
    }
  }

  hold(entry: Entry, request: AcquireRequest, endsAtMs: number): number {
    const token = this.nextToken(entry, request)
    if (entry.holds.length === 0) entry.limit = request.limit
    entry.holds.push({ request, token, endsAtMs })
    this.keep(entry)
    return token
  }

  check(entry: Entry, request: AcquireRequest): void {
    const { limit, permits } = request
    if (!this.canBeMet(request, limit)) throw new InvalidOptionError(`${permits} permits of ${limit} are never free.`)
    if (entry.holds.length > 0 && entry.limit !== limit) {
      throw new InvalidOptionError(`The holders say ${entry.limit} permits, this request says ${limit}.`)
    }
  }

  agrees(entry: Entry, limit: number): boolean {
    return entry.holds.length === 0 || entry.limit === limit
  }

  afterResize(entry: Entry): void {
    entry.queue = entry.queue.filter(({ request }) => this.canBeMet(request, entry.limit))
    for (const waiter of entry.queue) waiter.request = { ...waiter.request, limit: entry.limit }
    this.promote(entry)
  }

  resize(key: string, from: number, to: number): void {
    const entry = this.meet(key)
    if (!this.agrees(entry, this.meant(key, from))) {
      throw new InvalidOptionError(`The holders say ${entry.limit} permits, who resizes says ${from}.`)
    }
    this.remember(key, from, to)
    entry.limit = to
    this.afterResize(entry)
    this.keep(entry)
  }

  acquire(asked: AcquireRequest): Answer {
    const request = { ...asked, limit: this.meant(asked.key, asked.limit) }
    const entry = this.meet(request.key)
    const own = entry.holds.find((hold) => this.owns(hold, request.owner))
    if (own !== undefined) return this.again(own, request, entry)
    this.check(entry, request)
    if (this.isNext(entry, request) && (entry.holds.length === 0 || this.fits(entry, request))) {
      return { granted: true, token: this.hold(entry, request, this.endOf(request)) }
    }
    return this.refuse(entry, request)
  }

  acquireAll(requests: readonly AcquireRequest[]): AnswerToAll {
    const index = requests.findIndex((request) => this.isInTheWay(request))
    const busy = requests[index]
    if (busy !== undefined) return { ...this.refuse(this.meet(busy.key), busy), granted: false, index }
    return { granted: true, tokens: requests.map((request) => this.tokenOf(request)) }
  }

  isInTheWay(request: AcquireRequest): boolean {
    const entry = this.meet(request.key)
    if (entry.holds.some((hold) => this.owns(hold, request.owner))) return false
    this.check(entry, request)
    return !this.isNext(entry, request) || (entry.holds.length > 0 && !this.fits(entry, request))
  }

  tokenOf(request: AcquireRequest): number {
    const answer = this.acquire(request)
    return answer.granted ? answer.token : 0
  }

  again(own: Hold, request: AcquireRequest, entry: Entry): Answer {
    own.endsAtMs = this.endOf(request)
    this.shrink(own, request, entry)
    return { granted: true, token: own.token }
  }

  shrink(own: Hold, { permits }: AcquireRequest, entry: Entry): void {
    if (permits >= own.request.permits) return
    own.request = { ...own.request, permits }
    this.promote(entry)
  }

  refuse(entry: Entry, request: AcquireRequest): Answer {
    const position = this.wantsToQueue(request) ? this.enqueue(entry, request) : undefined
    const firstEndMs = Math.min(...entry.holds.map(({ endsAtMs }) => endsAtMs))
    const freeInMs = firstEndMs === Infinity ? undefined : firstEndMs - this.nowMs()
    return { granted: false, freeInMs, position, holder: entry.holds[0]?.request.holder }
  }

  enqueue(entry: Entry, request: AcquireRequest): number {
    const place = entry.queue.findIndex((waiter) => waiter.request.owner === request.owner)
    const waiter = { request, endsAtMs: this.nowMs() + request.queueMs }
    if (place < 0) return entry.queue.push(waiter) - 1
    entry.queue[place] = waiter
    return place
  }

  renew(key: string, owner: string, ttlMs: number): boolean {
    const own = this.meet(key).holds.find((hold) => this.owns(hold, owner))
    if (own === undefined) return false
    own.endsAtMs = this.nowMs() + ttlMs
    return true
  }

  release(key: string, owner: string): boolean {
    const entry = this.meet(key)
    const before = entry.holds.length + entry.queue.length
    entry.holds = entry.holds.filter((hold) => !this.owns(hold, owner))
    entry.queue = entry.queue.filter((waiter) => waiter.request.owner !== owner)
    const gone = before > entry.holds.length + entry.queue.length
    if (gone) this.promote(entry)
    this.keep(entry)
    return gone
  }

  handOver(key: string, owner: string, next: AcquireRequest): Handoff {
    this.check(this.meet(key), { ...next, limit: this.meant(key, next.limit) })
    return { released: this.release(key, owner), next: this.acquire(next) }
  }

  inspect(key: string): KeyRecord | undefined {
    const { holds, queue, limit } = this.meet(key)
    if (holds.length + queue.length === 0) return undefined
    return {
      key,
      limit,
      holders: holds.map(({ request, token, endsAtMs }) => ({
        ...request.holder,
        owner: request.owner,
        token,
        permits: request.permits,
        remainingMs: endsAtMs === Infinity ? undefined : endsAtMs - this.nowMs(),
      })),
      waiters: queue.map(({ request }) => ({ ...request.holder, owner: request.owner })),
    }
  }

  list(prefix: string, limit: number, cursor = ''): KeyPage {
    const all = [...this.entries.keys()].filter((key) => this.begins(key, prefix) && key > cursor).sort()
    const live = all.filter((key) => this.inspect(key) !== undefined)
    const keys = live.slice(0, limit)
    return { keys, cursor: live.length > limit ? keys.at(-1) : undefined }
  }

  begins(key: string, prefix: string): boolean {
    return key.startsWith(prefix)
  }

  forceRelease(key: string): boolean {
    const entry = this.meet(key)
    const owners = entry.holds.map(({ request }) => request.owner)
    entry.holds = []
    for (const owner of owners) this.revoked.add(`${key} ${owner}`)
    for (const owner of owners) this.tell({ type: 'revoked', key, owner })
    this.promote(entry)
    this.keep(entry)
    return owners.length > 0
  }

  wasRevoked(key: string, owner: string): boolean {
    return this.revoked.has(`${key} ${owner}`)
  }

  close(): void {}
}

export const sharedCapabilities = {
  scope: 'machine',
  crashRelease: 'lease',
  fair: true,
  wake: 'push',
  token: 'durable',
  consistency: 'single-node',
  sync: false,
} as const satisfies Capabilities

export const processCapabilities = {
  ...sharedCapabilities,
  scope: 'process',
  crashRelease: 'instant',
  consistency: 'process',
  sync: true,
} as const satisfies Capabilities

/** A client that answers with promises, as over a wire: requests overlap. */
export function clientOf(records: Reference, capabilities: Capabilities & { sync: false } = sharedCapabilities): Store {
  const sync = syncClientOf(records)
  function release(key: string, owner: string): Promise<boolean>
  function release(key: string, owner: string, next: AcquireRequest): Promise<Handoff>
  async function release(key: string, owner: string, next?: AcquireRequest): Promise<boolean | Handoff> {
    return next === undefined ? records.release(key, owner) : records.handOver(key, owner, next)
  }
  return {
    ...sync,
    capabilities,
    acquire: async (request) => records.acquire(request),
    acquireAll: async (requests) => records.acquireAll(requests),
    renew: async (key, owner, ttlMs) => records.renew(key, owner, ttlMs),
    release,
    inspect: async (key) => records.inspect(key),
    list: async (prefix, limit, cursor) => records.list(prefix, limit, cursor),
    forceRelease: async (key) => records.forceRelease(key),
    wasRevoked: async (key, owner) => records.wasRevoked(key, owner),
    resize: async (key, from, to) => records.resize(key, from, to),
    values: {
      live: false,
      get: async (key, exactly) => records.values.get(key, exactly),
      set: async (key, value) => records.values.set(key, value),
      delete: async (key) => records.values.delete(key),
    },
    close: async () => records.close(),
  }
}

export function syncClientOf(records: Reference): SyncStore {
  function release(key: string, owner: string): boolean
  function release(key: string, owner: string, next: AcquireRequest): Handoff
  function release(key: string, owner: string, next?: AcquireRequest): boolean | Handoff {
    return next === undefined ? records.release(key, owner) : records.handOver(key, owner, next)
  }
  return {
    name: 'reference',
    capabilities: processCapabilities,
    acquire: (request) => records.acquire(request),
    acquireAll: (requests) => records.acquireAll(requests),
    renew: (key, owner, ttlMs) => records.renew(key, owner, ttlMs),
    release,
    inspect: (key) => records.inspect(key),
    list: (prefix, limit, cursor) => records.list(prefix, limit, cursor),
    forceRelease: (key) => records.forceRelease(key),
    wasRevoked: (key, owner) => records.wasRevoked(key, owner),
    resize: (key, from, to) => records.resize(key, from, to),
    values: {
      live: true,
      get: (key) => records.values.liveOne(key),
      set: (key, value) => records.values.set(key, value),
      delete: (key) => records.values.delete(key),
    },
    onNotice: (listener) => {
      // Two subscriptions of one function are two.
      const own: NoticeListener = (notice) => listener(notice)
      records.listeners.add(own)
      return () => void records.listeners.delete(own)
    },
    close: () => records.close(),
  }
}
