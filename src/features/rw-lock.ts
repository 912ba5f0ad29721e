import { downgrade, downgradeSync } from './downgrade.js'
import { DeadlockError } from '../core/errors.js'
import type { Hold } from '../core/hold.js'
import { holdOf, Lease, SyncLease } from '../core/lease.js'
import type { Terms } from '../core/terms.js'
import { callableOf } from './callable.js'
import { Handle } from './handle.js'
import type { Source } from './instance.js'
import type { AsyncLock, ModeOfLock, Modes, OptionsFor, SyncLock, Wrapper } from './lock-types.js'
import { type LockOptions, parseLockOptions } from './options.js'
import { poolLine } from './pool-line.js'
import type { Mode } from '../core/store.js'

/** A reader takes one permit of these, a writer all. */
const places = 2 ** 30

/** Two sides of one key: readers share it, a writer has it alone. */
export interface RwLock<M extends Mode = 'sync'> {
  /** The user's key, without prefix. */
  readonly key: string
  /** For those who only look: any number at a time. Who comes after a waiting writer waits behind it. */
  readonly read: ReadLock<M>
  /** For those who change: one at a time, and nobody reads meanwhile. */
  readonly write: WriteLock<M>
}

export type ReadLock<M extends Mode = 'sync'> = AsyncLock<ReadLease> &
  (M extends 'sync' ? SyncLock<SyncReadLease> : unknown) &
  Wrapper<M>

export type WriteLock<M extends Mode = 'sync'> = AsyncLock<WriteLease> &
  (M extends 'sync' ? SyncLock<SyncWriteLease> : unknown) &
  Wrapper<M>

export interface RwLockFunction<M extends Mode = 'sync', N extends Modes = Record<string, 'sync'>> {
  /**
   * A lock for readers and writers. The key is literal for `acquire` and `run`, a template when a side wraps a function.
   * @throws InvalidKeyError, InvalidOptionError
   */
  <const O extends OptionsFor<N>>(key: string, options?: O): RwLock<ModeOfLock<O, M, N>>
}

/** A hold that reads. */
export class ReadLease extends Lease {
  /**
   * There is no way from reading to writing without letting go: two who tried would wait for each other for ever.
   * @throws DeadlockError always
   */
  upgrade(): never {
    throw noUpgrade(this.key)
  }
}

/** As ReadLease. */
export class SyncReadLease extends SyncLease {
  /** @throws DeadlockError always */
  upgrade(): never {
    throw noUpgrade(this.key)
  }
}

/** A hold that writes. */
export class WriteLease extends Lease {
  /**
   * Goes on as a reader: other readers come in, no writer in between. This lease has ended then; use the one it gives.
   * @throws LockLostError when it is not held any more, StoreError: then the key is released
   */
  async downgrade(): Promise<ReadLease> {
    return new ReadLease(await downgrade(holdOf(this), asReader(holdOf(this).terms)))
  }
}

/** As WriteLease. */
export class SyncWriteLease extends SyncLease {
  /** @throws as `WriteLease.downgrade` */
  downgrade(): SyncReadLease {
    return new SyncReadLease(downgradeSync(holdOf(this), asReader(holdOf(this).terms)))
  }
}

/** An `rwLock` function that works for the instance `source` gives. */
export function rwLockOn(source: Source): RwLockFunction {
  const rwLock = (key: string, given?: LockOptions): unknown => {
    const parsed = { ...parseLockOptions(given), line: poolLine }
    const read = { ...parsed, limit: places, permits: 1, passes: false }
    const write = { ...parsed, limit: places, permits: places }
    return {
      key,
      read: callableOf({ source, key, options: read, handle: (text) => new ReadHandle(source, text, read) }),
      write: callableOf({ source, key, options: write, handle: (text) => new WriteHandle(source, text, write) }),
    }
  }
  return rwLock as RwLockFunction // the modes of its stores are known to the caller
}

class ReadHandle extends Handle {
  protected override makeLease(hold: Hold): Lease {
    return new ReadLease(hold)
  }

  protected override makeSyncLease(hold: Hold): SyncLease {
    return new SyncReadLease(hold)
  }
}

class WriteHandle extends Handle {
  protected override makeLease(hold: Hold): Lease {
    return new WriteLease(hold)
  }

  protected override makeSyncLease(hold: Hold): SyncLease {
    return new SyncWriteLease(hold)
  }
}

function asReader(terms: Terms): Terms {
  return { ...terms, permits: 1, passes: false, adopts: undefined }
}

function noUpgrade(key: string): DeadlockError {
  return new DeadlockError(
    key,
    'a reader that wants to write would wait for the other readers, and two such readers for each other. ' +
      'Release it, acquire .write, and look again at what you read.',
  )
}
