import { Instance, sourceOf } from './instance.js'
import { lockOn } from './lock.js'
import type { Lock } from './lock-types.js'
import type { LockOptions } from './options.js'

/** An anonymous lock of this process. */
export type LocalLock = Lock & {
  /** Is it held now? */
  readonly active: boolean
}

/** Options of a local lock: those of a lock, save `store`. */
export type LocalLockOptions = Omit<LockOptions, 'store'>

let instance: Instance | undefined
let count = 0

/**
 * An anonymous lock in the memory of this process, with no key: each call makes another one. Works before `configure()`.
 *
 * @example
 * const guard = localLock()
 * {
 *   await using lease = await guard.acquire()
 *   guard.active // true
 * }
 * @throws InvalidOptionError
 */
export function localLock(options?: LocalLockOptions): LocalLock {
  instance ??= new Instance({ prefix: '' })
  const lock = lockOn(sourceOf(instance))(`local-lock-${String(++count)}`, options)
  Object.defineProperty(lock, 'active', { get: () => lock.isLockedSync() })
  return lock as LocalLock // `active` was defined above
}
