/**
 * Reentrant locks: what runs inside a body that holds may enter, one at a time. AsyncLocalStorage tells what runs inside;
 * from its first use on, it makes every promise of the process dearer, so only reentrant locks use it (decision 0015).
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { longestMs } from '../core/duration.js'
import type { Timer } from '../core/env.js'
import { InvalidOptionError, LockTimeoutError, TooManyWaitersError } from '../core/errors.js'
import { Hold } from '../core/hold.js'
import type { Held } from '../core/lease.js'
import { Fifo } from '../core/queue.js'
import { heldBy, refusal, traceContention } from '../core/refusal.js'
import type { Space } from '../core/space.js'
import type { HolderInfo } from '../core/store.js'
import type { Terms, Waiting } from '../core/terms.js'
import { type Line, Waiter } from '../core/waiter.js'
import { Root, Share } from './share.js'

const scopes = new AsyncLocalStorage<Scope>()

/** Runs a body that holds: what is asked for in it may enter `held`. */
export function runInside<T>(held: Held, body: () => T): T {
  return scopes.run(new Scope(held, liveFrom(scopes.getStore())), body)
}

/** The innermost scope around that holds the key alone. undefined: it is to be acquired. */
export function scopeAround(space: Space, { storeKey, limit }: Terms): Scope | undefined {
  for (let scope = liveFrom(scopes.getStore()); scope !== undefined; scope = liveFrom(scope.outer)) {
    const { terms } = scope.held
    const isAlone = terms.permits === terms.limit && terms.limit === limit
    if (isAlone && scope.held.space === space && terms.storeKey === storeKey) return scope
  }
  return undefined
}

/**
 * A share of what is held around, when its turn comes; or, when that has ended meanwhile, how long it may still wait.
 * @throws LockedError, LockTimeoutError, TooManyWaitersError, or the signal's reason
 */
export async function enter(space: Space, terms: Terms, waiting: Waiting): Promise<Share | number> {
  const { env } = space
  const sinceMs = env.nowMs()
  let leftMs = waiting.waitMs
  for (let scope = scopeAround(space, terms); scope !== undefined; scope = scopeAround(space, terms)) {
    const share = scope.enter(terms) ?? (await scope.wait(terms, { ...waiting, waitMs: leftMs }))
    if (share !== undefined) return share
    leftMs = Math.max(waiting.waitMs - (env.nowMs() - sinceMs), 1)
  }
  return leftMs
}

/** As `enter`, without promises: whoever is inside cannot leave while the thread is blocked. */
export function enterSync(scope: Scope, terms: Terms, { waitMs, quiet }: Waiting): Share {
  const share = scope.enter(terms)
  if (share !== undefined) return share
  if (waitMs <= 0) throw scope.refuse(terms, quiet)
  throw new LockTimeoutError(terms.key, heldBy(scope.holder()), 0, sibling)
}

/** A hold that nobody else has a share of. @throws InvalidOptionError */
export function whole(held: Held): Hold {
  if (held instanceof Hold && held.pass === undefined) return held
  const text = `${held.terms.key} is held by several bodies inside each other (reentrant): only the outermost may downgrade it, when the others have ended.`
  throw new InvalidOptionError(text, held.terms.key)
}

const sibling =
  'Another call of the same scope is in it, and cannot leave while this thread is blocked: use acquire(), or await the other first.'

/** Dead scopes are let go: a task that starts the next one from its own scope would make a chain without end. */
function liveFrom(scope: Scope | undefined): Scope | undefined {
  let live = scope
  while (live !== undefined && !live.held.isActive()) live = live.outer
  return live
}

/** One body that holds, and what entered from it: one at a time, in order of arrival. */
export class Scope implements Line {
  readonly held: Held
  readonly outer: Scope | undefined
  readonly root: Root
  #inside: Share | undefined = undefined
  readonly #waiters = new Fifo<Waiter>()
  #keepAlive: Timer | undefined = undefined

