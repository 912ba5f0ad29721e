import type { ScriptCall, Wish } from './call.js'
import { byEnd, channelOf, type Granted, Held, type ScriptHost, textOf, wakeIdOf } from './held.js'
import type { LockRecord } from './record.js'
import { runValueScript } from './values.js'

// The scripts of src/stores/redis/lua-*.ts, said once more in TypeScript, from what they do and not from how. That both
// say the same is tested against a real server, reply by reply (model.test.ts).

export type Reply = number | string | null | Reply[]

const revokedStaysMs = 60_000

/** Runs one script on a record. */
export function runScript(record: LockRecord, call: ScriptCall, host: ScriptHost): Reply {
  return new ScriptRun(record, call, host).run()
}

class ScriptRun extends Held {
  run(): Reply {
    const { name, owner, wish } = this.call
    switch (name) {
      case 'acquireOnce':
        return wish === undefined ? null : this.#acquireOnce(wish)
      case 'acquireMutex':
        return wish === undefined ? null : this.#acquireMutex(wish)
      case 'acquireAll':
        return wish === undefined ? null : this.#obstacleTo(wish)
      case 'acquirePool':
        return wish === undefined ? null : this.#acquirePool(wish)
      case 'adoptMutex':
        return wish === undefined ? null : this.#adoptMutex(wish)
      case 'adoptPool':
        return wish === undefined ? null : this.#adoptPool(wish)
      case 'acquireTogether':
        return wish === undefined ? null : this.#acquireTogether(wish)
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
        return (this.record.revoked.get(owner) ?? -1) >= this.nowMs ? 1 : 0
      case 'getValue':
      case 'setValue':
      case 'deleteValue':
        return runValueScript(this.record, this.call, this.micros)
      case 'resize':
        throw new Error('no program of the model resizes a pool')
    }
  }

