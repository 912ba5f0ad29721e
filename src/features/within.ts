import { SyncUnsupportedError } from '../core/errors.js'

/** What `run` needs of a lease. */
export interface Ends {
  finish<T>(result: T): Promise<T>
  abort(): Promise<void>
}

/** The same of a lease without promises. */
export interface SyncEnds {
  finish<T>(result: T): T
  abort(): void
}

/** Runs the body, then ends the lease. */
export async function within<L extends Ends, T>(lease: L, body: (lease: L) => T | PromiseLike<T>): Promise<T> {
  let result: T
  try {
    result = await body(lease)
  } catch (error) {
    await lease.abort()
    throw error
  }
  return await lease.finish(result)
}

/** As `within`. @throws SyncUnsupportedError when the body returns a promise */
export function withinSync<S extends SyncEnds, T>(key: string, lease: S, body: (lease: S) => T): T {
  let result: T
  try {
    result = body(lease)
    if (isThenable(result)) throw promised(key, result)
  } catch (error) {
    lease.abort()
    throw error
  }
  return lease.finish(result)
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as Record<string, unknown>)['then'] === 'function'
}

/** The body went on after the lock was gone; its outcome belongs to whoever started it. */
function promised(key: string, result: PromiseLike<unknown>): SyncUnsupportedError {
  result.then(
    () => undefined,
    () => undefined,
  )
  return new SyncUnsupportedError(
    `runSync on ${key}: the body returned a promise, and would go on without the lock. Use run().`,
    key,
  )
}
