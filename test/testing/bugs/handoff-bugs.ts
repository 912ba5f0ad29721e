import { releaseBy, type Bug } from './bug.js'

export const handoffBugs: readonly Bug[] = [
  {
    bug: 'forgets the next',
    caughtBy: 'hands a key over in one step',
    patch: (records) => ({
      handOver: (key, owner) => ({ released: records.release(key, owner), next: { granted: false } }),
    }),
  },
  {
    bug: 'hands over in two steps',
    caughtBy: 'lets nobody in between the release and the next',
    wrap: (client) => ({
      release: releaseBy(client, {
        handOver: async (key, owner, next) => {
          const released = await client.release(key, owner)
          await new Promise((resolve) => setTimeout(resolve, 10))
          return { released, next: await client.acquire(next) }
        },
      }),
    }),
  },
  {
    bug: 'makes no next request when the release came to nothing, asked twice',
    caughtBy: 'answers a repeated hand-over with the same grant',
    patch: (records) => ({
      handOver: (key, owner, next) => {
        const released = records.release(key, owner)
        return { released, next: released ? records.acquire(next) : { granted: false } }
      },
    }),
  },
  {
    bug: 'grants the next whoever holds',
    caughtBy: 'refuses the next when another holds, and releases nothing that is not its own',
    patch: (records) => ({
      handOver: (key, owner, next) => ({
        released: records.release(key, owner),
        next: { granted: true, token: records.hold(records.meet(key), next, records.endOf(next)) },
      }),
    }),
  },
  {
    bug: 'makes no next request when the hold has expired',
    caughtBy: 'makes the next request also when the hold is gone already',
    patch: (records) => ({
      handOver: (key, owner, next) => {
        const released = records.release(key, owner)
        return { released, next: released ? records.acquire(next) : { granted: false } }
      },
    }),
  },
  {
    bug: 'releases only when it can grant the next',
    caughtBy: 'releases also when the next has to wait for more permits',
    patch: (records) => ({
      handOver: (key, owner, next) => {
        const entry = records.meet(key)
        if (records.used(entry) - 1 + next.permits > entry.limit) return { released: false, next: { granted: false } }
        return { released: records.release(key, owner), next: records.acquire(next) }
      },
    }),
  },
  {
    bug: 'gives the next what the holder had',
    caughtBy: 'gives the next the lease and the permits it asks for',
    patch: (records) => ({
      handOver: (key, owner, next) => {
        const { request } = records.meet(key).holds.find((hold) => records.owns(hold, owner)) ?? { request: next }
        const { ttlMs, permits } = request
        return { released: records.release(key, owner), next: records.acquire({ ...next, ttlMs, permits }) }
      },
    }),
  },
  {
    bug: 'does not look at the next',
    caughtBy: 'fails with the error of the next when it is impossible',
    patch: () => ({ check: () => undefined }),
  },
]
