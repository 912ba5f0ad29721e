import { show } from '../core/duration.js'
import { InvalidKeyError } from '../core/errors.js'
import { Handle } from './handle.js'
import type { Source } from './instance.js'
import type { LockFunction } from './lock-types.js'
import { type LockOptions, parseLockOptions } from './options.js'
import { decorate, type KeySpec } from './wrap.js'

/** A `lock` function that works for the instance `source` gives. Its types are those of the stores: the caller knows them. */
export function lockOn(source: Source): LockFunction {
  const lock = (key: KeySpec, options?: LockOptions): unknown => {
    const parsed = parseLockOptions(options)
    const use = (...args: unknown[]): unknown => decorate({ source, key, options: parsed }, args)
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

/** Where a callable handle keeps what it is a face of. */
const inside = Symbol('handle')

interface Face {
  readonly [inside]: Handle
}

/** Gives a function the calls of its handle. One prototype for all: own properties would cost 20 ns each. */
function callable(use: object, handle: Handle): object {
  Object.setPrototypeOf(use, face)
  ;(use as { [inside]: Handle })[inside] = handle
  return use
}

const calls = [
  'acquire',
  'tryAcquire',
  'run',
  'acquireSync',
  'tryAcquireSync',
  'runSync',
  'isLocked',
  'isLockedSync',
  'inspect',
  'inspectSync',
  'forceRelease',
  'forceReleaseSync',
  'release',
  'releaseSync',
] as const

type Call = (typeof calls)[number]

/** What every callable handle inherits: `key`, and one method for each call of its Handle. */
const face: object = Object.create(Function.prototype, {
  key: {
    get(this: Face): string {
      return this[inside].key
    },
  },
  ...Object.fromEntries(calls.map((call) => [call, { value: forward(call) }])),
}) as object // Object.create gives any

function forward(call: Call): (this: Face, body: never) => unknown {
  return function (body) {
    return this[inside][call](body)
  }
}
