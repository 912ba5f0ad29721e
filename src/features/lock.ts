import { show } from '../core/duration.js'
import { InvalidKeyError } from '../core/errors.js'
import type { KeySpec } from './decorate.js'
import { Handle } from './handle.js'
import type { Source } from './instance.js'
import type { LockFunction } from './lock-types.js'
import { type LockOptions, parseLockOptions } from './options.js'
import { wrapWithLock } from './wrap.js'

/** A `lock` function that works for the instance `source` gives. Its types are those of the stores: the caller knows them. */
export function lockOn(source: Source): LockFunction {
  const lock = (key: KeySpec, options?: LockOptions): unknown => {
    const parsed = parseLockOptions(options)
    const use = (...args: unknown[]): unknown => wrapWithLock({ source, key, options: parsed }, args)
    if (typeof key === 'function') {
      source.peek()?.spaceOf(parsed.store) // an unknown alias is told here, where a handle would tell it
      return use
    }
    if (typeof key !== 'string')
      throw new InvalidKeyError(`A key is text or a function that makes it, not ${show(key)}.`)
    return callable(use, new Handle(source, key, parsed))
  }
  return lock as LockFunction // the overloads of one function
}

/** Gives a function the calls of its handle. One prototype for all: own properties would show up wherever it is printed. */
function callable(use: object, handle: Handle): object {
  Object.setPrototypeOf(use, Callable.prototype)
  ;(use as Callable)[inside] = handle
  return use
}

/** Where a callable handle keeps what it is a face of. */
const inside = Symbol('handle')

/** What every callable handle inherits. Written out, for a call by a computed name is never inlined. */
class Callable extends Function {
  declare [inside]: Handle

  get key(): string {
    return this[inside].key
  }
  acquire(): unknown {
    return this[inside].acquire()
  }
  tryAcquire(): unknown {
    return this[inside].tryAcquire()
  }
  run(body: Parameters<Handle['run']>[0]): unknown {
    return this[inside].run(body)
  }
  acquireSync(): unknown {
    return this[inside].acquireSync()
  }
  tryAcquireSync(): unknown {
    return this[inside].tryAcquireSync()
  }
  runSync(body: Parameters<Handle['runSync']>[0]): unknown {
    return this[inside].runSync(body)
  }
  isLocked(): unknown {
    return this[inside].isLocked()
  }
  isLockedSync(): unknown {
    return this[inside].isLockedSync()
  }
  inspect(): unknown {
    return this[inside].inspect()
  }
  inspectSync(): unknown {
    return this[inside].inspectSync()
  }
  forceRelease(): unknown {
    return this[inside].forceRelease()
  }
  forceReleaseSync(): unknown {
    return this[inside].forceReleaseSync()
  }
  release(): unknown {
    return this[inside].release()
  }
  releaseSync(): unknown {
    return this[inside].releaseSync()
  }
}
