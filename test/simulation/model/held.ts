import type { ScriptCall, Wish } from './call.js'
import type { LockRecord, Place, PoolHold } from './record.js'

/** What a script finds around it. */
export interface ScriptHost {
  /** The server's clock. */
  readonly micros: number
  subscribers(channel: string): number
  publish(channel: string, text: string): void
  /** Not of Redis: for checkers. */
  granted(key: string, hold: { owner: string; token: number; permits: number; limit: number; queued: boolean }): void
}

const largestToken = 9007199254740990

/** What the scripts are made of: places in the queue, holds, tokens. */
export class Held {
  protected readonly record: LockRecord
  protected readonly call: ScriptCall
  protected readonly micros: number
  protected readonly nowMs: number
  protected readonly host: ScriptHost

  constructor(record: LockRecord, call: ScriptCall, host: ScriptHost) {
    this.record = record
    this.call = call
    this.host = host
    this.micros = Math.floor(host.micros)
    this.nowMs = Math.floor(this.micros / 1000)
    record.expire(this.nowMs)
  }

  // ---- the queue

  /** How many are before it. */
  protected stand(wish: Wish): number {
    const { places } = this.record
    if (places.length === 0) this.record.placesEndMs = 0
    if (this.keep(wish)) {
      this.outlast(wish.queueMs)
      this.head()
      return this.rank(wish.owner)
    }
    const { owner, queueMs } = wish
    const arrival = Math.max(this.micros, (places.at(-1)?.arrival ?? 0) + 1)
    places.push({ owner, arrival, wish, endsMs: this.nowMs + queueMs, heard: this.isHeard(wish) })
    const before = places.length - 1
    if (before === 0 || this.record.placesEndMs + 1 - this.nowMs < 10_000 + queueMs) this.outlast(queueMs)
    return before
  }

  /** Renews a place; false: there is none. */
  protected keep(wish: Wish): boolean {
    const place = this.record.places.find(({ owner }) => owner === wish.owner)
    if (place === undefined) return false
    Object.assign(place, { wish, endsMs: this.nowMs + wish.queueMs, heard: this.isHeard(wish) })
    return true
  }

  protected outlast(queueMs: number): void {
    this.record.placesEndMs = this.nowMs + 10_000 + 2 * queueMs
  }

  protected isHeard({ heard, tail }: Wish): boolean {
    return heard || this.host.subscribers(channelOf(tail)) > 0
  }

  protected leave(owner: string): number {
    const { places } = this.record
    const at = places.findIndex((place) => place.owner === owner)
    if (at === -1) return 0
    places.splice(at, 1)
    return 1
  }

  protected head(): Place | undefined {
    const { places } = this.record
    for (let first = places[0]; first !== undefined; first = places[0]) {
      if (first.endsMs >= this.nowMs) return first
      places.shift()
    }
    return undefined
  }

  protected rank(owner: string): number {
    return this.record.places.findIndex((place) => place.owner === owner)
  }

  /** Tells those who release, or find the key free, that somebody waits. */
  protected flag(tokenTtl: number, mutexToo: boolean): void {
    const { mutex } = this.record
    if (mutexToo && mutex?.marked === true) return
    if (mutexToo && mutex !== undefined) mutex.marked = true
    if (this.record.token === undefined) {
      this.record.token = { last: this.micros, endsMs: this.nowMs + tokenTtl, marked: true }
    } else this.record.token.marked = true
  }

  protected promote(quiet?: string, freed = false): Granted | undefined {
    let granted: Granted | undefined
    let isFree = freed
    for (;;) {
      const head = this.head()
      if (head === undefined) return granted
      const { owner, wish, heard } = head
      const { limit, permits, queueMs, ttl, tail } = wish
      const taken = isFree ? 0 : this.used(limit)
      if (taken === undefined || taken + permits > limit) return granted
      this.leave(owner)
      const marked = owner !== quiet || this.record.places.length > 0
      if (owner !== quiet && heard && this.host.subscribers(channelOf(tail)) === 0) {
        this.nextToken(wish.tokenTtl, wish.turns, marked)
        this.record.mutex = undefined
        if (limit > 1) this.settle()
        continue
      }
      isFree = false
      granted = this.grant(wish, { leaseMs: Math.min(queueMs, ttl), taken, marked })
      if (owner !== quiet) {
        this.host.publish(channelOf(tail), `granted\n${owner}\n${granted.token}\n${this.call.key}`)
      }
      if (limit === 1 || taken + permits >= limit) return granted
    }
  }

  // ---- holds

