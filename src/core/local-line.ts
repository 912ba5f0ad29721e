import type { Handed } from './handed.js'
import { longestMs } from './duration.js'
import { betweenMs, type Mark, markOf, type Timer } from './env.js'
import { LockTimeoutError, TooManyWaitersError } from './errors.js'
import { Hold } from './hold.js'
import { queueMs, trustedMs } from './plan.js'
import { Fifo } from './queue.js'
import { heldBy } from './refusal.js'
import { closedError, type Seat, type Space } from './space.js'
import type { HolderInfo, Refused } from './store.js'
import { isTimed, leaseMs, type Terms, type Waiting } from './terms.js'
import { trace, traced } from './trace.js'
import { type Line, Waiter } from './waiter.js'

/** A chain of promise jobs starves the event loop: 32 hand-overs take some 20 µs. */
const handoversInARow = 32

/** What the store granted to one of our requests. `noticed`: of its own accord; `mark` is the last time that we asked. */
export interface SeatGrant {
  readonly token: number
  readonly mark: Mark
  readonly noticed: boolean
  /** How many hand-overs it may serve. Default: as many as its terms allow. */
  readonly turns?: number
}

/** Who waits for one key in this process, in order of arrival. How they ask the store is the matter of each kind. */
export abstract class LocalLine implements Line {
  protected readonly space: Space
  protected readonly storeKey: string
  readonly waiters: Fifo<Waiter> = new Fifo<Waiter>()
  /** What the store refused last. */
  protected refusal: Refused | undefined = undefined
  #keepAlive: Timer | undefined = undefined
  #handovers = 0

  constructor(space: Space, storeKey: string) {
    this.space = space
    this.storeKey = storeKey
    space.gates.set(storeKey, this)
  }

  /** Waits in line for a hold. @throws LockTimeoutError, TooManyWaitersError, StoreError, or the signal's reason */
  enter<T>(terms: Terms, waiting: Waiting, take: (hold: Hold) => T): Promise<T> {
    if (this.waiters.size >= terms.maxWaiters) return Promise.reject(this.#crowded(terms, waiting))
    return new Promise((resolve, reject) => {
      const waiter = new Waiter(this.space.env, terms, waiting, { take, resolve, reject })
      this.waiters.push(waiter)
      waiter.heed(waiting.signal, this)
      this.entered(waiter)
    })
  }

  abstract timedOut(waiter: Waiter): void
  /** Takes a waiter out of the line. */
  abstract cancelled(waiter: Waiter, reason: unknown): void
  /** Something may have changed: ask the store at once instead of at the next heartbeat. */
  abstract kick(): void
  /** A hold of this process came free at the store. */
  abstract freed(): void
  /** The store granted a request of ours of its own accord. */
  abstract noticed(owner: string, token: number): void
  /** Gives a hold that is being released to the first in line, without a call of the store. false: not allowed, or nobody waits. */
  abstract passOn(hold: Hold): boolean
  /** A request of ours, to travel with the release of a hold of these terms; undefined: nobody to bring along. */
  abstract handOver(released: Terms): Handed | undefined

  /** Who waits here, in order, and by which owners the store knows of some of them. */
  waiting(): { contenders: readonly string[]; waiters: HolderInfo[] } {
    const { env } = this.space
    const waiters: HolderInfo[] = []
    for (let waiter = this.waiters.first; waiter !== undefined; waiter = waiter.after) {
      const since = Math.ceil(env.wallMs() - (env.nowMs() - waiter.sinceMs)) // the wall clock counts whole milliseconds
      waiters.push({ host: env.host, pid: env.pid, label: waiter.terms.label, since })
    }
    return { contenders: this.contenders(), waiters }
  }

  close(): void {
    this.refuseAll(closedError())
  }

  protected abstract entered(waiter: Waiter): void
  protected abstract contenders(): readonly string[]
  /** Gives up what was asked for at the store: nobody waits any more. */
  protected abstract leave(terms: Terms): void
  /** Nobody waits any more: no timer may be left. */
  protected abstract rest(): void

  /** Its time is over. A store that fails says nothing about who holds. */
  protected giveUp(waiter: Waiter, failure: Error | undefined): void {
    const waitedMs = this.space.env.nowMs() - waiter.sinceMs
    const error = new LockTimeoutError(waiter.terms.key, heldBy(this.refusal?.holder), waitedMs)
    if (failure === undefined && !waiter.quiet) this.space.warn(error.message)
    this.cancelled(waiter, failure ?? error)
  }

  /** The hold that a grant makes for a waiter; undefined: it is too old to be of use. */
  protected holdFor({ terms }: Waiter, { owner }: Seat, grant: SeatGrant): Hold | undefined {
    const { token, mark, noticed, turns = this.space.turnsOf(terms) } = grant
    const { env, store } = this.space
    const { scope } = store.capabilities
    const wantedMs = leaseMs(terms)
    const grantedMs = noticed && wantedMs !== null ? Math.min(wantedMs, queueMs(scope)) : wantedMs
    const now = markOf(env)
    if (grantedMs !== null && trustedMs(grantedMs, scope) - betweenMs(mark, now) < grantedMs / 2) return undefined
    const start = isTimed(terms) ? { mark, leaseMs: grantedMs, since: noticed ? now : mark, now } : undefined
    return new Hold(this.space, terms, owner, { token, start, turns })
  }

  /** A wait that begins in earnest: it has an end, and keeps the process alive, longer than anybody waits. */
  protected stay(waiter: Waiter): void {
    this.#keepAlive ??= this.space.env.setTimer(() => undefined, longestMs, true)
    waiter.startClock(this.space.env, this)
    if (waiter.looks !== undefined) this.space.watch?.(waiter)
  }

  /** Hand-overs are promise jobs: now and then one waits until I/O and timers had their turn. */
  protected give(waiter: Waiter, hold: Hold): void {
    this.remove(waiter)
    if (traced('holdfast:acquired')) {
      const waitedMs = this.space.env.nowMs() - waiter.sinceMs
      trace('holdfast:acquired', { key: waiter.terms.key, token: hold.token, waitedMs })
    }
    if (++this.#handovers % handoversInARow > 0) {
      waiter.grant(hold)
      return
    }
    waiter.stop()
    this.space.env.setImmediate(() => {
      waiter.grant(hold)
    })
  }

  #crowded({ key }: Terms, { quiet }: Waiting): TooManyWaitersError {
    const error = new TooManyWaitersError(key, heldBy(this.refusal?.holder), this.waiters.size)
    if (quiet !== true) this.space.warn(error.message)
    return error
  }

  protected refuseAll(reason: Error): void {
    const all: Waiter[] = []
    for (let waiter = this.waiters.first; waiter !== undefined; waiter = this.waiters.first) {
      this.remove(waiter)
      all.push(waiter)
    }
    const [first] = all
    if (first !== undefined) this.leave(first.terms)
    for (const waiter of all) waiter.refuse(reason)
  }

  protected remove(waiter: Waiter): void {
    this.waiters.remove(waiter)
    if (this.waiters.size > 0) return
    this.#keepAlive?.clear()
    this.rest()
    this.space.gates.delete(this.storeKey)
  }
}
