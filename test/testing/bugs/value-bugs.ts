import type { Store, ValuesOf } from '../../../src/core/store.js'
import type { ReferenceValues } from '../reference-values.js'
import type { Bug } from './bug.js'

/** Breaks a decision about values. */
function breaking(patch: (values: ReferenceValues) => Partial<ReferenceValues>): Bug['patch'] {
  return (records) => {
    Object.assign(records.values, patch(records.values))
    return {}
  }
}

/** Breaks one client's way to them. */
function asking(patch: (values: ValuesOf<'async'>) => Partial<ValuesOf<'async'>>): Bug['wrap'] {
  return ({ values }): Partial<Store> => (values ? { values: { ...values, ...patch(values) } } : {})
}

export const valueBugs: readonly Bug[] = [
  {
    bug: 'keeps values for one client only',
    caughtBy: 'gives back the value that was set, and its token, to every client',
    wrap: (client) => {
      const own = new Map<string, string>()
      const { values } = client
      if (!values) return {}
      return {
        values: {
          ...values,
          get: async (key) => (own.has(key) ? values.get(key) : undefined),
          set: async (key, value) => {
            own.set(key, key)
            return values.set(key, value)
          },
        },
      }
    },
  },
  {
    bug: 'keeps the first value',
    caughtBy: 'replaces a value by one of the same or a larger token',
    patch: breaking(() => ({ isStale: (_, before) => before !== undefined })),
  },
  {
    bug: 'lets the last writer win',
    caughtBy: 'keeps a value when one of a smaller token comes late',
    patch: breaking(() => ({ isStale: () => false })),
  },
  {
    bug: 'compares tokens as text',
    caughtBy: 'keeps a value when one of a smaller token comes late',
    patch: breaking(() => ({
      isStale: ({ token }, before) => before !== undefined && String(before) > String(token),
    })),
  },
  {
    bug: 'says that it deleted what was not there',
    caughtBy: 'forgets a value that was deleted, once',
    wrap: asking((values) => ({ delete: async (key) => (await values.delete(key)) || true })),
  },
  {
    bug: 'deletes nothing',
    caughtBy: 'forgets a value that was deleted, once',
    patch: breaking((values) => ({ delete: (key) => values.find(key) !== undefined })),
  },
  {
    bug: 'does not remember that a value was deleted',
    caughtBy: 'refuses what was computed under a lock that was granted before the deletion, and nothing else',
    patch: breaking((values) => ({
      isStale: ({ token }, before) => before !== undefined && values.deleted.size === 0 && before > token,
    })),
  },
  {
    bug: 'forgets the tokens of hand-overs at a deletion',
    caughtBy: 'refuses what was computed under a lock that was granted before the deletion, and nothing else',
    patch: breaking((values) => ({ tokenOfDeletion: () => values.records.lastToken + 1 })),
  },
  {
    bug: 'never takes a value again where one was deleted',
    caughtBy: 'refuses what was computed under a lock that was granted before the deletion, and nothing else',
    patch: breaking((values) => ({
      isStale: ({ token }, before) => before !== undefined && (values.deleted.size > 0 || before > token),
    })),
  },
  {
    bug: 'keeps values for ever',
    caughtBy: 'forgets a value when its time is over',
    patch: breaking(() => ({ staleMs: () => 0 })),
  },
  {
    bug: 'takes no end for an end at once',
    caughtBy: 'keeps a value without an end, beside one that has one',
    patch: breaking((values) => {
      const staleMs = values.staleMs.bind(values)
      return { staleMs: (value) => staleMs({ ...value, freshMs: value.freshMs ?? 0 }) }
    }),
  },
  {
    bug: 'forgets values as soon as they are stale',
    caughtBy: 'tells for how long a value has been stale, by every way to ask, and forgets it then',
    patch: breaking((values) => {
      const staleMs = values.staleMs.bind(values)
      return { staleMs: (value) => staleMs({ ...value, staleMs: 0 }) }
    }),
  },
  {
    bug: 'knows the age of a value only when asked to be exact',
    caughtBy: 'tells for how long a value has been stale, by every way to ask, and forgets it then',
    wrap: asking((values) => ({
      get: async (key, exactly) => {
        const found = await values.get(key, exactly)
        return found && { ...found, staleMs: exactly === true ? found.staleMs : 0 }
      },
    })),
  },
  {
    bug: 'trims keys',
    caughtBy: 'keeps the values of all keys apart, and any text whole',
    patch: breaking(() => ({ fold: (key) => key.trim() })),
  },
  {
    bug: 'cuts long values',
    caughtBy: 'keeps the values of all keys apart, and any text whole',
    wrap: asking((values) => ({
      set: (key, value) => values.set(key, { ...value, content: String(value.content).slice(0, 65_535) }),
    })),
  },
  {
    bug: 'shows values in the list of keys',
    caughtBy: 'keeps locks and values of a key out of each other’s way',
    patch: (records) => ({
      list: (prefix) => ({
        keys: [...records.values.kept.keys()].filter((key) => key.startsWith(prefix)),
        cursor: undefined,
      }),
    }),
  },
  {
    bug: 'releases the lock with the value',
    caughtBy: 'keeps locks and values of a key out of each other’s way',
    patch: (records) => {
      const remove = records.values.delete.bind(records.values)
      records.values.delete = (key) => {
        const had = remove(key)
        records.forceRelease(key)
        return had
      }
      return {}
    },
  },
  {
    bug: 'answers about values with promises',
    caughtBy: 'answers about values without a promise',
    sync: true,
    wrap: asking((values) => ({ get: async (key) => values.get(key) })),
  },
  {
    bug: 'keeps a copy of a live value',
    caughtBy: 'keeps the value itself within a process, and tells when it is there no more',
    sync: true,
    wrap: asking((values) => ({
      set: (key, value) => values.set(key, { ...value, content: structuredClone(value.content) }),
    })),
  },
  {
    bug: 'does not tell of a value that was replaced',
    caughtBy: 'keeps the value itself within a process, and tells when it is there no more',
    sync: true,
    patch: breaking(() => ({ end: () => undefined })),
  },
]
