import { type HeldBy, InvalidOptionError, LockedError, LockTimeoutError, PoolFullError } from '../core/errors.js'
import type { Lease, SyncLease } from '../core/lease.js'
import type { AnyStore } from '../core/store.js'
import type { Terms } from '../core/terms.js'
import { Handle } from './handle.js'
import { type Check, typed } from './options.js'
import { ask, askSync, type Inspection } from './query.js'

/** As a lock, but for several holders at a time. */
export class PoolHandle extends Handle {
  override async acquire(): Promise<Lease> {
    try {
      return await super.acquire()
    } catch (error) {
      if (!isRefusal(error)) throw error
      throw this.#full(error, await this.inspect().catch(() => undefined))
    }
  }

  protected override toRun(): Promise<Lease> {
    return this.acquire()
  }

  override acquireSync(): SyncLease {
    try {
      return super.acquireSync()
    } catch (error) {
      if (!isRefusal(error)) throw error
      throw this.#full(error, this.inspectSync())
    }
  }

  async resize(max: number): Promise<void> {
    const { space, terms } = this.at()
    const { store } = space
    checkResize(store, terms, max)
    await ask(space, terms, 'resize', async () => store.resize?.(terms.storeKey, terms.limit, max))
  }

  resizeSync(max: number): void {
    const { space, terms } = this.atSync('resizeSync')
    checkResize(space.store, terms, max)
    askSync(terms, 'resize', () => space.syncStore?.resize?.(terms.storeKey, terms.limit, max))
  }

  #full(refusal: LockedError, found: Inspection | undefined): PoolFullError {
    const { space, terms } = this.at()
    const holders = found?.holders.map(({ host, pid, label, since }): HeldBy => ({ host, pid, label, since })) ?? []
    const waitedMs = refusal instanceof LockTimeoutError ? refusal.waitedMs : 0
    const error = new PoolFullError(this.key, found?.limit ?? terms.limit, holders, { waitedMs })
    space.warn(error.message)
    return error
  }
}

/** @throws InvalidOptionError */
function checkResize(store: AnyStore, { key, limit }: Terms, max: number): void {
  checkMax(max, 'max')
  if (limit === 1) {
    throw new InvalidOptionError(
      `${key} has a max of 1, which makes it a lock: what guards something of which there is one is not resized. Give a max above 1 from the start.`,
    )
  }
  if (store.resize === undefined) {
    throw new InvalidOptionError(
      `${key} cannot be resized while it is in use: the store '${store.name}' has no way to. Let it come free, and give all programs the new max.`,
    )
  }
}

/** Others are in front, and not a mistake of ours. */
function isRefusal(error: unknown): error is LockedError {
  return error instanceof LockedError && (error.code === 'LOCKED' || error.code === 'LOCK_TIMEOUT')
}

/** A pool of more is a lock for readers and writers. */
const mostPermits = 2 ** 30 - 1

export function isCount(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= mostPermits
}

export const checkMax: Check = (value, option) =>
  typed(isCount(value), value, option, 'a whole number from 1 to 2^30 - 1')
