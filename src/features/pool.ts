import { show } from '../core/duration.js'
import { type HeldBy, InvalidOptionError, LockedError, LockTimeoutError, PoolFullError } from '../core/errors.js'
import type { Lease, SyncLease } from '../core/lease.js'
import { callableOf } from './callable.js'
import { Handle } from './handle.js'
import type { Source } from './instance.js'
import { type Check, notReentrant, type ParsedOptions, parseLockOptions, typed } from './options.js'
import { poolLine } from './pool-line.js'
import type { PoolFunction, PoolOptions } from './pool-types.js'
import type { Inspection } from './query.js'
import type { Callable as Fn, KeySpec } from './decorate.js'
import type { HandleOf } from './wrap.js'

/** A pool of more is a lock for readers and writers. */
const mostPermits = 2 ** 30 - 1

/** A `pool` function that works for the instance `source` gives. */
export function poolOn(source: Source): PoolFunction {
  const pool = (key: KeySpec, given: PoolOptions): unknown => {
    const { onFull, ...options } = parsePoolOptions(given)
    const handle = (text: string): Handle => new PoolHandle(source, text, options)
    return callableOf({ source, key, options, handle, refused: onFull, calls: sizeCalls }, 'pool')
  }
  return pool as PoolFunction // the overloads of one function
}

type ParsedPoolOptions = ParsedOptions & { readonly onFull: Fn | undefined }

const poolChecks: Record<string, Check> = {
  ...notReentrant('a pool counts each holder, inner ones too. Use lock(key, { reentrant: true }) for one at a time.'),
  max: (value, option) => typed(isCount(value), value, option, 'a whole number from 1 to 2^30 - 1'),
  permits: (value, option) => typed(isCount(value), value, option, 'a whole number above 0'),
  onFull: (value, option) => typed(typeof value === 'function', value, option, 'a function'),
}

function isCount(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= mostPermits
}

/** @throws InvalidOptionError */
function parsePoolOptions(options: PoolOptions): ParsedPoolOptions {
  // a table of checks is read by name: what it gives is what they let through
  const read = parseLockOptions(options, poolChecks) as ParsedPoolOptions & { max?: number }
  const { max, onFull, permits, ...rest } = read
  if (max === undefined)
    throw new InvalidOptionError('A pool needs to know how many may hold at a time: give { max: 10 }.')
  if (permits > max) {
    throw new InvalidOptionError(
      `permits is ${show(permits)}, and the pool has ${show(max)}: it could never be granted.`,
    )
  }
  return { ...rest, onFull, permits, limit: max, line: poolLine, quiet: true }
}

/** As a lock, but for several holders at a time. */
class PoolHandle extends Handle {
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

  #full(refusal: LockedError, found: Inspection | undefined): PoolFullError {
    const { space, terms } = this.at()
    const holders = found?.holders.map(({ host, pid, label, since }): HeldBy => ({ host, pid, label, since })) ?? []
    const waitedMs = refusal instanceof LockTimeoutError ? refusal.waitedMs : 0
    const error = new PoolFullError(this.key, terms.limit, holders, { waitedMs })
    space.warn(error.message)
    return error
  }
}

/** Others are in front, and not a mistake of ours. */
function isRefusal(error: unknown): error is LockedError {
  return error instanceof LockedError && (error.code === 'LOCKED' || error.code === 'LOCK_TIMEOUT')
}

function sizeCalls(at: HandleOf, isAsync: boolean): Record<string, Fn> {
  const size: Fn = isAsync
    ? async function (...args) {
        return await at(this, args).size()
      }
    : function (...args) {
        return at(this, args).sizeSync()
      }
  return { size }
}
