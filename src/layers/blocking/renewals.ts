import type { Env, Timer } from '../../core/env.js'
import { limited } from '../../core/limited.js'
import { renewRetryMs, storeTimeoutMs } from '../../core/plan.js'
import type { AcquireRequest, AnyStore } from '../../core/store.js'
import { nameOf } from './messages.js'
import type { Slots } from './slots.js'

export interface RenewalsOptions {
  readonly store: AnyStore
  readonly env: Env
  readonly slots: Slots
}

export interface LeaseGrant {
  readonly request: AcquireRequest
  readonly ttlMs: number
  readonly slot: number
  /** When the request was sent. */
  readonly sentMs: number
}

interface Renewed {
  readonly key: string
  readonly owner: string
  readonly slot: number
  /** The hard limit of the hold. */
  readonly expireAtMs: number
  /** What the main thread asked for last. */
  ttlMs: number
  /** When the last request that gave or renewed the lease was sent. */
  leasedMs: number
  /** The lease lasts at least until then. */
  leaseEndMs: number
  timer: Timer | undefined
}

/**
 * Renews what is held, each at half of its lease since the last success. The main thread's own renewals come at a third:
 * as long as it is alive, these never do. Refused is final; after an unknown outcome it tries again until the lease ends.
 */
export class Renewals {
  readonly #options: RenewalsOptions
  readonly #holds = new Map<string, Renewed>()

  constructor(options: RenewalsOptions) {
    this.#options = options
  }

  begin({ request, ttlMs, slot, sentMs }: LeaseGrant): void {
    const { key, owner, holder } = request
    const name = nameOf(key, owner)
    const before = this.#holds.get(name)
    before?.timer?.clear()
    const expireAtMs = sentMs + (holder.expireMs ?? Number.POSITIVE_INFINITY)
    const hold: Renewed = {
      key,
      owner,
      slot,
      // Asked again for what it holds: the limit counts from the first grant.
      expireAtMs: Math.min(expireAtMs, before?.expireAtMs ?? Number.POSITIVE_INFINITY),
      ttlMs,
      leasedMs: sentMs,
      leaseEndMs: sentMs + ttlMs,
      timer: undefined,
    }
    this.#holds.set(name, hold)
    this.#armNext(hold)
  }

  /** A renewal that the main thread asked for came through. */
  extended(key: string, owner: string, lease: { sentMs: number; ttlMs: number }): void {
    const hold = this.#holds.get(nameOf(key, owner))
    if (hold === undefined) return
    hold.ttlMs = lease.ttlMs
    this.#extend(hold, lease.sentMs, lease.ttlMs)
  }

  stop(key: string, owner: string): void {
    const hold = this.#holds.get(nameOf(key, owner))
    if (hold !== undefined) this.#forget(hold)
  }

  #extend(hold: Renewed, sentMs: number, ttlMs: number): void {
    if (sentMs < hold.leasedMs || !this.#isCurrent(hold)) return
    hold.leasedMs = sentMs
    hold.leaseEndMs = sentMs + ttlMs
    this.#options.slots.write(hold.slot, sentMs)
    this.#armNext(hold)
  }

  #armNext(hold: Renewed): void {
    // Once the lease reaches the hard limit there is nothing left to renew.
    if (hold.leaseEndMs >= hold.expireAtMs) this.#forget(hold)
    else this.#arm(hold, hold.leasedMs + (hold.leaseEndMs - hold.leasedMs) / 2 - this.#options.env.nowMs())
  }

  #arm(hold: Renewed, delayMs: number): void {
    hold.timer?.clear()
    hold.timer = this.#options.env.setTimer(() => this.#renew(hold), Math.max(delayMs, 0), false)
  }

  #renew(hold: Renewed): void {
    const { env, store } = this.#options
    const sentMs = env.nowMs()
    const ttlMs = Math.min(hold.ttlMs, hold.expireAtMs - sentMs)
    if (sentMs >= hold.leaseEndMs || ttlMs <= 0) {
      this.#forget(hold)
      return
    }
    const call = (async () => store.renew(hold.key, hold.owner, ttlMs))()
    call.then(
      (renewed) => {
        if (renewed) this.#extend(hold, sentMs, ttlMs)
        else this.#forget(hold)
      },
      () => undefined, // told by the limited one
    )
    limited(env, call, storeTimeoutMs(hold.ttlMs), 'renew', false).catch(() => {
      if (this.#isCurrent(hold) && hold.leasedMs < sentMs) this.#arm(hold, renewRetryMs(hold.ttlMs, env.random()))
    })
  }

  #forget(hold: Renewed): void {
    hold.timer?.clear()
    if (this.#isCurrent(hold)) this.#holds.delete(nameOf(hold.key, hold.owner))
  }

  #isCurrent(hold: Renewed): boolean {
    return this.#holds.get(nameOf(hold.key, hold.owner)) === hold
  }
}
