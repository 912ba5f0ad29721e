/** A Mutex for each key, in a Map. */
import { Mutex } from 'async-mutex'
import type { Instance } from '../library.js'

interface Held {
  readonly key: string
  readonly mutex: Mutex
  readonly release: () => void
}

/** As its users write it: never cleaned, so each key leaves its mutex behind. */
export function openKept(): Instance<() => void> {
  const mutexes = new Map<string, Mutex>()
  return { acquire: (key) => mutexOf(mutexes, key).acquire(), release: (release) => release() }
}

/** With the mutex deleted when it is free. */
export function openCleaned(): Instance<Held> {
  const mutexes = new Map<string, Mutex>()
  return {
    async acquire(key) {
      const mutex = mutexOf(mutexes, key)
      return { key, mutex, release: await mutex.acquire() }
    },
    release({ key, mutex, release }) {
      release()
      if (!mutex.isLocked() && mutexes.get(key) === mutex) mutexes.delete(key)
    },
  }
}

function mutexOf(mutexes: Map<string, Mutex>, key: string): Mutex {
  let mutex = mutexes.get(key)
  if (mutex === undefined) mutexes.set(key, (mutex = new Mutex()))
  return mutex
}
