import { callableOf } from './callable.js'
import type { KeySpec } from './decorate.js'
import type { Source } from './instance.js'
import type { LockFunction } from './lock-types.js'
import { type LockOptions, parseLockOptions } from './options.js'

/** A `lock` function that works for the instance `source` gives. Its types are those of the stores: the caller knows them. */
export function lockOn(source: Source): LockFunction {
  const lock = (key: KeySpec, options?: LockOptions): unknown =>
    callableOf({ source, key, options: parseLockOptions(options) })
  return lock as LockFunction // the overloads of one function
}