  /** null: a rare case, that acquireMutex has to look at. */
  #acquireOnce(wish: Wish): Reply {
    const record = this.record
    const { owner, ttl, tokenTtl, turns } = wish
    if (record.mutex === undefined && record.pool === undefined) {
      const before = record.token
      if (before === undefined || (!before.marked && before.last < this.micros)) {
        this.setMutex(wish, this.rememberToken(tokenTtl, turns).token, ttl, false)
        return this.micros
      }
      before.endsMs = this.nowMs + tokenTtl
      return null
    }
    const { mutex } = record
    if (mutex === undefined || mutex.owner === owner) return null
    return [mutex.endsMs - this.nowMs, textOf(mutex)]
  }

  #acquireMutex(wish: Wish): Reply {
    const record = this.record
    const { owner, ttl, tokenTtl, queueMs, turns } = wish
    if (record.mutex === undefined && record.pool === undefined) {
      const { token, marked } = this.rememberToken(tokenTtl, turns)
      if (!marked) {
        this.setMutex(wish, token, ttl, false)
        return token
      }
      if (record.places.length > 0) {
        if (queueMs !== 0) this.stand(wish)
        this.promote(owner)
      }
      if (record.mutex === undefined && record.pool === undefined) {
        return this.grant(wish, { leaseMs: ttl, taken: 0, marked: false }).token
      }
    }
    const { mutex } = record
    if (mutex === undefined) return ['#limit', String(record.pool?.limit)]
    const leftMs = mutex.endsMs - this.nowMs
    const value = textOf(mutex)
    if (mutex.owner === owner) {
      if (leftMs < ttl) mutex.endsMs = this.nowMs + ttl
      this.keepToken(mutex.token, tokenTtl, turns)
      return mutex.token
    }
    if (queueMs === 0) return [leftMs, value]
    const before = this.stand(wish)
    this.flag(tokenTtl, true)
    return [leftMs, value, before]
  }

  /** What keeps several requests from being granted together: nothing (null), who holds, or 'queue', who waits. */
  #obstacleTo({ owner }: Wish): Reply {
    const { mutex, pool, token, places } = this.record
    if (mutex?.owner === owner) return null
    if (mutex !== undefined) return [mutex.endsMs - this.nowMs, textOf(mutex)]
    if (pool !== undefined) return ['#limit', String(pool.limit)]
    return token?.marked === true && places.length > 0 ? 'queue' : null
  }

  #acquirePool(wish: Wish): Reply {
    const record = this.record
    const { owner, ttl, tokenTtl, turns, queueMs, limit, permits } = wish
    if (record.mutex !== undefined) return ['#limit', '1']
    this.drop()
    let taken = this.taken()
    if (record.pool !== undefined && taken > 0 && record.pool.limit !== limit) {
      return ['#limit', String(record.pool.limit)]
    }
    const held = this.#own(wish)
    if (held !== undefined) return held
    taken = this.taken()
    let full = taken + permits > limit
    let before: number | undefined
    if (record.places.length > 0) {
      if (queueMs !== 0) before = this.stand(wish)
      if (taken < limit) {
        this.promote(owner)
        const promoted = this.#own(wish)
        if (promoted !== undefined) return promoted
        const used = this.used(limit)
        full = this.head() !== undefined || used === undefined || used + permits > limit
        taken = used ?? 0
      }
    } else if (full && queueMs !== 0) before = this.stand(wish)
    if (full) {
      if (queueMs !== 0) this.flag(tokenTtl, false)
      const first = this.firstToEnd()
      let leftMs = Math.max(0, (first?.endsMs ?? this.nowMs) - this.nowMs)
      if (permits === limit) leftMs = record.pool === undefined ? -2 : record.pool.endsMs - this.nowMs
      const reply: Reply[] = [leftMs, first === undefined ? '' : textOf(first)]
      return before === undefined ? reply : [...reply, before]
    }
    const { token } = this.rememberToken(tokenTtl, turns)
    this.addToPool(wish, token, ttl, taken)
    return token
  }

  /** Who stands in the queue behind a holder who says so keeps its place; all others ask as ever. */
  #acquireTogether(wish: Wish): Reply {
    const { mutex } = this.record
    const { owner, limit, queueMs } = wish
    if (limit > 1) return this.#acquirePool(wish)
    const stays = queueMs > 0 && mutex?.marked === true && mutex.owner !== owner
    if (!stays || !this.keep(wish)) return this.#acquireMutex(wish)
    this.outlast(queueMs)
    return [mutex.endsMs - this.nowMs, textOf(mutex), this.rank(owner)]
  }

  #adoptMutex(wish: Wish): Reply {
    const { mutex, pool } = this.record
    const { owner, ttl, tokenTtl, turns } = wish
    if (mutex === undefined && pool === undefined) return [0, '']
    if (mutex === undefined || mutex.owner === owner) return this.#acquireMutex(wish)
    if (mutex.owner !== this.call.from) return [mutex.endsMs - this.nowMs, textOf(mutex)]
    const token = this.nextToken(tokenTtl, turns, mutex.marked)
    this.setMutex(wish, token, ttl, mutex.marked)
    return token
  }

  #adoptPool(wish: Wish): Reply {
    const { mutex, pool, places } = this.record
    const { owner, tail, limit, tokenTtl, turns } = wish
    const own = pool?.holds.get(owner)
    if (own === undefined || own.endsMs < this.nowMs) {
      const giver = pool?.holds.get(this.call.from)
      if (pool === undefined || giver === undefined || giver.endsMs < this.nowMs || pool.limit !== limit) {
        return [Math.max(0, ((mutex ?? pool)?.endsMs ?? 0) - this.nowMs), '']
      }
      const token = this.nextToken(tokenTtl, turns, places.length > 0)
      pool.holds.delete(giver.owner)
      pool.holds.set(owner, { ...giver, owner, token, tail })
      this.host.granted(this.call.key, { owner, token, permits: giver.permits, limit, queued: false })
    }
    return this.#acquirePool(wish)
  }

  /** The token of this owner's hold in the pool, its lease at least as long as asked for. */
  #own({ owner, ttl, tokenTtl, turns, permits }: Wish): number | undefined {
    const hold = this.record.pool?.holds.get(owner)
    if (hold === undefined || hold.endsMs < this.nowMs) return undefined
    hold.endsMs = Math.max(hold.endsMs, this.nowMs + ttl)
    this.prolong()
    this.keepToken(hold.token, tokenTtl, turns)
    if (permits < hold.permits) {
      hold.permits = permits
      this.promote(undefined)
    }
    return hold.token
  }

  #renew(owner: string): Reply {
    const record = this.record
    const { ttl, tokenTtl } = this.call
    if (record.mutex !== undefined) {
      if (record.mutex.owner !== owner) return 0
      this.keepTokenKey(tokenTtl)
      record.mutex.endsMs = this.nowMs + ttl
      return 1
    }
    const hold = record.pool?.holds.get(owner)
    const renewed = hold !== undefined && hold.endsMs >= this.nowMs
    if (renewed) {
      hold.endsMs = this.nowMs + ttl
      this.keepTokenKey(tokenTtl)
    }
    this.drop()
    this.settle()
    this.promote()
    return renewed ? 1 : 0
  }

  #release(
    owner: string,
    quiet?: string,
    enter?: Wish,
  ): { released: number; granted?: Granted | undefined; before?: number } {
    const record = this.record
    const { mutex } = record
    if (mutex !== undefined) {
      if (mutex.owner !== owner) return { released: this.leave(owner) }
      if (!mutex.marked) {
        record.mutex = undefined
        return { released: 1 }
      }
      const before = enter === undefined ? 0 : this.stand(enter)
      const granted = this.promote(quiet, true)
      if (granted === undefined) record.mutex = undefined
      return { released: 1, granted, before }
    }
    const hold = record.pool?.holds.get(owner)
    let released = hold !== undefined && hold.endsMs >= this.nowMs ? 1 : 0
    if (hold !== undefined) {
      record.pool?.holds.delete(owner)
      this.drop()
      this.settle()
    } else released = this.leave(owner)
    this.promote(quiet)
    return { released }
  }

  #handoffMutex(owner: string, wish: Wish): Reply {
    const { mutex } = this.record
    const enters = wish.queueMs !== 0 && mutex?.owner === owner && mutex.marked
    const { released, granted, before = 0 } = this.#release(owner, wish.owner, enters ? wish : undefined)
    if (enters && granted !== undefined && granted.owner !== wish.owner) {
      return [released, [String(granted.leaseMs), granted.text, Math.max(0, before - 1)]]
    }
    return [released, this.#acquireMutex(wish)]
  }

  #inspect(): Reply {
    const record = this.record
    if (record.places.length > 0) {
      this.drop()
      this.settle()
      this.promote()
    }
    const waiting = record.places.filter(({ endsMs }) => endsMs >= this.nowMs)
    const names = waiting.flatMap(({ owner, wish }) => [owner, wish.tail])
    const { mutex, pool } = record
    const found: Reply[] = []
    if (mutex !== undefined) found.push(mutex.endsMs - this.nowMs, '1', textOf(mutex))
    const holds = [...(pool?.holds.values() ?? [])].filter(({ endsMs }) => endsMs >= this.nowMs)
    for (const hold of holds.sort(byEnd)) found.push(hold.endsMs - this.nowMs, String(hold.permits), textOf(hold))
    if (found.length > 0) return [pool === undefined ? '1' : String(pool.limit), found, names]
    const [first] = waiting
    return first === undefined ? null : [String(first.wish.limit), found, names]
  }

  #forceRelease(): Reply {
    const record = this.record
    const { key, wakeId } = this.call
    const holds = record.mutex === undefined ? [...(record.pool?.holds.values() ?? [])] : [record.mutex]
    const ended = holds.filter(({ endsMs }) => endsMs >= this.nowMs).sort(byEnd)
    record.mutex = undefined
    record.pool = undefined
    for (const [owner, ends] of [...record.revoked]) if (ends < this.nowMs) record.revoked.delete(owner)
    const own: string[] = []
    for (const { owner, tail, endsMs } of ended) {
      record.revoked.set(owner, Math.max(endsMs, this.nowMs + revokedStaysMs))
      if (wakeIdOf(tail) === wakeId) own.push(owner)
      else this.host.publish(channelOf(tail), `revoked\n${owner}\n${key}`)
    }
    if (record.revoked.size > 0) record.revokedEndsMs = Math.max(...record.revoked.values())
    this.promote()
    return [ended.length > 0 ? 1 : 0, ...own]
  }
}
