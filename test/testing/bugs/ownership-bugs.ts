import type { Store } from '../../../src/core/store.js'
import type { Reference } from '../reference-store.js'
import { releaseBy, seesExpired, tick, type Bug } from './bug.js'

export const ownershipBugs: readonly Bug[] = [
  { bug: 'renews for strangers', caughtBy: 'lets only the owner renew', patch: () => ({ owns: () => true }) },
  {
    bug: 'releases for strangers',
    caughtBy: 'lets only the owner release',
    patch: (records) => ({ release: (key) => records.forceRelease(key) }),
  },
  {
    bug: 'says true to every release',
    caughtBy: 'answers false to a second release, which harms nobody',
    wrap: (client) => ({
      release: releaseBy(client, { plain: async (key, owner) => (await client.release(key, owner)) || true }),
    }),
  },
  {
    bug: 'creates by renewal',
    caughtBy: 'answers false to renewal and release of a key that nobody holds, and creates nothing',
    wrap: renewCreates,
  },
  {
    bug: 'obeys the owner before',
    caughtBy: 'refuses renewal and release by an owner whose key was taken over',
    patch: (records) => ({ owns: () => true, again: (_, request, entry) => records.refuse(entry, request) }),
  },
  {
    bug: 'grants to the owner before',
    caughtBy: 'refuses an owner that asks again after its key was taken over',
    patch: (records) => {
      const acquire = records.acquire.bind(records)
      const tokens = new Map<string, number>()
      return {
        acquire: (request) => {
          const token = tokens.get(request.owner)
          const answer = token === undefined ? acquire(request) : { granted: true as const, token }
          if (answer.granted) tokens.set(request.owner, answer.token)
          return answer
        },
      }
    },
  },
  {
    bug: 'revives what expired',
    caughtBy: 'never revives an expired hold by renewal',
    patch: seesExpired('renew'),
  },
  {
    bug: 'releases what expired',
    caughtBy: 'answers false to the release of an expired hold',
    patch: seesExpired('release'),
  },
  {
    bug: 'revives what was released',
    caughtBy: 'never revives a hold by renewal after its release or forced release',
    wrap: renewCreates,
  },
  {
    bug: 'renews in two steps',
    caughtBy: 'leaves nothing when renewals race with the release',
    wrap: (client, records) => ({
      renew: async (key, owner, ttlMs) => {
        const hold = records.meet(key).holds.find((one) => records.owns(one, owner))
        await tick()
        if (hold === undefined || (await client.renew(key, owner, ttlMs))) return hold !== undefined
        return records.hold(records.meet(key), hold.request, Infinity) > 0
      },
    }),
  },
]

function renewCreates(client: Store, records: Reference): Partial<Store> {
  return {
    renew: async (key, owner, ttlMs) => {
      const holder = { host: '', pid: 1, label: undefined, since: 0 }
      const request = { key, owner, ttlMs, limit: 1, permits: 1, queueMs: 0, holder }
      return (await client.renew(key, owner, ttlMs)) || records.acquire(request).granted
    },
  }
}
