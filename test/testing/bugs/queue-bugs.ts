import { releaseBy, type Bug } from './bug.js'

export const queueBugs: readonly Bug[] = [
  {
    bug: 'serves the last first',
    caughtBy: 'serves requests in the order they came',
    patch: (records) => ({
      enqueue: ({ queue }, request) => {
        queue.unshift({ request, endsAtMs: records.nowMs() + request.queueMs })
        return queue.length - 1
      },
    }),
  },
  {
    bug: 'sends who asks again to the end',
    caughtBy: 'keeps the place of a request that is made again',
    patch: (records) => {
      const enqueue = records.enqueue.bind(records)
      return {
        enqueue: (entry, request) => {
          entry.queue = entry.queue.filter((waiter) => waiter.request.owner !== request.owner)
          return enqueue(entry, request)
        },
      }
    },
  },
  {
    bug: 'counts the place from the first request only',
    caughtBy: 'renews the place of a request that is made again',
    patch: (records) => ({
      enqueue: ({ queue }, request) => {
        const place = queue.findIndex((waiter) => waiter.request.owner === request.owner)
        return place < 0 ? queue.push({ request, endsAtMs: records.nowMs() + request.queueMs }) - 1 : place
      },
    }),
  },
  {
    bug: 'waits for dead waiters',
    caughtBy: 'drops a waiter that has not asked for longer than its own queueMs',
    patch: (records) => ({ isOver: (one) => 'token' in one && one.endsAtMs <= records.nowMs() }),
  },
  {
    bug: 'cannot leave the queue',
    caughtBy: 'takes a waiter out of the queue when it releases',
    patch: (records) => {
      const release = records.release.bind(records)
      return {
        release: (key, owner) => {
          const { queue } = records.meet(key)
          return queue.some(({ request }) => request.owner === owner) || release(key, owner)
        },
      }
    },
  },
  {
    bug: 'says yes when a waiter renews',
    caughtBy: 'refuses renewal by a waiter, which holds nothing',
    patch: (records) => {
      const renew = records.renew.bind(records)
      return {
        renew: (key, owner, ttlMs) =>
          renew(key, owner, ttlMs) || records.meet(key).queue.some(({ request }) => request.owner === owner),
      }
    },
  },
  {
    bug: 'keeps waiters that gave up',
    caughtBy: 'leaves nothing behind when the waiters gave up',
    patch: (records) => ({ isOver: (one) => 'token' in one && one.endsAtMs <= records.nowMs() }),
  },
  {
    bug: 'gives a place to everybody',
    caughtBy: 'queues no request that did not ask to queue',
    patch: () => ({ wantsToQueue: () => true }),
  },
  {
    bug: 'lets in whoever fits',
    caughtBy: 'lets no newcomer overtake a request for many permits',
    patch: () => ({ isNext: () => true }),
  },
  {
    bug: 'leaves it to the waiters to try again',
    caughtBy: 'grants a released key to the head of the queue, which needs no further try',
    patch: (records) => ({
      promote: () => undefined,
      isNext: ({ queue }, { owner }) => {
        const isHead = queue.length === 0 || queue[0]?.request.owner === owner
        if (isHead) queue.shift()
        return isHead || records.lastToken < 0
      },
    }),
  },
  ...(['acquire', 'renew', 'release', 'inspect'] as const).map((call): Bug => ({
    bug: `looks away when a lease ended: ${call}`,
    caughtBy: `grants an expired key to the head of the queue when any call meets it: ${call}`,
    patch: () => ({ afterExpiry: () => undefined }),
  })),
  {
    bug: 'hands over past the queue',
    caughtBy: 'grants a hand-over to the head of the queue, not to the next of the holder',
    patch: (records) => ({
      handOver: (key, owner, next) => {
        const entry = records.meet(key)
        const { queue } = entry
        entry.queue = []
        const released = records.release(key, owner)
        const answer = records.acquire(next)
        records.meet(key).queue = queue
        return { released, next: answer }
      },
    }),
  },
  {
    bug: 'wakes one waiter at a time',
    caughtBy: 'grants to as many of the queue as there is room for',
    patch: (records) => {
      const promote = records.promote.bind(records)
      return {
        promote: (entry) => {
          const rest = entry.queue.splice(1)
          promote(entry)
          entry.queue.push(...rest)
        },
      }
    },
  },
  {
    bug: 'serves the queue only when a hold ends',
    caughtBy: 'serves the rest of the queue when its head gives up a request for many permits',
    wrap: (client, records) => ({
      release: releaseBy(client, {
        plain: async (key, owner) => {
          const entry = records.meet(key)
          const left = entry.queue.filter(({ request }) => request.owner !== owner)
          if (left.length === entry.queue.length) return client.release(key, owner)
          entry.queue = left
          return true
        },
      }),
    }),
  },
  {
    bug: 'grants to waiters that died in the queue',
    caughtBy: 'passes over a waiter that died in the queue',
    patch: (records) => ({ isOver: (one) => 'token' in one && one.endsAtMs <= records.nowMs() }),
  },
  {
    bug: 'gives the dead a full lease',
    caughtBy: 'takes a key that was granted to a dead waiter back after its queueMs',
    patch: (records) => ({ endOfPromoted: (request) => records.endOf(request) }),
  },
  {
    bug: 'leaves a promoted request its short lease',
    caughtBy: 'gives a promoted request the lease it asks for when it asks again',
    patch: () => ({ again: ({ token }) => ({ granted: true, token }) }),
  },
]
