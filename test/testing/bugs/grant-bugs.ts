import type { Capabilities, Store } from '../../../src/core/store.js'
import { sharedCapabilities, type Reference } from '../reference-store.js'
import { tick, type Bug } from './bug.js'

const declares = (wrong: Partial<Capabilities>): Partial<Store> => ({
  capabilities: { ...sharedCapabilities, ...wrong, sync: false },
})

export const grantBugs: readonly Bug[] = [
  {
    bug: 'declares a queue that was not promised',
    caughtBy: 'declares what was promised of it, completely and without contradiction',
    wrap: () => declares({ fair: false }),
  },
  {
    bug: 'has a capability of its own invention',
    caughtBy: 'declares what was promised of it, completely and without contradiction',
    wrap: () => declares({ token: 'random' as 'none' }),
  },
  {
    bug: 'answers some calls with a promise',
    caughtBy: 'answers without a promise',
    sync: true,
    wrap: (client) => ({ list: async (prefix, limit) => client.list(prefix, limit) }),
  },
  {
    bug: 'throws where it should reject',
    caughtBy: 'answers with promises, and fails with them too',
    wrap: (_, records) => ({ acquire: (request) => Promise.resolve(records.acquire(request)) }),
  },
  {
    bug: 'grants a held key',
    caughtBy: 'grants a free key, and refuses it to others until it is released',
    patch: () => ({ fits: () => true }),
  },
  {
    bug: 'does not say who holds',
    caughtBy: 'tells who holds the key, and by when it comes free',
    wrap: (client) => ({ acquire: async (request) => ({ ...(await client.acquire(request)), holder: undefined }) }),
  },
  {
    bug: 'shows the end of the lease as a date',
    caughtBy: 'tells who holds the key, and by when it comes free',
    wrap: (client) => ({
      acquire: async (request) => ({ ...(await client.acquire(request)), freeInMs: Date.now() + 20_000 }),
    }),
  },
  {
    bug: 'waits for itself',
    caughtBy: 'grants the same owner what it holds already, with the same token',
    patch: (records) => ({ again: (_, request, entry) => records.refuse(entry, request) }),
  },
  {
    bug: 'gives a new token to the same owner',
    caughtBy: 'grants the same owner what it holds already, with the same token',
    patch: (records) => ({ again: () => ({ granted: true, token: ++records.lastToken }) }),
  },
  {
    bug: 'keeps the first lease',
    caughtBy: 'starts the lease anew when the same owner asks again',
    patch: () => ({ again: ({ token }) => ({ granted: true, token }) }),
  },
  {
    bug: 'counts the copies of a request',
    caughtBy: 'treats two copies of a request as one',
    patch: (records) => ({
      again: (_, request, entry) => ({ granted: true, token: records.hold(entry, request, records.endOf(request)) }),
    }),
  },
  { bug: 'looks first, takes later', caughtBy: 'grants exactly one of fifty requests made at once', wrap: looksFirst },
  {
    bug: 'looks first, takes later, as turns end',
    caughtBy: 'never lets two hold at once while many take turns',
    wrap: looksFirst,
  },
  {
    bug: 'queues who did not ask to',
    caughtBy: 'forgets a refused request that did not queue',
    patch: () => ({ wantsToQueue: () => true, isOver: () => false }),
  },
]

function looksFirst(client: Store, records: Reference): Partial<Store> {
  return {
    acquire: async (request) => {
      if ((await client.inspect(request.key)) !== undefined) return client.acquire(request)
      await tick()
      return { granted: true, token: records.hold(records.meet(request.key), request, records.endOf(request)) }
    },
  }
}
