import type { Bug } from './bug.js'

/** Tokens counted per something that does not live as long as the key. */
function countedPer(nameOf: (key: string, owner: string, limit: number) => string): Bug['patch'] {
  return () => {
    const counts = new Map<string, number>()
    return {
      nextToken: ({ key }, { owner, limit }) => {
        const name = nameOf(key, owner, limit)
        const token = (counts.get(name) ?? 0) + 1
        counts.set(name, token)
        return token
      },
    }
  }
}

export const tokenBugs: readonly Bug[] = [
  {
    bug: 'gives the time in seconds as a token',
    caughtBy: 'gives tokens that are whole numbers from 1 to 2^53 - 1',
    patch: () => ({ nextToken: () => performance.now() / 1000 }),
  },
  {
    bug: 'counts tokens from 0',
    caughtBy: 'gives tokens that are whole numbers from 1 to 2^53 - 1',
    patch: (records) => ({ nextToken: () => records.lastToken++ }),
  },
  {
    bug: 'begins the tokens again after each release',
    caughtBy: 'gives a larger token with every grant, however fast they follow each other',
    patch: () => ({ nextToken: () => 1 }),
  },
  {
    bug: 'takes tokens from a clock of whole milliseconds',
    caughtBy: 'gives a larger token with every grant, however fast they follow each other',
    patch: () => ({ nextToken: () => Date.now() }),
  },
  {
    bug: 'begins the tokens again when a key was forgotten',
    caughtBy: 'gives a larger token after a lease ended',
    patch: (records) => ({
      keep: (entry) => {
        if (entry.holds.length === 0) records.lastToken = 0
        records.entries.set(entry.key, entry)
      },
    }),
  },
  {
    bug: 'remembers a token per owner',
    caughtBy: 'gives a larger token to an owner that lost its hold and asks again',
    patch: (records) => {
      const tokens = new Map<string, number>()
      return {
        nextToken: (_, { owner }) => {
          const token = tokens.get(owner) ?? ++records.lastToken
          tokens.set(owner, token)
          return token
        },
      }
    },
  },
  {
    bug: 'begins the tokens again after a forced release',
    caughtBy: 'gives a larger token after a forced release',
    patch: (records) => {
      const forceRelease = records.forceRelease.bind(records)
      return {
        forceRelease: (key) => {
          records.lastToken = 0
          return forceRelease(key)
        },
      }
    },
  },
  {
    bug: 'hands the token over with the key',
    caughtBy: 'gives a larger token with a hand-over',
    patch: (records) => {
      const handOver = records.handOver.bind(records)
      return {
        handOver: (key, owner, next) => {
          records.lastToken -= 1
          return handOver(key, owner, next)
        },
      }
    },
  },
  {
    bug: 'gives all holders of a pool one token',
    caughtBy: 'gives each holder of a pool a token of its own, larger than those before',
    patch: (records) => ({ nextToken: (entry) => entry.holds[0]?.token ?? ++records.lastToken }),
  },
  {
    bug: 'counts the tokens of pools and mutexes apart',
    caughtBy: 'gives a larger token when a key changes between mutex and pool',
    patch: countedPer((key, _, limit) => `${key} ${limit}`),
  },
  {
    bug: 'shows the token of the grant to come',
    caughtBy: 'shows the token of a holder in inspect',
    wrap: (client, records) => ({
      inspect: async (key) => {
        const record = await client.inspect(key)
        const holders = record?.holders.map((holder) => ({ ...holder, token: records.lastToken + 1 })) ?? []
        return record && { ...record, holders }
      },
    }),
  },
]