  constructor(held: Held, outer: Scope | undefined) {
    this.held = held
    this.outer = outer
    if (held instanceof Share) {
      this.root = held.root
      held.below = this
    } else if (held instanceof Hold) this.root = new Root(held)
    else throw new TypeError('a share of another kind') // a fault of ours
  }

  get inside(): Share | undefined {
    return this.#inside
  }

  /** undefined: another is inside. */
  enter(terms: Terms): Share | undefined {
    return this.#inside === undefined ? this.#let(terms) : undefined
  }

  /** Waits for its turn; undefined: the scope has ended. @throws as `enter` */
  async wait(terms: Terms, waiting: Waiting): Promise<Share | undefined> {
    traceContention(terms, waiting.waitMs > 0)
    if (waiting.waitMs <= 0) throw this.refuse(terms, waiting.quiet)
    if (this.#waiters.size >= terms.maxWaiters) {
      throw new TooManyWaitersError(terms.key, heldBy(this.holder()), this.#waiters.size)
    }
    try {
      return await new Promise<Share>((resolve, reject) => {
        const { env } = this.held.space
        const waiter = new Waiter(env, terms, waiting, { take: () => this.#let(terms), resolve, reject })
        this.#waiters.push(waiter)
        this.#keepAlive ??= env.setTimer(() => undefined, longestMs, true)
        waiter.heed(waiting.signal, this)
        waiter.startClock(env, this)
      })
    } catch (error) {
      if (error === over) return undefined
      throw error
    }
  }

  refuse(terms: Terms, quiet: boolean | undefined): Error {
    return refusal(this.held.space, terms, this.holder(), quiet)
  }

  /** Who is inside. */
  holder(): HolderInfo | undefined {
    if (this.#inside === undefined) return undefined
    const { env } = this.held.space
    const { terms, sinceMs } = this.#inside
    return { host: env.host, pid: env.pid, label: terms.label, since: sinceMs }
  }

  timedOut(waiter: Waiter): void {
    const { space } = this.held
    const waitedMs = space.env.nowMs() - waiter.sinceMs
    const error = new LockTimeoutError(waiter.terms.key, heldBy(this.holder()), waitedMs)
    if (!waiter.quiet) space.warn(error.message)
    this.cancelled(waiter, error)
  }

  cancelled(waiter: Waiter, reason: unknown): void {
    this.#remove(waiter)
    waiter.refuse(reason)
  }

  /** Who was inside has ended, and what entered from it goes on. */
  replace(heir: Share): void {
    this.#inside = heir
  }

  /** Lets the next one in. */
  left(share: Share): void {
    if (this.#inside !== share) return
    this.#inside = undefined
    if (!this.held.isActive()) this.close()
    const next = this.#waiters.first
    if (next === undefined) {
      if (this.held instanceof Hold) this.held.pass = undefined
      return
    }
    this.#remove(next)
    next.grant(this.root.hold)
  }

  /** Nobody enters any more: who waits has to look elsewhere. */
  close(): void {
    for (let { first } = this.#waiters; first !== undefined; { first } = this.#waiters) this.cancelled(first, over)
  }

  #let(terms: Terms): Share {
    const { hold } = this.root
    if (this.held === hold) hold.pass = () => this.#pass(hold)
    this.#inside = new Share(this, terms)
    return this.#inside
  }

  /** The hold is released: whoever is still inside takes it over. */
  #pass(hold: Hold): boolean {
    const heir = this.#inside
    const passed = heir !== undefined && !hold.space.closed && this.root.pass()
    if (passed) {
      heir.above = undefined
      this.#inside = undefined
    }
    this.close()
    return passed
  }

  #remove(waiter: Waiter): void {
    this.#waiters.remove(waiter)
    if (this.#waiters.size > 0) return
    this.#keepAlive?.clear()
    this.#keepAlive = undefined
  }
}

/** Told to those who wait in a scope that ends. */
const over = new Error('the scope has ended')
