import type { Bug } from './bug.js'

export const resizeBugs: readonly Bug[] = [
  {
    bug: 'keeps the limit that it had',
    caughtBy: 'lets more hold at once after a key was given more permits',
    patch: () => ({ resize: () => undefined }),
  },
  {
    bug: 'leaves who waits alone when there is more room',
    caughtBy: 'grants to who waits when a key is given more permits',
    patch: () => ({ afterResize: () => undefined }),
  },
  {
    bug: 'ends the holds for which there is no more room',
    caughtBy: 'lets holders go on when a key is given fewer permits, and grants none before there is room',
    patch: () => ({
      afterResize: (entry) => {
        entry.holds.length = Math.min(entry.holds.length, entry.limit)
      },
    }),
  },
  {
    bug: 'knows of the last resize only',
    caughtBy: 'takes requests with any limit that a resized key had for the same',
    patch: (records) => ({
      remember: (key, from, to) => {
        records.resizes.set(key, { to, before: [from] })
      },
    }),
  },
  {
    bug: 'forgets a resize when nobody holds',
    caughtBy: 'remembers that a key was resized when nobody holds it',
    patch: (records) => ({
      keep: (entry) => {
        if (entry.holds.length + entry.queue.length > 0) records.entries.set(entry.key, entry)
        else {
          records.entries.delete(entry.key)
          records.resizes.delete(entry.key)
        }
      },
    }),
  },
  {
    bug: 'resizes for anybody',
    caughtBy: 'does not resize a key for who does not know its limit, and names both',
    patch: () => ({ agrees: () => true }),
  },
  {
    bug: 'lets who can never be granted stand in the way',
    caughtBy: 'refuses a request for more permits than a resized key has, and names both',
    patch: () => ({ canBeMet: () => true }),
  },
]
