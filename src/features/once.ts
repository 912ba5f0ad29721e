import type { Lease, SyncLease } from '../core/lease.js'
import { callableOf } from './callable.js'
import { Handle } from './handle.js'
import type { Source } from './instance.js'
import type { OnceFunction, OnceOptions } from './once-types.js'
import { type Check, notReentrant, type ParsedOptions, parseLockOptions, typed } from './options.js'
import type { KeySpec } from './decorate.js'

/** A `once` function that works for the instance `source` gives. */
export function onceOn(source: Source): OnceFunction {
  const once = (key: KeySpec, given?: OnceOptions): unknown => {
    // a table of checks is read by name: what it gives is what they let through
    const { otherwise, throwIfLocked, ...options } = parseLockOptions(given, onceChecks) as ParsedOnceOptions
    if (throwIfLocked === true) return callableOf({ source, key, options })
    const quiet = { ...options, quiet: true }
    const refused = (): unknown => otherwise
    const handle = (text: string): Handle => new OnceHandle(source, text, quiet, refused)
    return callableOf({ source, key, options: quiet, handle, refused })
  }
  return once as OnceFunction // the overloads of one function
}

type ParsedOnceOptions = ParsedOptions & { readonly otherwise?: unknown; readonly throwIfLocked?: boolean }

const onceChecks: Record<string, Check> = {
  ...notReentrant(
    '`once` skips what is running already, calls from inside it too. Use lock(key, { reentrant: true }).',
  ),
  otherwise: (value) => value,
  throwIfLocked: (value, option) => typed(typeof value === 'boolean', value, option, 'true or false'),
}

/** As a lock, but `run` gives something else where the key is held. */
class OnceHandle extends Handle {
  readonly #otherwise: () => unknown

  constructor(source: Source, key: string, options: ParsedOptions, otherwise: () => unknown) {
    super(source, key, options)
    this.#otherwise = otherwise
  }

  override run<T>(body: (lease: Lease) => T | PromiseLike<T>): Promise<T> {
    return this.runElse(body, this.#otherwise as () => T) // its type is that of the options
  }

  override runSync<T>(body: (lease: SyncLease) => T): T {
    return this.runElseSync(body, this.#otherwise as () => T)
  }
}
