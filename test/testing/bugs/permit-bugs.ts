import { tick, type Bug } from './bug.js'

export const permitBugs: readonly Bug[] = [
  {
    bug: 'takes every key for a mutex',
    caughtBy: 'lets as many hold at once as there are permits',
    patch: () => ({ fits: ({ holds }) => holds.length === 0 }),
  },
  {
    bug: 'counts the free permits, and takes one later',
    caughtBy: 'grants exactly three of fifty requests for a pool of three',
    wrap: (client, records) => ({
      acquire: async (request) => {
        if (!records.fits(records.meet(request.key), request)) return client.acquire(request)
        await tick()
        return { granted: true, token: records.hold(records.meet(request.key), request, records.endOf(request)) }
      },
    }),
  },
  {
    bug: 'counts holders instead of permits',
    caughtBy: 'counts the permits that each request takes',
    patch: () => ({ used: ({ holds }) => holds.length }),
  },
  {
    bug: 'lets a writer in with readers',
    caughtBy: 'lets many readers in together, and a writer alone',
    patch: (records) => ({ fits: (entry) => records.used(entry) < entry.limit }),
  },
  {
    bug: 'takes a second permit for the same owner',
    caughtBy: 'grants a holder of a full pool its own permit again, and no second one',
    patch: (records) => ({
      again: ({ token }, request, entry) => {
        records.hold(entry, { ...request, owner: `${request.owner} again` }, records.endOf(request))
        return { granted: true, token }
      },
    }),
  },
  {
    bug: 'keeps what a holder asks for no more',
    caughtBy: 'takes back what a holder asks for no more, and lets the next in',
    patch: () => ({ shrink: () => undefined }),
  },
  {
    bug: 'believes everybody about the limit',
    caughtBy: 'refuses a limit other than that of the holders, and names both',
    patch: () => ({ check: () => undefined, fits: (entry, { limit }) => entry.holds.length < limit }),
  },
  {
    bug: 'lets impossible requests wait',
    caughtBy: 'refuses a request for more permits than there are, and creates nothing',
    patch: () => ({ check: () => undefined }),
  },
  {
    bug: 'has one lease for all holders of a pool',
    caughtBy: 'gives an expired permit back, and leaves the longer leases alone',
    patch: (records) => {
      const endOf = records.endOf.bind(records)
      return {
        hold: (entry, request) => {
          const token = ++records.lastToken
          entry.limit = request.limit
          entry.holds.push({ request, token, endsAtMs: 0 })
          for (const hold of entry.holds) hold.endsAtMs = endOf(request)
          records.keep(entry)
          return token
        },
      }
    },
  },
  {
    bug: 'shows when the whole pool is free',
    caughtBy: 'tells when the first permit of a full pool comes free',
    patch: (records) => ({
      refuse: ({ holds }) => ({
        granted: false,
        freeInMs: Math.max(...holds.map(({ endsAtMs }) => endsAtMs)) - records.nowMs(),
      }),
    }),
  },
  {
    bug: 'renews all holders of a pool',
    caughtBy: "renews one holder's lease in a pool, and nobody else's",
    patch: (records) => ({
      renew: (key, owner, ttlMs) => {
        const { holds } = records.meet(key)
        for (const hold of holds) hold.endsAtMs = records.nowMs() + ttlMs
        return holds.some((hold) => records.owns(hold, owner))
      },
    }),
  },
]
