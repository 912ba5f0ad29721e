import type { ScriptCall, Wish } from './call.js'
import type { LockRecord, Place, PoolHold } from './record.js'

// The scripts of src/stores/redis/lua-*.ts, said once more in TypeScript, from what they do and not from how. That both
// say the same is tested against a real server, reply by reply (model.test.ts).

/** What a script finds around it. */
export interface ScriptHost {
  /** The server's clock. */
  readonly micros: number
  subscribers(channel: string): number
  publish(channel: string, text: string): void
  /** Not of Redis: for checkers. */
  granted(key: string, hold: { owner: string; token: number; permits: number; limit: number; queued: boolean }): void
}

export type Reply = number | string | null | Reply[]

const largestToken = 9007199254740990
const revokedStaysMs = 60_000

/** Runs one script on a record. */
export function runScript(record: LockRecord, call: ScriptCall, host: ScriptHost): Reply {
  return new ScriptRun(record, call, host).run()
}

class ScriptRun {
  readonly #record: LockRecord
  readonly #call: ScriptCall
  readonly #host: ScriptHost
  readonly #micros: number
  readonly #nowMs: number

  constructor(record: LockRecord, call: ScriptCall, host: ScriptHost) {
    this.#record = record
    this.#call = call
    this.#host = host
    this.#micros = Math.floor(host.micros)
    this.#nowMs = Math.floor(this.#micros / 1000)
    record.expire(this.#nowMs)
  }

  run(): Reply {
    const { name, owner, wish } = this.#call
    switch (name) {
      case 'acquireOnce':
        return wish === undefined ? null : this.#acquireOnce(wish)
      case 'acquireMutex':
        return wish === undefined ? null : this.#acquireMutex(wish)
      case 'acquirePool':
        return wish === undefined ? null : this.#acquirePool(wish)
      case 'renew':
        return this.#renew(owner)
      case 'release':
        return this.#release(owner).released
      case 'handoffMutex':
        return wish === undefined ? null : this.#handoffMutex(owner, wish)
      case 'handoffPool':
        return wish === undefined ? null : [this.#release(owner, wish.owner).released, this.#acquirePool(wish)]
      case 'inspect':
        return this.#inspect()
      case 'forceRelease':
        return this.#forceRelease()
      case 'wasRevoked':
        return (this.#record.revoked.get(owner) ?? -1) >= this.#nowMs ? 1 : 0
    }
  }

  /** null: a rare case, that acquireMutex has to look at. */
  #acquireOnce(wish: Wish): Reply {
    const record = this.#record
    const { owner, ttl, tokenTtl, turns } = wish
    if (record.mutex === undefined && record.pool === undefined) {
      const before = record.token
      if (before === undefined || (!before.marked && before.last < this.#micros)) {
        this.#setMutex(wish, this.#rememberToken(tokenTtl, turns).token, ttl, false)
        return this.#micros
      }
      before.endsMs = this.#nowMs + tokenTtl
      return null
    }
    const { mutex } = record
    if (mutex === undefined || mutex.owner === owner) return null
    return [mutex.endsMs - this.#nowMs, textOf(mutex)]
  }

  #acquireMutex(wish: Wish): Reply {
    const record = this.#record
    const { owner, ttl, tokenTtl, tail, queueMs, turns } = wish
    if (record.mutex === undefined && record.pool === undefined) {
      const { token, marked } = this.#rememberToken(tokenTtl, turns)
      if (!marked) {
        this.#setMutex(wish, token, ttl, false)
        return token
      }
      if (queueMs !== 0) this.#stand(wish)
      this.#promote(owner)
      if (record.mutex === undefined && record.pool === undefined) return this.#grant(wish, ttl, 0).token
    }
    const { mutex } = record
    if (mutex === undefined) return ['#limit', String(record.pool?.limit)]
    const leftMs = mutex.endsMs - this.#nowMs
    const value = textOf(mutex)
    if (mutex.owner === owner) {
      if (leftMs < ttl) mutex.endsMs = this.#nowMs + ttl
      this.#keepToken(mutex.token, tokenTtl, turns)
      return mutex.token
    }
    if (queueMs === 0) return [leftMs, value]
    this.#stand({ ...wish, tail })
    this.#flag(tokenTtl, true)
    this.#head()
    return [leftMs, value, this.#rank(owner)]
  }

  #acquirePool(wish: Wish): Reply {
    const record = this.#record
    const { owner, ttl, tokenTtl, turns, queueMs, limit, permits } = wish
    if (record.mutex !== undefined) return ['#limit', '1']
    this.#drop()
    let taken = this.#taken()
    if (record.pool !== undefined && taken > 0 && record.pool.limit !== limit) {
      return ['#limit', String(record.pool.limit)]
    }
    const held = this.#own(wish)
    if (held !== undefined) return held
    taken = this.#taken()
    let full = taken + permits > limit
    if (record.places.length > 0) {
      if (queueMs !== 0) this.#stand(wish)
      this.#promote(owner)
      const promoted = this.#own(wish)
      if (promoted !== undefined) return promoted
      const used = this.#used(limit)
      full = this.#head() !== undefined || used === undefined || used + permits > limit
      taken = used ?? 0
    } else if (full && queueMs !== 0) this.#stand(wish)
    if (full) {
      if (queueMs !== 0) this.#flag(tokenTtl, false)
      const first = this.#firstToEnd()
      let leftMs = Math.max(0, (first?.endsMs ?? this.#nowMs) - this.#nowMs)
      if (permits === limit) leftMs = record.pool === undefined ? -2 : record.pool.endsMs - this.#nowMs
      const reply: Reply[] = [leftMs, first === undefined ? '' : textOf(first)]
      return queueMs === 0 ? reply : [...reply, this.#rank(owner)]
    }
    const { token } = this.#rememberToken(tokenTtl, turns)
    this.#addToPool(wish, token, ttl, taken)
    return token
  }

  /** The token of this owner's hold in the pool, its lease at least as long as asked for. */
  #own({ owner, ttl, tokenTtl, turns }: Wish): number | undefined {
    const hold = this.#record.pool?.holds.get(owner)
    if (hold === undefined || hold.endsMs < this.#nowMs) return undefined
    hold.endsMs = Math.max(hold.endsMs, this.#nowMs + ttl)
    this.#prolong()
    this.#keepToken(hold.token, tokenTtl, turns)
    return hold.token
  }

  #renew(owner: string): Reply {
    const record = this.#record
    const { ttl, tokenTtl } = this.#call
    if (record.mutex !== undefined) {
      if (record.mutex.owner !== owner) return 0
      this.#keepTokenKey(tokenTtl)
      record.mutex.endsMs = this.#nowMs + ttl
      return 1
    }
    const hold = record.pool?.holds.get(owner)
    const renewed = hold !== undefined && hold.endsMs >= this.#nowMs
    if (renewed) {
      hold.endsMs = this.#nowMs + ttl
      this.#keepTokenKey(tokenTtl)
    }
    this.#drop()
    this.#settle()
    this.#promote()
    return renewed ? 1 : 0
  }

  #release(owner: string, quiet?: string, enter?: Wish): { released: number; granted?: Granted | undefined } {
    const record = this.#record
    const { mutex } = record
    if (mutex !== undefined) {
      if (mutex.owner !== owner) return { released: this.#leave(owner) }
      if (!mutex.marked) {
        record.mutex = undefined
        return { released: 1 }
      }
      if (enter !== undefined) this.#stand(enter)
      const granted = this.#promote(quiet, true)
      if (granted === undefined) record.mutex = undefined
      return { released: 1, granted }
    }
    const hold = record.pool?.holds.get(owner)
    let released = hold !== undefined && hold.endsMs >= this.#nowMs ? 1 : 0
    if (hold !== undefined) {
      record.pool?.holds.delete(owner)
      this.#drop()
      this.#settle()
    } else released = this.#leave(owner)
    this.#promote(quiet)
    return { released }
  }

  #handoffMutex(owner: string, wish: Wish): Reply {
    const { mutex } = this.#record
    const enters = wish.queueMs !== 0 && mutex?.owner === owner && mutex.marked
    const { released, granted } = this.#release(owner, wish.owner, enters ? wish : undefined)
    if (enters && granted !== undefined && granted.owner !== wish.owner) {
      return [released, [String(granted.leaseMs), granted.text, this.#rank(wish.owner)]]
    }
    return [released, this.#acquireMutex(wish)]
  }

  #inspect(): Reply {
    const record = this.#record
    if (record.places.length > 0) {
      this.#drop()
      this.#settle()
      this.#promote()
    }
    const waiting = record.places.filter(({ endsMs }) => endsMs >= this.#nowMs)
    const names = waiting.flatMap(({ owner, wish }) => [owner, wish.tail])
    const { mutex, pool } = record
    const found: Reply[] = []
    if (mutex !== undefined) found.push(mutex.endsMs - this.#nowMs, '1', textOf(mutex))
    const holds = [...(pool?.holds.values() ?? [])].filter(({ endsMs }) => endsMs >= this.#nowMs)
    for (const hold of holds.sort(byEnd)) found.push(hold.endsMs - this.#nowMs, String(hold.permits), textOf(hold))
    if (found.length > 0) return [pool === undefined ? '1' : String(pool.limit), found, names]
    const [first] = waiting
    return first === undefined ? null : [String(first.wish.limit), found, names]
  }

  #forceRelease(): Reply {
    const record = this.#record
    const { key, wakeId } = this.#call
    const holds = record.mutex === undefined ? [...(record.pool?.holds.values() ?? [])] : [record.mutex]
    const ended = holds.filter(({ endsMs }) => endsMs >= this.#nowMs).sort(byEnd)
    record.mutex = undefined
    record.pool = undefined
    for (const [owner, ends] of [...record.revoked]) if (ends < this.#nowMs) record.revoked.delete(owner)
    const own: string[] = []
    for (const { owner, tail, endsMs } of ended) {
      record.revoked.set(owner, Math.max(endsMs, this.#nowMs + revokedStaysMs))
      if (wakeIdOf(tail) === wakeId) own.push(owner)
      else this.#host.publish(channelOf(tail), `revoked\n${owner}\n${key}`)
    }
    if (record.revoked.size > 0) record.revokedEndsMs = Math.max(...record.revoked.values())
    this.#promote()
    return [ended.length > 0 ? 1 : 0, ...own]
  }

  // ---- the queue

  #stand(wish: Wish): void {
    const { places } = this.#record
    const { owner, queueMs, tail } = wish
    const endsMs = this.#nowMs + queueMs
    const heard = this.#host.subscribers(channelOf(tail)) > 0
    const place = places.find((other) => other.owner === owner)
    if (places.length === 0) this.#record.placesEndMs = 0
    if (place === undefined) {
      const arrival = Math.max(this.#micros, (places.at(-1)?.arrival ?? 0) + 1)
      places.push({ owner, arrival, wish, endsMs, heard })
    } else Object.assign(place, { wish, endsMs, heard })
    if (this.#record.placesEndMs - this.#nowMs < queueMs) this.#record.placesEndMs = this.#nowMs + 2 * queueMs
  }

  #leave(owner: string): number {
    const { places } = this.#record
    const at = places.findIndex((place) => place.owner === owner)
    if (at === -1) return 0
    places.splice(at, 1)
    return 1
  }

  #head(): Place | undefined {
    const { places } = this.#record
    for (let first = places[0]; first !== undefined; first = places[0]) {
      if (first.endsMs >= this.#nowMs) return first
      places.shift()
    }
    return undefined
  }

  #rank(owner: string): number {
    return this.#record.places.findIndex((place) => place.owner === owner)
  }

  /** Tells those who release, or find the key free, that somebody waits. */
  #flag(tokenTtl: number, mutexToo: boolean): void {
    const { mutex } = this.#record
    if (mutexToo && mutex?.marked === true) return
    if (mutexToo && mutex !== undefined) mutex.marked = true
    if (this.#record.token === undefined) {
      this.#record.token = { last: this.#micros, endsMs: this.#nowMs + tokenTtl, marked: true }
    } else this.#record.token.marked = true
  }

  #promote(quiet?: string, freed = false): Granted | undefined {
    let granted: Granted | undefined
    let isFree = freed
    for (;;) {
      const head = this.#head()
      if (head === undefined) return granted
      const { owner, wish, heard } = head
      const { limit, permits, queueMs, ttl, tail } = wish
      const taken = isFree ? 0 : this.#used(limit)
      if (taken === undefined || taken + permits > limit) return granted
      this.#leave(owner)
      if (owner !== quiet && heard && this.#host.subscribers(channelOf(tail)) === 0) continue
      isFree = false
      granted = this.#grant(wish, Math.min(queueMs, ttl), taken)
      if (owner !== quiet) {
        this.#host.publish(channelOf(tail), `granted\n${owner}\n${granted.token}\n${this.#call.key}`)
      }
      if (limit === 1) return granted
    }
  }

  // ---- holds

  /** How many permits are taken; undefined: the key is held otherwise. */
  #used(limit: number): number | undefined {
    const { mutex, pool } = this.#record
    if (mutex !== undefined) return undefined
    const taken = this.#taken()
    return pool === undefined || taken <= 0 || pool.limit === limit ? taken : undefined
  }

  #taken(): number {
    let taken = 0
    for (const { permits } of this.#record.pool?.holds.values() ?? []) taken += permits
    return taken
  }

  #grant(wish: Wish, leaseMs: number, taken: number): Granted {
    const { owner, tail, limit, turns, tokenTtl } = wish
    const marked = this.#record.places.length > 0
    const token = this.#nextToken(tokenTtl, turns, marked)
    if (limit === 1) this.#setMutex(wish, token, leaseMs, marked)
    else this.#addToPool(wish, token, leaseMs, taken)
    return { owner, token, leaseMs, text: `${owner}\n${token}\n${tail}` }
  }

  #setMutex({ owner, tail, limit }: Wish, token: number, leaseMs: number, marked: boolean): void {
    this.#record.pool = undefined
    this.#record.mutex = { owner, token, tail, endsMs: this.#nowMs + leaseMs, marked }
    this.#host.granted(this.#call.key, { owner, token, permits: 1, limit, queued: this.#call.wish?.owner !== owner })
  }

  #addToPool({ owner, tail, limit, permits }: Wish, token: number, leaseMs: number, taken: number): void {
    const record = this.#record
    if (taken <= 0 || record.pool === undefined) record.pool = { limit, holds: new Map<string, PoolHold>(), endsMs: 0 }
    record.pool.limit = limit
    record.pool.holds.set(owner, { owner, token, permits, tail, endsMs: this.#nowMs + leaseMs })
    this.#prolong()
    this.#host.granted(this.#call.key, { owner, token, permits, limit, queued: this.#call.wish?.owner !== owner })
  }

  #firstToEnd(): PoolHold | undefined {
    return [...(this.#record.pool?.holds.values() ?? [])].sort(byEnd)[0]
  }

  /** Drops those whose lease is over. */
  #drop(): void {
    for (const [owner, { endsMs }] of this.#record.pool?.holds ?? []) {
      if (endsMs < this.#nowMs) this.#record.pool?.holds.delete(owner)
    }
  }

  #settle(): void {
    if (this.#taken() <= 0) this.#record.pool = undefined
    else this.#prolong()
  }

  #prolong(): void {
    const { pool } = this.#record
    if (pool !== undefined && pool.holds.size > 0) {
      pool.endsMs = Math.max(...[...pool.holds.values()].map(({ endsMs }) => endsMs))
    }
  }

  // ---- tokens

  /** The clock in µs, or last + 1 where it is behind; `marked`: the last one said that somebody may wait. */
  #rememberToken(tokenTtl: number, turns: number): { token: number; marked: boolean } {
    const before = this.#record.token
    const token = this.#tokenAfter(before?.last, turns)
    this.#record.token = { last: token + turns, endsMs: this.#nowMs + tokenTtl, marked: false }
    return { token, marked: before?.marked ?? false }
  }

  #nextToken(tokenTtl: number, turns: number, marked: boolean): number {
    const token = this.#tokenAfter(this.#record.token?.last, turns)
    this.#record.token = { last: token + turns, endsMs: this.#nowMs + tokenTtl, marked }
    return token
  }

  #tokenAfter(last: number | undefined, turns: number): number {
    const isBehind = last !== undefined && last >= this.#micros && last + turns < largestToken
    return isBehind ? last + 1 : this.#micros
  }

  #keepTokenKey(tokenTtl: number): void {
    if (this.#record.token !== undefined) this.#record.token.endsMs = this.#nowMs + tokenTtl
  }

  #keepToken(token: number, tokenTtl: number, turns: number): void {
    this.#keepTokenKey(tokenTtl)
    if ((this.#record.token?.last ?? 0) >= token + turns) return
    const marked = this.#record.token?.marked ?? false
    this.#record.token = { last: token + turns, endsMs: this.#nowMs + tokenTtl, marked }
  }
}

interface Granted {
  readonly owner: string
  readonly token: number
  readonly leaseMs: number
  readonly text: string
}

function textOf({
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

function wakeIdOf(tail: string): string {
  const end = tail.indexOf('\n')
  return end === -1 ? tail : tail.slice(0, end)
}

function channelOf(tail: string): string {
  return `holdfast:${wakeIdOf(tail)}`
}

function byEnd(a: { endsMs: number }, b: { endsMs: number }): number {
  return a.endsMs - b.endsMs
}
