// Planted bugs where no simulated world comes: in scripts that run inside Redis, in names, in what callers are told.

const redisModel = 'test/simulation/model.test.ts'
const features = 'test/testing/simulate-features.test.ts'

/** See ./index.mjs. */
export const tested = [
  {
    name: 'the script lets any owner release',
    file: 'src/stores/redis/lua-holds.ts',
    from: "local own = type(value) == 'string' and string.find(value, mark, 1, true) == 1",
    to: "local own = type(value) == 'string'",
    after: 'py-cachify, ShedLock with memcached',
    tests: redisModel,
  },
  {
    name: 'the script lets any owner renew',
    file: 'src/stores/redis/lua-holds.ts',
    from: '  if string.find(value, mark, 1, true) ~= 1 then return 0 end\n',
    to: '',
    tests: redisModel,
  },
  {
    name: 'the script forgets its last token',
    file: 'src/stores/redis/lua-acquire.ts',
    from: 'if not last or #last == #token and last < token then return token end',
    to: 'if true then return token end',
    after: 'madelson with MongoDB, Curator',
    tests: redisModel,
  },
  {
    name: 'a wall clock that jumps ahead is not believed',
    file: 'src/core/env.ts',
    from: 'Math.max(passedMs, to.wallMs - from.wallMs)',
    to: 'passedMs',
    tests: 'test/core/lease.test.ts',
  },
  {
    name: 'a store that fails is taken for a locked key',
    file: 'src/core/acquire.ts',
    from: 'if (error instanceof LockedError) return undefined',
    to: 'if (error instanceof LockedError || error instanceof StoreError) return undefined',
    after: 'verrou',
    tests: 'test/core/lease.test.ts',
  },
  {
    name: 'a timer of more than 2^31 ms is not cut',
    file: 'src/core/timers.ts',
    from: 'Math.min(Math.max(Math.ceil(delayMs), 1), longestMs)',
    to: 'Math.max(Math.ceil(delayMs), 1)',
    after: 'bull',
    tests: 'test/core/timers.test.ts',
  },
  {
    name: 'upper and lower case are one key',
    file: 'src/features/instance.ts',
    from: 'storeKey: this.#options.prefix + key',
    to: 'storeKey: this.#options.prefix + key.toLowerCase()',
    after: 'GET_LOCK of MySQL',
    tests: 'test/features/keys.test.ts',
  },
  {
    name: 'keys of one lock have several slots',
    file: 'src/stores/redis/keys.ts',
    from: "return tagAt(name, name.indexOf('{'))",
    to: "return tagAt(name, name.lastIndexOf('{'))",
    after: 'syncguard',
    tests: 'test/redis/keys.test.ts',
  },
  {
    name: 'a value from before a reset is kept',
    file: 'src/stores/memory/values.ts',
    from: 'if (before !== undefined && before.token > token) return false',
    to: '',
    tests: features,
  },
  {
    name: 'a cached function does not wait for who computes',
    file: 'src/features/cached-load.ts',
    from: "found === 'outage' ? 'alone' : 'wait'",
    to: "'alone'",
    tests: features,
  },
  {
    name: 'who runs once runs beside others',
    file: 'src/features/once.ts',
    from: 'return this.runElse(body, this.#otherwise as () => T) // its type is that of the options',
    to: 'return body(undefined as never) as never',
    tests: features,
  },
  {
    name: 'a pool in memory has one more',
    file: 'src/stores/memory/entry.ts',
    from: 'return this.used + request.permits <= this.limit\n',
    to: 'return this.used + request.permits <= this.limit + (this.limit > 1 ? 1 : 0)\n',
    tests: features,
  },
  {
    name: 'a pool that shrank grants as before',
    file: 'src/stores/memory/entry.ts',
    from: '    this.limit = limit\n    for',
    to: '    this.limit = Math.max(this.limit, limit)\n    for',
    tests: 'test/features/pool-resize.test.ts',
  },
  {
    name: 'a resize on Redis wakes nobody',
    file: 'src/stores/redis/lua-holds.ts',
    from: "if taken > 0 then redis.call('HSET', main, '#limit', to) end\npcall(promote)",
    to: "if taken > 0 then redis.call('HSET', main, '#limit', to) end",
    tests: 'test/redis/pools.test.ts',
  },
]
