import { join } from 'node:path'
import { lock } from 'proper-lockfile'
import type { Setting, Subject } from '../subject.js'

const RETRY_MS = 50

/** A folder per key, kept young by its holder; `ttlMs` is its `stale`. */
export function openProperLockfile({ place, bare }: Setting): Promise<Subject> {
  return Promise.resolve({
    async acquire(key, { ttlMs, waitMs }) {
      const lost: (() => void)[] = []
      let active = true
      const onCompromised = (): void => {
        active = false
        for (const listener of lost) listener()
      }
      const retries = { retries: Math.ceil(waitMs / RETRY_MS), factor: 1, minTimeout: RETRY_MS, maxTimeout: RETRY_MS }
      const path = join(place, encodeURIComponent(key))
      try {
        const release = await lock(path, {
          stale: ttlMs,
          retries,
          realpath: false,
          ...(bare !== true && { onCompromised }), // its default throws
        })
        return {
          token: undefined,
          active: () => active,
          remainingMs: () => undefined,
          onLost: (listener) => void lost.push(listener),
          release,
        }
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ELOCKED') return undefined
        throw error
      }
    },
    close: () => Promise.resolve(),
  })
}
