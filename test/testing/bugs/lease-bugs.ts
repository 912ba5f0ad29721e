import type { Bug } from './bug.js'

/** What `setTimeout` can count to. */
const longestTimerMs = 2 ** 31 - 1

export const leaseBugs: readonly Bug[] = [
  {
    bug: 'ends a lease 60 ms early',
    caughtBy: 'frees a key whose lease ended, and not before',
    patch: (records) => ({ endOf: ({ ttlMs }) => records.nowMs() + (ttlMs ?? Infinity) - 60 }),
  },
  {
    bug: 'never ends a lease',
    caughtBy: 'frees a key whose lease ended, and not before',
    patch: () => ({ isOver: () => false }),
  },
  {
    bug: 'says yes to a renewal of what has no lease, and forgets it',
    caughtBy: 'gives a hold without a lease the end that a renewal asks for',
    sync: true,
    wrap: () => ({ renew: async () => true }),
  },
  {
    bug: 'says yes to a renewal and forgets it',
    caughtBy: 'keeps a renewed hold beyond its first lease',
    wrap: () => ({ renew: async () => true }),
  },
  {
    bug: 'never shortens a lease',
    caughtBy: 'sets the lease by renewal, counted from now, longer or shorter',
    patch: (records) => ({
      renew: (key, owner, ttlMs) => {
        const own = records.meet(key).holds.find((hold) => records.owns(hold, owner))
        if (own !== undefined) own.endsAtMs = Math.max(own.endsAtMs, records.nowMs() + ttlMs)
        return own !== undefined
      },
    }),
  },
  {
    bug: 'adds a renewal to what is left',
    caughtBy: 'sets the lease by renewal, counted from now, longer or shorter',
    patch: (records) => ({
      renew: (key, owner, ttlMs) => {
        const own = records.meet(key).holds.find((hold) => records.owns(hold, owner))
        if (own !== undefined) own.endsAtMs += ttlMs
        return own !== undefined
      },
    }),
  },
  {
    bug: 'prolongs a lease by looking',
    caughtBy: 'shows how much of the lease is left, and looking prolongs nothing',
    patch: (records) => {
      const inspect = records.inspect.bind(records)
      return {
        inspect: (key) => {
          for (const hold of records.meet(key).holds) hold.endsAtMs = records.endOf(hold.request)
          return inspect(key)
        },
      }
    },
  },
  {
    bug: 'ends a long lease after a millisecond',
    caughtBy: 'keeps a lease of 30 days',
    patch: (records) => ({
      endOf: ({ ttlMs }) => records.nowMs() + (ttlMs !== null && ttlMs <= longestTimerMs ? ttlMs : 1),
    }),
  },
  {
    bug: 'takes no lease for a short one',
    caughtBy: 'keeps a hold without a lease until it is released',
    sync: true,
    patch: (records) => ({ endOf: ({ ttlMs }) => records.nowMs() + (ttlMs ?? 1) }),
  },
  {
    bug: "counts by the holder's clock",
    caughtBy: "takes no notice of the holder's clock",
    patch: (records) => ({
      endOf: ({ ttlMs, holder }) => records.nowMs() + holder.since + (ttlMs ?? Infinity) - Date.now(),
    }),
  },
]
