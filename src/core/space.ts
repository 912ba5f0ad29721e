import { tellClosing } from './closing.js'
import type { Env } from './env.js'
import { InvalidOptionError } from './errors.js'
import type { Hold } from './hold.js'
import { asHoldfastError, limited } from './limited.js'
import { failureRetryMs, heartbeatMs, localTurns } from './plan.js'
import { printable } from './printable.js'
import { Pulse } from './pulse.js'
import { Holds } from './holds.js'
import type { LocalLine } from './local-line.js'
import { release } from './release.js'
import type { AcquireRequest, AnyStore, Notice, SyncStore } from './store.js'
import { isPassable, leaseMs, type Terms } from './terms.js'
import { type Logger, trace } from './trace.js'

/** The identity of one request. Given up, it must not come to hold any more. */
export interface Seat {
  readonly owner: string
  abandoned: boolean
}

/** The last place of an owner's number: a letter is had at once, the text of a new number takes 20 ns. */
const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

interface Queueing {
  readonly queueMs: number
  readonly again: boolean
}

const noQueue: Queueing = { queueMs: 0, again: false }

/** A background release is tried this often: after a lost reply the store usually answers again soon, else the ttl cleans up. */
const mostCleanups = 6

/** What one instance keeps about one store: who holds, who waits. */
export class Space {
  readonly env: Env
  readonly store: AnyStore
  /** The store when it answers without promises. */
  readonly syncStore: SyncStore | undefined
  /** The store is memory of this process: it answers at once, and its replies cannot get lost. */
  readonly local: boolean
  readonly logger: Logger | undefined
  /** Local waiters by store key. */
  readonly gates: Map<string, LocalLine> = new Map<string, LocalLine>()
  readonly holds: Holds<Hold> = new Holds<Hold>()
  /** When those in the store's queue ask again. */
  readonly pulse: Pulse
  /** Holds by store key, where a call of the store is dear enough to know that the holder is one of ours. */
  readonly held: Map<string, Hold> = new Map<string, Hold>()
  closed = false
  readonly #id: string
  #serial = 0
  #block = ''
  readonly #unsubscribe: (() => void) | undefined
  #underWay = 0
  #whenIdle: (() => void) | undefined = undefined

  constructor(env: Env, store: AnyStore, logger: Logger | undefined) {
    this.env = env
    this.store = store
    this.syncStore = isSync(store) ? store : undefined
    this.local = this.syncStore !== undefined && store.capabilities.scope === 'process'
    this.logger = logger
    this.pulse = new Pulse(env, heartbeatMs(store.capabilities.scope))
    this.#id = `${env.randomId()}.`
    this.#unsubscribe = store.onNotice?.((notice) => {
      this.#heed(notice)
    })
  }

  newSeat(): Seat {
    return { owner: this.newOwner(), abandoned: false }
  }

  /** @throws InvalidOptionError when the instance was closed */
  newOwner(): string {
    if (this.closed) throw closedError()
    const place = this.#serial++ % letters.length
    if (place === 0) this.#block = `${this.#id}${String(this.#serial)}`
    return this.#block + letters.charAt(place)
  }

  /** `since`: the wall clock. */
  requestOf(terms: Terms, owner: string, since: number, { queueMs, again }: Queueing = noQueue): AcquireRequest {
    const { storeKey, limit, permits, label, expireMs, adopts } = terms
    const { env } = this
    const holder = { host: env.host, pid: env.pid, label, since, expireMs }
    const turns = queueMs > 0 ? this.turnsOf(terms) : 0
    const ttlMs = leaseMs(terms)
    const limitMs = terms.storeTimeoutMs
    return { key: storeKey, owner, ttlMs, limit, permits, queueMs, turns, again, limitMs, adopts, holder }
  }

  /** How many hand-overs within the process a hold of these terms may serve. */
  turnsOf(terms: Terms): number {
    if (this.store.selfRenewal !== undefined || !isPassable(terms)) return 0
    // where a call costs nothing, each grant of a pool can have the next token
    return this.local && terms.limit > 1 ? 0 : localTurns
  }

  /** Gives up a request whose outcome is unknown: releases it in the background, a few times, without keeping the process alive. */
  abandon(terms: Terms, seat: Seat): void {
    seat.abandoned = true
    this.cleanUp(terms, seat.owner)
  }

  /** Releases `owner` in the background; on a store that blocks, not within the call that failed. */
  cleanUp(terms: Terms, owner: string): void {
    if (this.syncStore === undefined || this.local) this.#tryRelease(terms, owner, 1)
    else this.env.setTimer(() => this.#tryRelease(terms, owner, 1), 1, false)
  }

  /** Counts a call that `close` has to wait for, until `done`. */
  begin(): void {
    this.#underWay++
  }

  done(): void {
    if (--this.#underWay === 0) this.#whenIdle?.()
  }

  warn(message: string): void {
    this.logger?.warn(printable(message))
  }

  /** Grants nothing any more, ends the waits, and tells those who hold. */
  stop(): void {
    if (this.closed) return
    this.closed = true
    for (const gate of [...this.gates.values()]) gate.close()
    for (const hold of this.holds.all()) tellClosing(hold)
  }

  /** Stops, releases holds, and listens no more. Failures to release are logged: the ttl cleans up. */
  async close(): Promise<void> {
    this.stop()
    const releases = this.holds.all().map(async (hold) => {
      try {
        await release(hold)
      } catch (error) {
        this.warn(`${asHoldfastError(error, 'release', hold.terms.key).message} (while closing)`)
      }
    })
    await Promise.all(releases)
    await this.#idle()
    this.#unsubscribe?.()
  }

  /** Until the calls that are under way have ended; each has a time limit of its own. */
  async #idle(): Promise<void> {
    if (this.#underWay === 0) return
    await new Promise<void>((resolve) => {
      this.#whenIdle = resolve
    })
  }

  #tryRelease(terms: Terms, owner: string, tries: number): void {
    const { env, store } = this
    const again = (error: unknown): void => {
      trace('holdfast:store-failed', { key: terms.key, operation: 'release', error })
      if (tries >= mostCleanups || this.closed) return
      env.setTimer(
        () => {
          if (!this.closed) this.#tryRelease(terms, owner, tries + 1)
        },
        failureRetryMs(tries + 3, env.random()),
        false,
      )
    }
    try {
      const call = store.release(terms.storeKey, owner)
      if (typeof call === 'boolean') return
      this.begin()
      limited(env, call, terms.storeTimeoutMs, 'release', false)
        .catch(again)
        .finally(() => {
          this.done()
        })
    } catch (error) {
      again(error)
    }
  }

  #heed(notice: Notice): void {
    if (notice.type === 'resync') {
      for (const hold of this.holds.all()) hold.renewNow()
      for (const gate of this.gates.values()) gate.kick()
    } else if (notice.type === 'granted') {
      this.gates.get(notice.key)?.noticed(notice.owner, notice.token)
    } else if (notice.owner.startsWith(this.#id)) {
      this.holds.find(notice.owner)?.end('LOCK_REVOKED')
    }
  }
}

/** An instance that was closed acquires nothing any more. */
export function closedError(): InvalidOptionError {
  return new InvalidOptionError('This holdfast instance was closed: create another, or call configure() again.')
}

function isSync(store: AnyStore): store is SyncStore {
  return store.capabilities.sync
}