  /** How many permits are taken; undefined: the key is held otherwise. */
  protected used(limit: number): number | undefined {
    const { mutex, pool } = this.record
    if (mutex !== undefined) return undefined
    const taken = this.taken()
    return pool === undefined || taken <= 0 || pool.limit === limit ? taken : undefined
  }

  protected taken(): number {
    let taken = 0
    for (const { permits } of this.record.pool?.holds.values() ?? []) taken += permits
    return taken
  }

  protected grant(
    wish: Wish,
    { leaseMs, taken, marked }: { leaseMs: number; taken: number; marked: boolean },
  ): Granted {
    const { owner, tail, limit, turns, tokenTtl } = wish
    const token = this.nextToken(tokenTtl, turns, marked)
    if (limit === 1) this.setMutex(wish, token, leaseMs, marked)
    else this.addToPool(wish, token, leaseMs, taken)
    return { owner, token, leaseMs, text: `${owner}\n${token}\n${tail}` }
  }

  protected setMutex({ owner, tail, limit }: Wish, token: number, leaseMs: number, marked: boolean): void {
    this.record.pool = undefined
    this.record.mutex = { owner, token, tail, endsMs: this.nowMs + leaseMs, marked }
    this.host.granted(this.call.key, { owner, token, permits: 1, limit, queued: this.call.wish?.owner !== owner })
  }

  protected addToPool({ owner, tail, limit, permits }: Wish, token: number, leaseMs: number, taken: number): void {
    const record = this.record
    if (taken <= 0 || record.pool === undefined) record.pool = { limit, holds: new Map<string, PoolHold>(), endsMs: 0 }
    record.pool.limit = limit
    record.pool.holds.set(owner, { owner, token, permits, tail, endsMs: this.nowMs + leaseMs })
    this.prolong()
    this.host.granted(this.call.key, { owner, token, permits, limit, queued: this.call.wish?.owner !== owner })
  }

  protected firstToEnd(): PoolHold | undefined {
    return [...(this.record.pool?.holds.values() ?? [])].sort(byEnd)[0]
  }

  /** Drops those whose lease is over. */
  protected drop(): void {
    for (const [owner, { endsMs }] of this.record.pool?.holds ?? []) {
      if (endsMs < this.nowMs) this.record.pool?.holds.delete(owner)
    }
  }

  protected settle(): void {
    if (this.taken() <= 0) this.record.pool = undefined
    else this.prolong()
  }

  protected prolong(): void {
    const { pool } = this.record
    if (pool !== undefined && pool.holds.size > 0) {
      pool.endsMs = Math.max(...[...pool.holds.values()].map(({ endsMs }) => endsMs))
    }
  }

  // ---- tokens

  /** The clock in µs, or last + 1 where it is behind; `marked`: the last one said that somebody may wait. */
  protected rememberToken(tokenTtl: number, turns: number): { token: number; marked: boolean } {
    const before = this.record.token
    const token = this.tokenAfter(before?.last, turns)
    this.record.token = { last: token + turns, endsMs: this.nowMs + tokenTtl, marked: false }
    return { token, marked: before?.marked ?? false }
  }

  protected nextToken(tokenTtl: number, turns: number, marked: boolean): number {
    const token = this.tokenAfter(this.record.token?.last, turns)
    this.record.token = { last: token + turns, endsMs: this.nowMs + tokenTtl, marked }
    return token
  }

  protected tokenAfter(last: number | undefined, turns: number): number {
    const isBehind = last !== undefined && last >= this.micros && last + turns < largestToken
    return isBehind ? last + 1 : this.micros
  }

  protected keepTokenKey(tokenTtl: number): void {
    if (this.record.token !== undefined) this.record.token.endsMs = this.nowMs + tokenTtl
  }

  protected keepToken(token: number, tokenTtl: number, turns: number): void {
    this.keepTokenKey(tokenTtl)
    if ((this.record.token?.last ?? 0) >= token + turns) return
    const marked = this.record.token?.marked ?? false
    this.record.token = { last: token + turns, endsMs: this.nowMs + tokenTtl, marked }
  }
}

export interface Granted {
  readonly owner: string
  readonly token: number
  readonly leaseMs: number
  readonly text: string
}

export function textOf({
  owner,
  token,
  tail,
  ...rest
}: {
  owner: string
  token: number
  tail: string
  marked?: boolean
}): string {
  return `${owner}\n${token}\n${tail}${rest.marked === true ? '\n' : ''}`
}

export function wakeIdOf(tail: string): string {
  const end = tail.indexOf('\n')
  return end === -1 ? tail : tail.slice(0, end)
}

export function channelOf(tail: string): string {
  return `holdfast:${wakeIdOf(tail)}`
}

export function byEnd(a: { endsMs: number }, b: { endsMs: number }): number {
  return a.endsMs - b.endsMs
}
