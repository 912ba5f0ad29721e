// Planted bugs of locks of several keys. Those of tests are of what the simulated programs, who take two, do not see.

const taking = 'test/features/several-keys.test.ts'
const waiting = 'test/features/several-waiting.test.ts'
const failing = 'test/features/several-failing.test.ts'
const leases = 'test/features/several-leases.test.ts'
const onRedis = 'test/redis/several.test.ts'

/** See ./index.mjs. */
export const severalKeys = [
  {
    name: 'several keys are taken in the order of the call',
    file: 'src/features/multi-handle.ts',
    from: '[...new Set(keys.map(checkKey))].sort()',
    to: '[...new Set(keys.map(checkKey))]',
    tests: taking,
  },
  {
    name: 'what was taken of several keys is kept when one is not to be had',
    file: 'src/features/acquire-all.ts',
    from: '      await giveBack(holds)\n      throw failureOf(error',
    to: '      throw failureOf(error',
  },
  {
    name: 'each of several keys is waited for anew',
    file: 'src/features/acquire-all.ts',
    from: 'waitMs: leftMs(space, waiting, sinceMs), signal',
    to: 'waitMs: waiting.waitMs, signal',
    tests: waiting,
  },
  {
    name: 'one of several keys is lost while others are waited for',
    file: 'src/features/acquire-all.ts',
    from: 'const lost = firstLost(holds)',
    to: 'const lost = undefined',
  },
  {
    name: 'a lost reply leaves several keys held',
    file: 'src/features/acquire-all.ts',
    from: 'if (failing?.unknown === true) abandon(space, others, othersSeats)',
    to: '',
    tests: failing,
  },
  {
    name: 'a refusal after a lost reply leaves several keys held',
    file: 'src/features/acquire-all.ts',
    from: 'if (failing?.unknown === true) abandon(space, all, seats)',
    to: '',
    tests: failing,
  },
  {
    name: 'several keys pass those who wait in this process',
    file: 'src/features/acquire-all.ts',
    from: 'return waitMs <= 0 || !all.some(({ storeKey }) => held.has(storeKey) || gates.has(storeKey))',
    to: 'return true',
    tests: waiting,
  },
  {
    name: 'expire of several keys counts from the first',
    file: 'src/features/several.ts',
    from: 'if (expireMs === undefined && minHoldMs === 0) return terms',
    to: 'return terms',
    tests: waiting,
  },
  {
    name: 'a lease of several keys forgets the first when it ends',
    file: 'src/features/multi-lease.ts',
    from: 'return this.#holds.toReversed()',
    to: 'return this.#holds.slice(1).toReversed()',
    tests: taking,
  },
  {
    name: 'a lease of several keys is active while one of them is',
    file: 'src/features/multi-lease.ts',
    from: 'return this.#holds.every((hold) => hold.isActive())',
    to: 'return this.#holds.some((hold) => hold.isActive())',
    tests: leases,
  },
  {
    name: 'the script of several keys passes those who wait',
    file: 'src/stores/redis/lua-acquire-all.ts',
    from: " == 10 and redis.call('EXISTS', queue) == 1 then return end",
    to: ' == 10 and false then return end',
    tests: onRedis,
  },
  {
    name: 'the script of several keys forgets the last tokens',
    file: 'src/stores/redis/lua-acquire-all.ts',
    from: 'if before and before >= tonumber(token)',
    to: 'if false and before >= tonumber(token)',
    tests: onRedis,
  },
  {
    name: 'several keys that the server finds to be in several places are an error',
    file: 'src/stores/redis/store.ts',
    from: "if (error instanceof Error && messageOf(error.cause).startsWith('CROSSSLOT')) return undefined",
    to: '',
    tests: onRedis,
  },
  {
    name: 'of several keys those that were taken early are handed out stale',
    file: 'src/features/acquire-all.ts',
    from: 'await Promise.all(stale.map((hold) => renew(hold, mark)))',
    to: 'return',
    tests: waiting,
  },
  {
    name: 'of several keys a late answer to an early question ends the least hold',
    file: 'src/core/terms.ts',
    from: ' || minHoldLater === true',
    to: '',
    tests: waiting,
  },
  {
    name: 'of several keys one is granted after all were given back',
    file: 'src/features/acquire-all.ts',
    from: 'if (answer.granted && hold.ended !== undefined) space.cleanUp(terms, owner)',
    to: '',
    tests: waiting,
  },
]
