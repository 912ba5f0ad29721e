/** Everything that is put through faults. The packages load in the tried processes only, by `open`. */
import type { Library } from './subject.js'

export const libraries: readonly Library[] = [
  {
    id: 'holdfast',
    package: 'holdfast',
    store: 'redis',
    features: ['renewal', 'token', 'limit', 'permits', 'cancel', 'fair', 'push', 'once', 'hand-over', 'cache'],
    leastTtlMs: 100,
    open: async (setting) => (await import('./subjects/holdfast.js')).openHoldfast(setting),
  },
  {
    id: 'redlock',
    package: 'redlock',
    store: 'redis',
    features: ['renewal'],
    leastTtlMs: 1000,
    open: async (setting) => (await import('./subjects/redlock.js')).openRedlock(setting),
  },
  {
    id: 'redlock-universal',
    package: 'redlock-universal',
    store: 'redis',
    features: ['renewal'],
    leastTtlMs: 1000,
    open: async (setting) => (await import('./subjects/redlock-universal.js')).openRedlockUniversal(setting),
  },
  {
    id: 'redis-semaphore',
    package: 'redis-semaphore',
    store: 'redis',
    features: ['renewal', 'limit', 'cancel'],
    leastTtlMs: 100,
    open: async (setting) => (await import('./subjects/redis-semaphore.js')).openRedisSemaphore(setting),
  },
  {
    id: 'verrou',
    package: '@verrou/core',
    store: 'redis',
    features: [],
    leastTtlMs: 100,
    open: async (setting) => (await import('./subjects/verrou.js')).openVerrou(setting),
  },
  {
    id: 'holdfast-memory',
    package: 'holdfast',
    store: 'memory',
    features: ['renewal', 'token', 'limit', 'permits', 'cancel', 'fair', 'once', 'hand-over'],
    leastTtlMs: 100,
    open: async (setting) => (await import('./subjects/holdfast.js')).openHoldfastMemory(setting),
  },
  {
    id: 'verrou-memory',
    package: '@verrou/core',
    store: 'memory',
    features: [],
    leastTtlMs: 100,
    open: async () => (await import('./subjects/verrou.js')).openVerrouMemory(),
  },
  {
    id: 'async-lock',
    package: 'async-lock',
    store: 'memory',
    features: ['fair'],
    leastTtlMs: 0,
    open: async () => (await import('./subjects/async-lock.js')).openAsyncLock(),
  },
  {
    id: 'proper-lockfile',
    package: 'proper-lockfile',
    store: 'file',
    features: ['renewal'],
    leastTtlMs: 2000,
    open: async (setting) => (await import('./subjects/proper-lockfile.js')).openProperLockfile(setting),
  },
]

export function libraryOf(id: string): Library {
  const found = libraries.find((library) => library.id === id)
  if (found === undefined) {
    throw new Error(`There is no library ${id}: there are ${libraries.map((library) => library.id).join(', ')}.`)
  }
  return found
}
