import type { HolderInfo, HolderRecord, KeyRecord, Store } from '../../../src/core/store.js'
import { Reference, clientOf } from '../reference-store.js'
import { seesExpired, type Bug } from './bug.js'

/** Shows something else than what is kept. */
function shows(change: (record: KeyRecord) => KeyRecord): Bug['wrap'] {
  return (client) => ({
    inspect: async (key) => {
      const record = await client.inspect(key)
      return record && change(record)
    },
  })
}

const showsHolders = (change: (holder: HolderRecord) => HolderRecord): Bug['wrap'] =>
  shows((record) => ({ ...record, holders: record.holders.map(change) }))

/** Keeps something else than what was given. */
function keepsHolder(change: (holder: HolderInfo) => HolderInfo): Bug['wrap'] {
  return (client) => ({ acquire: (request) => client.acquire({ ...request, holder: change(request.holder) }) })
}

const lists = (change: (list: Store['list'], records: Reference) => Store['list']): Bug['wrap'] => {
  return (client, records) => ({ list: change(client.list, records) })
}

export const viewBugs: readonly Bug[] = [
  {
    bug: 'shows a record for every key',
    caughtBy: 'knows nothing of a key that nobody holds or waits for',
    wrap: (client) => ({
      inspect: async (key) => (await client.inspect(key)) ?? { key, limit: 1, holders: [], waiters: [] },
    }),
  },
  {
    bug: 'does not keep expireMs',
    caughtBy: 'shows everything about a holder',
    wrap: keepsHolder(({ host, pid, label, since }) => ({ host, pid, label, since })),
  },
  {
    bug: 'shows no permits of a mutex',
    caughtBy: 'shows a mutex as a key with one permit',
    wrap: showsHolders((holder) => ({ ...holder, permits: 0 })),
  },
  {
    bug: 'keeps a label up to its first colon',
    caughtBy: 'gives names and labels back as they were, whatever characters they have',
    wrap: keepsHolder((holder) => ({ ...holder, label: holder.label?.split(':')[0] })),
  },
  {
    bug: 'keeps no label as an empty one',
    caughtBy: 'shows a holder without a label without a label',
    wrap: keepsHolder((holder) => ({ ...holder, label: holder.label ?? '' })),
  },
  {
    bug: 'shows what has expired',
    caughtBy: 'never shows an expired hold',
    patch: seesExpired('inspect'),
  },
  {
    bug: 'shows who asked last first',
    caughtBy: 'shows who waits, in order',
    wrap: shows((record) => ({ ...record, waiters: record.waiters.toReversed() })),
  },
  {
    bug: 'skips a key at the end of a page',
    caughtBy: 'lists every held key exactly once, page by page',
    wrap: lists((list) => async (prefix, limit, cursor) => {
      const page = await list(prefix, limit, cursor)
      return page.cursor === undefined ? page : { ...page, keys: page.keys.slice(1) }
    }),
  },
  {
    bug: 'shows the last key of a page again',
    caughtBy: 'lists every held key exactly once, page by page',
    wrap: lists((list) => async (prefix, limit, cursor) => {
      const page = await list(prefix, limit, cursor)
      return cursor === undefined ? page : { ...page, keys: [cursor, ...page.keys] }
    }),
  },
  {
    bug: 'does not page at all',
    caughtBy: 'lists every held key exactly once, page by page',
    wrap: lists((list) => (prefix) => list(prefix, 10_000)),
  },
  {
    bug: 'takes a prefix for a pattern',
    caughtBy: 'takes a prefix literally, whatever characters it has',
    patch: () => ({ begins: (key, prefix) => key.startsWith(prefix.replaceAll('*', '').replaceAll('?', '')) }),
  },
  {
    bug: 'lists whatever the case',
    caughtBy: 'tells small letters from capitals in a prefix',
    patch: () => ({ begins: (key, prefix) => key.toLowerCase().startsWith(prefix.toLowerCase()) }),
  },
  {
    bug: 'lists its own records too',
    caughtBy: 'lists a key once and by its own name, however many hold it or wait for it',
    wrap: lists((list) => async (prefix, limit, cursor) => {
      const page = await list(prefix, limit, cursor)
      return { ...page, keys: page.keys.flatMap((key) => [key, `${key}:queue`]) }
    }),
  },
  {
    bug: 'lists what was released',
    caughtBy: 'lists no key that was released or whose lease ended',
    wrap: remembersKeys,
  },
  {
    bug: 'keeps a record of every key that ever was',
    caughtBy: 'lists nothing after a thousand keys were held and released',
    wrap: remembersKeys,
  },
  {
    bug: 'takes capitals for small letters',
    caughtBy: 'tells keys apart that differ in anything at all',
    patch: () => ({ fold: (key) => key.toLowerCase() }),
  },
  {
    bug: 'keeps keys as text that ends at NUL',
    caughtBy: 'holds pools and queues of strange keys apart too',
    patch: () => ({ fold: (key) => key.split('\u0000')[0] ?? '' }),
  },
  {
    bug: 'keeps the first 1,000 characters of a key',
    caughtBy: 'takes keys of 1,024 bytes after the prefix',
    patch: () => ({ fold: (key) => key.slice(0, 1_000) }),
  },
  {
    bug: 'keeps the records of each client apart',
    caughtBy: 'excludes two clients from each other, in both directions',
    wrap: () => clientOf(new Reference()),
  },
  {
    bug: 'frees everything when a client closes',
    caughtBy: 'leaves what is held when a client closes, and the other clients at work',
    patch: (records) => ({ close: () => records.entries.clear() }),
  },
  { bug: 'closes once only', caughtBy: 'closes as often as it is told', error: Error, patch: closesOnce(1) },
  {
    bug: 'cannot close before it is used',
    caughtBy: 'closes without having been used',
    error: Error,
    patch: closesOnce(0),
  },
]

function remembersKeys(client: Store): Partial<Store> {
  const known = new Set<string>()
  return {
    acquire: (request) => {
      known.add(request.key)
      return client.acquire(request)
    },
    list: async (prefix) => ({ keys: [...known].filter((key) => key.startsWith(prefix)), cursor: undefined }),
  }
}

function closesOnce(times: number): Bug['patch'] {
  let closed = 0
  return () => ({
    close: () => {
      closed += 1
      if (closed > times) throw new Error('there is no connection to close')
    },
  })
}
