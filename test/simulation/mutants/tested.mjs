// Planted bugs where no simulated world comes: in scripts that run inside Redis, in names, in what callers are told.

const redisModel = 'test/simulation/model.test.ts'

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
    name: 'a question that was given up is not taken back',
    file: 'src/core/contender.ts',
    from: "if (outcomeOf(error) === 'unknown' && this.#isNobodys(seat, terms)) this.#space.cleanUp(terms, seat.owner)",
    to: '',
    tests: 'test/core/contending.test.ts',
  },
  {
    name: 'a hold that is refused may be passed on',
    file: 'src/core/hold.ts',
    from: '|| deadline.isRefused ',
    to: '',
    tests: 'test/core/contending.test.ts',
  },
  {
    name: 'a short lease waits as long for its renewal as a long one',
    file: 'src/core/renewal.ts',
    from: 'Math.min(terms.storeTimeoutMs, renewAfterMs(leftMs))',
    to: 'terms.storeTimeoutMs',
    tests: 'test/core/contending.test.ts',
  },
  {
    name: 'who asks for a moment without a place loses his place',
    file: 'src/stores/redis/lua-together.ts',
    from: "limit == '1' and queueMs ~= '0' and",
    to: "limit == '1' and",
    tests: 'test/redis/together.test.ts',
  },
  {
    name: 'a queue does not outlast its newcomers',
    file: 'src/stores/redis/lua-queue.ts',
    from: "if before == 0 or redis.call('PTTL', queue) < 10000 + queueMs then",
    to: 'if before == 0 then',
    tests: 'test/redis/queue.test.ts',
  },
]
