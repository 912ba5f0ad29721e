import { callableOf } from './callable.js'
import type { Source } from './instance.js'
import type { LockFunction } from './lock-types.js'
import { keyedLock, multiLock } from './multi-lock.js'
import { type LockOptions, parseLockOptions } from './options.js'

/** A `lock` function that works for the instance `source` gives. Its types are those of the stores: the caller knows them. */
export function lockOn(source: Source): LockFunction {
  const lock = (key: string | readonly string[] | KeyFunction, given?: LockOptions): unknown => {
    const options = parseLockOptions(given)
    if (typeof key === 'function') return keyedLock(source, key, options)
    return isList(key) ? multiLock(source, key, options) : callableOf({ source, key, options })
  }
  return lock as LockFunction // the overloads of one function
}

type KeyFunction = (...args: never[]) => string | readonly string[]

/** `Array.isArray` does not tell a list that is readonly from text. */
function isList(key: string | readonly string[]): key is readonly string[] {
  return Array.isArray(key)
}
