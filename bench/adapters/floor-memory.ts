/** The least that a keyed lock in one process can do: a Map, a closure, a promise. */
import type { Instance } from '../library.js'

type Release = () => void

interface Entry {
  readonly waiting: ((release: Release) => void)[]
  head: number
}

export function openFloor(): Instance<Release> {
  const entries = new Map<string, Entry>()
  const release = (key: string, entry: Entry): void => {
    const next = entry.waiting[entry.head]
    if (next === undefined) {
      entries.delete(key)
      return
    }
    entry.head++
    next(() => release(key, entry))
  }
  return {
    acquire(key) {
      const entry = entries.get(key)
      if (entry !== undefined) return new Promise((resolve) => entry.waiting.push(resolve))
      const fresh: Entry = { waiting: [], head: 0 }
      entries.set(key, fresh)
      return Promise.resolve(() => release(key, fresh))
    },
    release: (held) => held(),
  }
}
