// Planted bugs of `cached`, `once` and holds that change hands: looked for in the worlds of these.

/** See ./index.mjs. */
export const features = [
  {
    name: 'whoever gets the lock computes without another look',
    file: 'src/features/cached-load.ts',
    from: 'const meanwhile = yield* find(call, true)',
    to: 'const meanwhile = undefined',
  },
  {
    name: 'what is cached is computed without a lock',
    file: 'src/features/cached-load.ts',
    from: "if (manner !== 'alone') lease = yield* lock(call, manner)",
    to: '',
    after: 'bentocache, cache-manager',
  },
  {
    name: 'a value of before a reset is given to those who come later',
    file: 'src/features/cached-load.ts',
    from: 'until: isKept ? steps.done : steps.asks',
    to: 'until: steps.done',
  },
  {
    name: 'a value that was kept is given though it was reset since',
    file: 'src/features/cached-load.ts',
    from: '(joined || step < outcome.until)',
    to: '(joined || outcome.until > steps.asks)',
  },
  {
    name: 'memory keeps what was computed under a lock that was lost',
    file: 'src/features/cached-load.ts',
    from: 'if (way.live && !lease.active) return',
    to: 'if (false) return',
  },
  {
    name: 'a value that was found once is given for ever',
    file: 'src/features/cached-hits.ts',
    from: 'kept.staleMs === 0 && instance',
    to: 'instance',
  },
  {
    name: 'an old value comes back when a newer one has ended',
    file: 'test/simulation/model/values.ts',
    from: '(record.token?.last ?? 0) > token || ',
    to: '',
  },
  {
    name: 'the script lets an old value come back when a newer one has ended',
    file: 'src/stores/redis/lua-values.ts',
    from: 'if granted and granted > tonumber(token) then return 0 end',
    to: '',
    tests: 'test/redis/values.test.ts',
  },
  {
    name: 'once runs beside others',
    file: 'src/features/once.ts',
    from: 'return this.runElse(body, this.#otherwise as () => T) //',
    to: 'return this.runElse(body, body as () => T) //',
  },
  {
    name: 'a hold that was given away goes on',
    file: 'src/core/export.ts',
    from: "hold.end('LOCK_RELEASED', 'it was exported: whoever adopts it holds now')",
    to: '',
  },
  {
    name: 'a hold is adopted though it was over',
    file: 'src/features/adopt.ts',
    from: 'return { ...terms, adopts: exported.owner, expireMs, minHoldMs }',
    to: 'return { ...terms, expireMs, minHoldMs }',
  },
  {
    name: 'the giver of a permit keeps it',
    file: 'test/simulation/model/scripts.ts',
    from: 'pool.holds.delete(giver.owner)',
    to: '',
  },
  {
    name: 'expire begins anew for whoever adopts',
    file: 'src/features/adopt.ts',
    from: 'const leftMs = (exported.expireMs ?? Number.POSITIVE_INFINITY) - spentMs',
    to: 'const leftMs = exported.expireMs ?? Number.POSITIVE_INFINITY',
  },
].map((mutant) => ({ ...mutant, features: true }))
