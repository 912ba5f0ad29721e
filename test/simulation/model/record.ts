import type { Wish } from './call.js'
import type { Value } from './values.js'

/** A hold of a key with limit 1: a string in Redis. */
export interface Mutex {
  readonly owner: string
  readonly token: number
  readonly tail: string
  endsMs: number
  /** A newline behind the record: somebody may wait. */
  marked: boolean
}

export interface PoolHold {
  readonly owner: string
  readonly token: number
  permits: number
  readonly tail: string
  endsMs: number
}

/** The holds of a key with a larger limit: a hash and a sorted set in Redis. */
export interface Pool {
  limit: number
  readonly holds: Map<string, PoolHold>
  endsMs: number
}

/** Somebody who waits. */
export interface Place {
  readonly owner: string
  readonly arrival: number
  wish: Wish
  endsMs: number
  /** Its process was subscribed at this server when it asked last. */
  heard: boolean
}

/** All that stands in Redis for one key. */
export class LockRecord {
  mutex: Mutex | undefined = undefined
  pool: Pool | undefined = undefined
  /** In order of arrival. */
  places: Place[] = []
  placesEndMs = 0
  token: { last: number; endsMs: number; marked: boolean } | undefined = undefined
  revoked = new Map<string, number>()
  revokedEndsMs = 0
  /** What `cached` keeps. */
  value: Value | undefined = undefined

  /** Forgets what Redis has expired by now. A key ends one millisecond after the last one it lives in. */
  expire(nowMs: number): void {
    if (this.mutex !== undefined && this.mutex.endsMs < nowMs) this.mutex = undefined
    if (this.pool !== undefined && this.pool.endsMs < nowMs) this.pool = undefined
    if (this.places.length > 0 && this.placesEndMs < nowMs) this.places = []
    if (this.token !== undefined && this.token.endsMs < nowMs) this.token = undefined
    if (this.revoked.size > 0 && this.revokedEndsMs < nowMs) this.revoked.clear()
    if (this.value !== undefined && this.value.endsMs < nowMs) this.value = undefined
  }

  /** Who holds now. */
  holders(nowMs: number): { owner: string; token: number; permits: number; endsMs: number }[] {
    this.expire(nowMs)
    if (this.mutex !== undefined) return [{ ...this.mutex, permits: 1 }]
    return [...(this.pool?.holds.values() ?? [])].filter(({ endsMs }) => endsMs >= nowMs)
  }

  isHeld(nowMs: number): boolean {
    return this.mutex !== undefined ? this.mutex.endsMs >= nowMs : this.holders(nowMs).length > 0
  }

  copy(): LockRecord {
    const copy = new LockRecord()
    if (this.mutex !== undefined) copy.mutex = { ...this.mutex }
    if (this.pool !== undefined) {
      const { limit, endsMs, holds } = this.pool
      copy.pool = { limit, endsMs, holds: new Map([...holds].map(([owner, hold]) => [owner, { ...hold }])) }
    }
    copy.places = this.places.map((place) => ({ ...place }))
    copy.placesEndMs = this.placesEndMs
    if (this.token !== undefined) copy.token = { ...this.token }
    copy.revoked = new Map(this.revoked)
    copy.revokedEndsMs = this.revokedEndsMs
    copy.value = this.value
    return copy
  }
}
