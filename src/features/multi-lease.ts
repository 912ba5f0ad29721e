import type { Hold } from '../core/hold.js'
import { InvalidKeyError } from '../core/errors.js'
import { end, endSync, throwIfLost } from '../core/lease.js'
import { release, releaseSync } from '../core/release.js'
import { show } from '../core/duration.js'
import { keyOfAll } from './several.js'

/** What every lease of several keys has: it names what is held, and knows whether all of it still is. */
export abstract class HeldKeys {
  /** Not properties: they know the owners, which are never shown. In the order of the keys. */
  readonly #holds: readonly Hold[]
  #controller: AbortController | undefined = undefined

  /** @internal Leases are made by `acquire` and its kin. */
  constructor(holds: readonly Hold[]) {
    this.#holds = holds
  }

  /** The user's keys, without prefix, sorted, each once. */
  get keys(): readonly string[] {
    return this.#holds.map(({ terms }) => terms.key)
  }

  /** The keys in one text, for people. */
  get key(): string {
    return keyOfAll(this.#holds.map(({ terms }) => terms))
  }

  /** Fencing tokens by key. Send along the one of the key that you write under. */
  get tokens(): ReadonlyMap<string, number> {
    return new Map(this.#holds.map(({ terms, token }) => [terms.key, token]))
  }

  /** The fencing token of one of the keys. @throws InvalidKeyError when it is none of them */
  tokenOf(key: string): number {
    const hold = this.#holds.find(({ terms }) => terms.key === key)
    if (hold === undefined) {
      throw new InvalidKeyError(`${show(key)} is none of the keys that are held: there are ${this.key}.`, key)
    }
    return hold.token
  }

  /** Are all still held? Looks at the clock first, so it is right after a stalled event loop; once false, never true again. */
  get active(): boolean {
    return this.#holds.every((hold) => hold.isActive())
  }

  /** Milliseconds until the first of them ends unless it is renewed: 0 when one ended, Infinity when nothing limits them. */
  get remainingMs(): number {
    return Math.min(...this.#holds.map((hold) => hold.remainingMs()))
  }

  /** Aborts when one of the holds ends before its release; `signal.reason` is its LockLostError, whose `code` says how. */
  get signal(): AbortSignal {
    const controller = (this.#controller ??= this.#makeController())
    for (const hold of this.#holds) hold.isActive()
    return controller.signal
  }

  /**
   * Call it in front of each effect: asks every clock, suspend included.
   * @throws LockLostError of the first key that is not held any more
   */
  assertActive(): void {
    for (const hold of this.#holds) if (!hold.isActive(true)) throw hold.lostError()
  }

  /** The holds, the last first: what was taken last is released first. */
  protected lastFirst(): Hold[] {
    return this.#holds.toReversed()
  }

  /** @throws LockLostError when one of them was lost before its end, unless `onLost` is 'warn' */
  protected throwIfLost(result: unknown): void {
    for (const hold of this.#holds) throwIfLost(hold, result)
  }

  #makeController(): AbortController {
    const controller = new AbortController()
    for (const { signal } of this.#holds.map((hold) => ({ signal: hold.signal() }))) {
      const abort = (): void => controller.abort(signal.reason)
      if (signal.aborted) abort()
      else signal.addEventListener('abort', abort, { once: true })
    }
    return controller
  }
}

/** Several keys that were acquired by `acquire`, `tryAcquire` or `run`. Use it with `await using`. */
export class MultiLease extends HeldKeys {
  /**
   * Ends all holds, the last key first, all in one tick. false: one of them had already ended.
   * @throws StoreError when the store failed; the lease has ended all the same, and its ttl frees the keys
   */
  async release(): Promise<boolean> {
    return await releaseAll(this.lastFirst())
  }

  /** Releases at the end of `await using`. @throws LockLostError when one was lost before, unless `onLost` is 'warn' */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.finish(undefined)
  }

  /** @internal The end of `run`: as the end of `using`, with what the body returned. */
  async finish<T>(result: T): Promise<T> {
    await this.abort()
    this.throwIfLost(result)
    return result
  }

  /** @internal The end of a body that threw: its error goes first. */
  async abort(): Promise<void> {
    await Promise.all(this.lastFirst().map(end))
  }
}

/** Several keys that were acquired by `acquireSync`, `tryAcquireSync` or `runSync`. Use it with `using`. */
export class SyncMultiLease extends HeldKeys {
  /** Ends all holds, the last key first. false: one of them had already ended. @throws StoreError as `MultiLease.release` */
  release(): boolean {
    return releaseAllSync(this.lastFirst())
  }

  /** Releases at the end of `using`. @throws LockLostError when one was lost before, unless `onLost` is 'warn' */
  [Symbol.dispose](): void {
    this.finish(undefined)
  }

  /** @internal */
  finish<T>(result: T): T {
    this.abort()
    this.throwIfLost(result)
    return result
  }

  /** @internal */
  abort(): void {
    for (const hold of this.lastFirst()) endSync(hold)
  }
}

/** Starts all in one tick, and waits for all before it throws the first error. @throws StoreError */
export async function releaseAll(holds: readonly Hold[]): Promise<boolean> {
  const outcomes = await Promise.allSettled(holds.map((hold) => release(hold)))
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
  return outcomes.every((outcome) => outcome.status === 'fulfilled' && outcome.value)
}

/** As `releaseAll`. @throws StoreError */
export function releaseAllSync(holds: readonly Hold[]): boolean {
  let all = true
  const errors: unknown[] = []
  for (const hold of holds) {
    try {
      all = releaseSync(hold) && all
    } catch (error) {
      errors.push(error)
    }
  }
  if (errors.length > 0) throw errors[0]
  return all
}
