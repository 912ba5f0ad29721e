import { show } from '../core/duration.js'
import { InvalidKeyError } from '../core/errors.js'
import { Handle } from './handle.js'
import type { PoolHandle } from './pool-handle.js'
import { type WrapOptions, wrapWithLock } from './wrap.js'

/** Which calls a callable handle has. */
export type Face = 'lock' | 'pool' | 'several'

/** What takes a lease, of whatever kind: it is only passed on. */
type Body = never

/** What stands behind a callable handle. */
interface Inside {
  readonly key: string
  acquire(): unknown
  tryAcquire(): unknown
  run(body: Body): unknown
  acquireSync(): unknown
  tryAcquireSync(): unknown
  runSync(body: Body): unknown
  isLocked(): unknown
  isLockedSync(): unknown
  inspect(): unknown
  inspectSync(): unknown
  forceRelease(): unknown
  forceReleaseSync(): unknown
  release(): unknown
  releaseSync(): unknown
}

/**
 * What `lock`, `pool` and their kin return: a function that wraps and decorates and, where the key is text, has the calls of
 * a handle, which `face` names. @throws InvalidKeyError, InvalidOptionError
 */
export function callableOf(wrapping: WrapOptions, face: Face = 'lock'): unknown {
  const { source, key, options, handle } = wrapping
  const use = (...args: unknown[]): unknown => wrapWithLock(wrapping, args)
  if (typeof key === 'function') {
    source.peek()?.spaceOf(options.store) // an unknown alias is told here, where a handle would tell it
    return use
  }
  if (typeof key !== 'string') throw new InvalidKeyError(`A key is text or a function that makes it, not ${show(key)}.`)
  return callable(use, handle === undefined ? new Handle(source, key, options) : handle(key), face)
}

/** Gives a function the calls of its handle. One prototype for all: own properties would show up wherever it is printed. */
export function callable(use: object, handle: Inside, face: Face): object {
  Object.setPrototypeOf(use, faces[face].prototype)
  ;(use as Callable)[inside] = handle
  return use
}

/** Where a callable handle keeps what it is a face of. */
const inside = Symbol('handle')

/** What every callable handle inherits. Written out, for a call by a computed name is never inlined. */
class Callable extends Function {
  declare [inside]: Inside

  get key(): string {
    return this[inside].key
  }
  acquire(): unknown {
    return this[inside].acquire()
  }
  tryAcquire(): unknown {
    return this[inside].tryAcquire()
  }
  run(body: Body): unknown {
    return this[inside].run(body)
  }
  acquireSync(): unknown {
    return this[inside].acquireSync()
  }
  tryAcquireSync(): unknown {
    return this[inside].tryAcquireSync()
  }
  runSync(body: Body): unknown {
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

class LockCallable extends Callable {
  declare [inside]: Handle

  adopt(text: string): unknown {
    return this[inside].adopt(text)
  }
  adoptSync(text: string): unknown {
    return this[inside].adoptSync(text)
  }
}

class PoolCallable extends LockCallable {
  declare [inside]: PoolHandle

  size(): unknown {
    return this[inside].size()
  }
  sizeSync(): unknown {
    return this[inside].sizeSync()
  }
  resize(max: number): unknown {
    return this[inside].resize(max)
  }
  resizeSync(max: number): void {
    this[inside].resizeSync(max)
  }
}

class SeveralCallable extends Callable {
  declare [inside]: Inside & { readonly keys: readonly string[] }

  get keys(): readonly string[] {
    return this[inside].keys
  }
}

const faces: Record<Face, typeof Callable> = { lock: LockCallable, pool: PoolCallable, several: SeveralCallable }
