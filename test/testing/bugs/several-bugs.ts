import type { AcquireRequest, AnswerToAll, Store } from '../../../src/core/store.js'
import { Reference } from '../reference-store.js'
import { tick, type Bug } from './bug.js'

/** What a store without `acquireAll` would do. */
function oneByOne(
  client: Store,
  after: (got: readonly AcquireRequest[]) => Promise<unknown>,
): (requests: readonly AcquireRequest[]) => Promise<AnswerToAll> {
  return async (requests) => {
    const tokens: number[] = []
    for (const [index, request] of requests.entries()) {
      const answer = await client.acquire(request)
      await tick()
      if (answer.granted) tokens.push(answer.token)
      else {
        await after(requests.slice(0, index))
        return { ...answer, index }
      }
    }
    return { granted: true, tokens }
  }
}

const keep = (): Promise<void> => Promise.resolve()

export const severalBugs: readonly Bug[] = [
  {
    bug: 'gives several keys the token of the first',
    caughtBy: 'grants several keys in one step, each with a token of its own key',
    wrap: (client) => ({
      acquireAll: async (requests) => {
        const answer = await client.acquireAll?.(requests.slice(0, 1))
        return answer?.granted === true ? { granted: true, tokens: requests.map(() => answer.tokens[0] ?? 0) } : answer
      },
    }),
  },
  {
    bug: 'names no holder, and the last key, when it refuses several',
    caughtBy: 'grants none of several keys when one is held, and says which',
    wrap: (client) => ({
      acquireAll: async (requests) => {
        const answer = await client.acquireAll?.(requests)
        return answer?.granted === false ? { granted: false, index: requests.length - 1 } : answer
      },
    }),
  },
  {
    bug: 'keeps what it took of several keys when one is held',
    caughtBy: 'grants none of several keys when one is held, and says which',
    wrap: (client) => ({ acquireAll: oneByOne(client, keep) }),
  },
  {
    bug: 'grants the same owners of several keys anew',
    caughtBy: 'grants the same owners several keys again, with the same tokens and a new lease',
    patch: (records) => ({
      tokenOf: (request) => {
        records.release(request.key, request.owner)
        const answer = records.acquire(request)
        return answer.granted ? answer.token : 0
      },
    }),
  },
  {
    bug: 'releases what it does not grant of several keys',
    caughtBy: 'keeps what an owner holds when another of several keys is refused',
    patch: (records) => ({
      acquireAll: (requests) => {
        const answer = Reference.prototype.acquireAll.call(records, requests)
        if (!answer.granted) for (const { key, owner } of requests) records.release(key, owner)
        return answer
      },
    }),
  },
  {
    bug: 'passes those who wait with several keys',
    caughtBy: 'stands in no queue for several keys, and passes nobody who does',
    patch: (records) => ({
      afterExpiry: () => undefined,
      acquireAll: (requests) => {
        for (const { key } of requests) {
          const entry = records.meet(key)
          if (entry.holds.length === 0) entry.queue = []
        }
        return Reference.prototype.acquireAll.call(records, requests)
      },
    }),
  },
  {
    bug: 'takes several keys one by one',
    caughtBy: 'lets exactly one have several keys for which many ask at once, in any order',
    wrap: (client) => ({
      acquireAll: oneByOne(client, (got) => Promise.all(got.map(({ key, owner }) => client.release(key, owner)))),
    }),
  },
  {
    bug: 'finds out about a pool when it has taken the keys before it',
    caughtBy: 'refuses several keys when one is a pool at its holders, and takes none',
    wrap: (client) => ({ acquireAll: oneByOne(client, keep) }),
  },
]
