import { closingSignal } from './closing.js'
import { exportHold, exportHoldSync } from './export.js'
import type { Hold } from './hold.js'
import { asHoldfastError } from './limited.js'
import { release, releaseSync } from './release.js'
import { whyGone, whyGoneSync } from './renewal.js'

/** Made once: a promise takes 10 ns. */
const released = Promise.resolve(true)
const gone = Promise.resolve(false)

/** @internal The hold behind a lease. It knows the owner, which is never shown. */
export let holdOf: (lease: HeldLease) => Hold

/** What every lease has: it names what is held, and knows whether it still is. */
export abstract class HeldLease {
  /** Not a property: it knows the owner, which is never shown. */
  readonly #hold: Hold

  static {
    holdOf = (lease) => lease.#hold
  }

  /** @internal Leases are made by `acquire` and its kin. */
  constructor(hold: Hold) {
    this.#hold = hold
  }

  /** The user's key, without prefix. */
  get key(): string {
    return this.#hold.terms.key
  }

  /** Fencing token: grows with every grant of the key; below 2^53. Send it along with what you write. */
  get token(): number {
    return this.#hold.token
  }

  /** Is it still held? Looks at the clock first, so it is right after a stalled event loop; once false, never true again. */
  get active(): boolean {
    return this.#hold.isActive()
  }

  /** Milliseconds until it ends unless it is renewed: 0 when it ended, Infinity when nothing limits it. */
  get remainingMs(): number {
    return this.#hold.remainingMs()
  }

  /**
   * Aborts when the hold ends before its release; `signal.reason` is a LockLostError whose `code` says how. A held lease
   * keeps no process alive, so neither does waiting for this alone.
   */
  get signal(): AbortSignal {
    return this.#hold.signal()
  }

  /**
   * Aborts when `close()` of its instance begins, and says nothing about the hold, which stands until its body ends or
   * `drainMs` is over. Heed it in loops: begin nothing new. `closing.reason` is a HoldfastError with code CLOSING.
   */
  get closing(): AbortSignal {
    return closingSignal(this.#hold)
  }

  /**
   * Call it in front of each effect: asks every clock, suspend included.
   * @throws LockLostError with code LOCK_EXPIRED, LOCK_REVOKED, LOCK_LOST, or LOCK_RELEASED after an ordinary release
   */
  assertActive(): void {
    if (!this.#hold.isActive(true)) throw this.#hold.lostError()
  }
}

/** A hold that was acquired by `acquire`, `tryAcquire` or `run`. Use it with `await using`. */
export class Lease extends HeldLease {
  /**
   * Ends the hold. false: it had already ended.
   * @throws StoreError when the store failed; the lease has ended all the same, and its ttl frees the key
   */
  release(): Promise<boolean> {
    const hold = holdOf(this)
    if (hold.space.syncStore === undefined) return release(hold)
    try {
      return releaseSync(hold) ? released : gone
    } catch (error) {
      return Promise.reject(asHoldfastError(error, 'release', hold.terms.key))
    }
  }

  /**
   * Gives the hold away: a text from which `adopt` of a lock on the same key makes a lease, in another process or in this one,
   * once. This lease ends, and the key stays held for a whole `ttl` from now on, in which it has to be adopted. The text is a secret:
   * whoever has it can take the hold over.
   * @throws LockLostError when it is not held any more; StoreError: then it is held still; InvalidOptionError when the store cannot
   */
  export(): Promise<string> {
    return exportHold(holdOf(this))
  }

  /** Releases at the end of `await using`. @throws LockLostError when the hold was lost before, unless `onLost` is 'warn' */
  async [Symbol.asyncDispose](): Promise<void> {
    await end(holdOf(this))
    throwIfLost(holdOf(this), undefined)
  }

  /** @internal The end of `run`: as the end of `using`, with what the body returned. */
  async finish<T>(result: T): Promise<T> {
    await end(holdOf(this))
    throwIfLost(holdOf(this), result)
    return result
  }

  /** @internal The end of a body that threw: its error goes first. */
  async abort(): Promise<void> {
    await end(holdOf(this))
  }
}

/** A hold that was acquired by `acquireSync`, `tryAcquireSync` or `runSync`. Use it with `using`. */
export class SyncLease extends HeldLease {
  /** Ends the hold. false: it had already ended. @throws StoreError as `Lease.release` */
  release(): boolean {
    return releaseSync(holdOf(this))
  }

  /** As `Lease.export`. @throws as there */
  export(): string {
    return exportHoldSync(holdOf(this))
  }

  /** Releases at the end of `using`. @throws LockLostError when the hold was lost before, unless `onLost` is 'warn' */
  [Symbol.dispose](): void {
    endSync(holdOf(this))
    throwIfLost(holdOf(this), undefined)
  }

  /** @internal */
  finish<T>(result: T): T {
    endSync(holdOf(this))
    throwIfLost(holdOf(this), result)
    return result
  }

  /** @internal */
  abort(): void {
    endSync(holdOf(this))
  }
}

/** The end of a lease, without an error if the release fails: see `warnOfRelease`. */
export async function end(hold: Hold): Promise<void> {
  if (!hold.isActive()) return
  try {
    if (!(await release(hold))) hold.foundGone(await whyGone(hold))
  } catch (error) {
    warnOfRelease(hold, error)
  }
}

export function endSync(hold: Hold): void {
  if (!hold.isActive()) return
  try {
    if (!releaseSync(hold)) hold.foundGone(whyGoneSync(hold))
  } catch (error) {
    warnOfRelease(hold, error)
  }
}

/** Expired and revoked holds were asked for: the result stands. A lost one is an error even if the work succeeded. */
export function throwIfLost(hold: Hold, result: unknown): void {
  if (hold.ended !== 'LOCK_LOST' || hold.terms.onLost === 'warn') return
  const error = hold.lostError()
  error.result = result
  throw error
}

/** Finished work does not become a failure because its release failed: the ttl frees the key. */
function warnOfRelease(hold: Hold, error: unknown): void {
  const { message } = asHoldfastError(error, 'release', hold.terms.key)
  hold.space.warn(`${hold.terms.key}: ${message} The work is done; the key comes free when its ttl is over.`)
}
