import { assertSync } from '../core/acquire-sync.js'
import { InvalidOptionError } from '../core/errors.js'
import type { Lease, SyncLease } from '../core/lease.js'
import type { KeptValue, NewValue, ValuesOf } from '../core/store.js'
import { Handle } from './handle.js'
import { type Instance, type Place, sourceOf } from './instance.js'
import type { ParsedOptions } from './options.js'
import { ask, askSync } from './query.js'

/** The value of a key and the lock under which it is computed, asked with promises or without. Each call throws StoreError. */
export interface Way {
  /** The user's key. */
  readonly key: string
  /** Of the lock and of the value, in the store. */
  readonly name: string
  readonly place: Place
  /** The store keeps the values themselves. */
  readonly live: boolean
  /** Nothing here answers with a promise. */
  readonly sync: boolean
  get(exactly: boolean): KeptValue | undefined | Promise<KeptValue | undefined>
  set(value: NewValue): boolean | Promise<boolean>
  delete(): boolean | Promise<boolean>
  acquire(): SyncLease | Promise<Lease>
  /** undefined: another holds it. */
  tryAcquire(): SyncLease | undefined | Promise<Lease | undefined>
}

interface WayOptions {
  readonly instance: Instance
  readonly key: string
  /** Of the lock. */
  readonly lock: ParsedOptions
  readonly sync: boolean
}

/** Values and the locks of computing stand apart from the locks of the user. */
const room = 'cached:'

/** @throws InvalidOptionError, SyncUnsupportedError */
export function wayTo({ instance, key, lock, sync }: WayOptions): Way {
  const place = instance.placeOf(room + key, lock)
  const { space, terms } = place
  const { values } = space.store
  if (values === undefined) throw keepsNone(space.store.name)
  const { live } = values
  const name = terms.storeKey
  const handle = (): Handle => new Handle(sourceOf(instance), terms.key, lock)
  if (sync) {
    assertSync(space, key, 'cached')
    const plain = values as ValuesOf<'sync'> // of a store that answers at once
    return {
      ...{ key, name, place, live, sync },
      get: (exactly) => askSync(terms, 'get', () => plain.get(name, exactly)),
      set: (value) => askSync(terms, 'set', () => plain.set(name, value)),
      delete: () => askSync(terms, 'delete', () => plain.delete(name)),
      acquire: () => handle().acquireSync(),
      tryAcquire: () => handle().tryAcquireSync(),
    }
  }
  return {
    ...{ key, name, place, live, sync },
    get: (exactly) => (live ? values.get(name) : ask(space, terms, 'get', () => values.get(name, exactly))),
    set: (value) => ask(space, terms, 'set', () => values.set(name, value)),
    delete: () => ask(space, terms, 'delete', () => values.delete(name)),
    acquire: () => handle().acquire(),
    tryAcquire: () => handle().tryAcquire(),
  }
}

function keepsNone(store: string): InvalidOptionError {
  return new InvalidOptionError(
    `cached() needs a store that keeps values, such as memory or Redis, and '${store}' keeps none. ` +
      `Name one of your stores that does: cached(key, { store: 'alias' }).`,
  )
}
