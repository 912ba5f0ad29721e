// One-line bugs, each of which the simulator has to find. `from` has to stand in the file exactly once. `after` says
// whose bug it was, where it is not only ours to make.

const contender = 'src/core/contender.ts'
const acquire = 'src/core/acquire.ts'
const gate = 'src/core/gate.ts'
const hold = 'src/core/hold.ts'
const renewal = 'src/core/renewal.ts'
const release = 'src/core/release.ts'
const space = 'src/core/space.ts'
const waiter = 'src/core/waiter.ts'
const plan = 'src/core/plan.ts'
const memory = 'src/stores/memory/memory.ts'
const entry = 'src/stores/memory/entry.ts'
const scripts = 'test/simulation/model/scripts.ts'
const held = 'test/simulation/model/held.ts'
const record = 'test/simulation/model/record.ts'

export const mutants = [
  // deadlines
  {
    name: 'no deadline',
    file: hold,
    from: "? undefined : 'LOCK_LOST'\n  }\n\n  /** A store that renews",
    to: '? undefined : undefined\n  }\n\n  /** A store that renews',
    after: 'redlock, redis-semaphore',
  },
  {
    name: 'deadline counted from the reply',
    file: contender,
    from: 'token: answer.token, mark, noticed: false',
    to: 'token: answer.token, mark: markOf(this.#space.env, false), noticed: false',
  },
  {
    name: 'deadline of a renewal counted from its reply',
    file: renewal,
    from: 'if (renewed) renewedAt(hold, mark, ttlMs)',
    to: 'if (renewed) renewedAt(hold, markOf(env, true), ttlMs)',
  },
  { name: 'no margin for drift', file: plan, from: 'ttlMs * 0.99 - 2', to: 'ttlMs' },
  {
    name: 'deadline three leases away',
    file: plan,
    from: 'ttlMs * 0.99 - 2',
    to: 'ttlMs * 3',
    after: 'redlock-universal',
  },
  {
    name: 'a waiter is given a stale lease',
    file: gate,
    from: 'elapsedMs(env, mark) < grantedMs / 2',
    to: 'elapsedMs(env, mark) < -1e9',
    after: 'redlock #296',
  },
  { name: 'a try is given a stale lease', file: acquire, from: '>= ttlMs / 2', to: '>= -1e9', after: 'redlock #299' },
  {
    name: 'a late renewal of a late grant counts',
    file: acquire,
    from: '!renewed || !isFresh(space, terms, mark)',
    to: '!renewed',
  },
  {
    name: 'deadline counted from another try',
    file: contender,
    from: 'this.#heldNotAt ??= mark',
    to: 'this.#heldNotAt = mark',
  },
  {
    name: 'a stalled loop does not look at the clock',
    file: hold,
    from: 'const cause = this.#overdue(strict)',
    to: 'const cause = strict ? this.#overdue(strict) : undefined',
    after: 'redlock, redis-semaphore, redlock-universal',
  },
  {
    name: 'the monotonic clock alone',
    file: 'src/core/env.ts',
    from: 'Math.max(to.nowMs - from.nowMs, to.wallMs - from.wallMs)',
    to: 'to.nowMs - from.nowMs',
  },
  {
    name: 'the lease of a promoted waiter taken for whole',
    file: gate,
    from: 'noticed && wantedMs !== null ? Math.min(wantedMs, queueMs(scope)) : wantedMs',
    to: 'wantedMs',
  },
  {
    name: 'expire is forgotten',
    file: hold,
    from: 'Number.POSITIVE_INFINITY : trustedMs(expireMs, scope)',
    to: 'Number.POSITIVE_INFINITY : Number.POSITIVE_INFINITY',
  },
  {
    name: 'a hold that is passed on may be old',
    file: hold,
    from: 'elapsedMs(space.env, this.#leased) > this.#leaseTrustedMs / 2',
    to: 'elapsedMs(space.env, this.#leased) > 1e9',
  },
  // renewal
  { name: 'a refused renewal is ignored', file: renewal, from: 'else refused(hold)', to: 'else hold.renewing = false' },
  {
    name: 'no renewal',
    file: plan,
    from: 'return ttlMs / 3\n}\n\n/** Time limit of one call',
    to: 'return ttlMs * 3\n}\n\n/** Time limit of one call',
  },
  {
    name: 'a renewal that runs tight',
    file: plan,
    from: 'return ttlMs / 3\n}\n\n/** Time limit of one call',
    to: 'return ttlMs / 1000\n}\n\n/** Time limit of one call',
    after: 'redlock-universal',
  },
  {
    name: 'one failed renewal ends it',
    file: renewal,
    from: '    hold.renewing = false\n    hold.renewAtMs',
    to: "    hold.end('LOCK_LOST')\n    hold.renewAtMs",
    after: 'python-redis-lock, node-redisson',
  },
  {
    name: 'a failed renewal is not heard',
    file: renewal,
    from: 'call.then(answered, () => undefined)',
    to: 'void call.then(answered)',
    after: 'redis-semaphore',
  },
  {
    name: 'the timer outlives the hold',
    file: hold,
    from: '    this.#timer?.clear()\n    space.holds.remove',
    to: '    space.holds.remove',
    after: 'redisson #7272',
  },
  // unknown outcomes
  {
    name: 'a new owner for each try',
    file: acquire,
    from: 'send(space, terms, seat)',
    to: 'send(space, terms, failing === undefined ? seat : space.newSeat())',
    after: 'every Redis peer',
  },
  {
    name: 'a waiter asks again as another',
    file: contender,
    from: '    this.#failure = failure\n',
    to: '    this.#failure = failure\n    this.#dropSeat()\n',
  },
  {
    name: 'what was given up is not released',
    file: space,
    from: '    this.cleanUp(terms, seat.owner)\n',
    to: '',
    after: 'redisson #2714, curator #600',
  },
  {
    name: "a late grant is nobody's",
    file: contender,
    from: 'if (answer.granted && this.#isNobodys(seat, terms)) this.#space.cleanUp(terms, seat.owner)',
    to: '',
    after: 'redlock-universal',
  },
  {
    name: 'a failed release is not tried again',
    file: release,
    from: '    if (leftMs <= 0) space.cleanUp(terms, owner)\n',
    to: '',
    after: 'curator #1193, redis-py #3847',
  },
  {
    name: 'a release is not sent',
    file: release,
    from: 'Promise.resolve(store.release(storeKey, owner)), storeTimeoutMs',
    to: 'Promise.resolve(true), storeTimeoutMs',
  },
  {
    name: 'a call has no time limit',
    file: 'src/core/limited.ts',
    from: "        reject(new StoreError(operation, text, { outcome: 'unknown' }))",
    to: '        void text',
  },
  // waiting
  {
    name: 'a waiter waits for its notice alone',
    file: contender,
    from: '    this.askIn(nextDelayMs(',
    to: '    if (position === undefined) this.askIn(nextDelayMs(',
    after: 'redisson #1763',
  },
  {
    name: 'who gave up stays in line',
    file: gate,
    from: '    this.#remove(waiter)\n    waiter.refuse(reason)',
    to: '    waiter.refuse(reason)',
    after: 'async-mutex, verrou',
  },
  {
    name: 'the place at the store is not given up',
    file: gate,
    from: 'if (next === undefined) this.#contender.leave(waiter.terms)',
    to: 'if (next === undefined) this.#contender.rest()',
    after: 'redisson #2714',
  },
  {
    name: 'a wait heeds no signal',
    file: waiter,
    from: "    signal.addEventListener('abort', this.#abort, { once: true })\n",
    to: '',
    after: "Node's Web Locks",
  },
  {
    name: 'a wait ends too early',
    file: waiter,
    from: 'this.sinceMs + this.waitMs - env.nowMs()',
    to: 'this.sinceMs + this.waitMs / 2 - env.nowMs()',
  },
  { name: 'the timer of a wait stays', file: waiter, from: '    this.#timer?.clear()\n', to: '' },
  { name: 'the answer of a hand-over is dropped', file: release, from: '  handed.answered(next)\n', to: '' },
  {
    name: 'the last in the line comes first',
    file: 'src/core/queue.ts',
    from: '    return this.#first\n',
    to: '    return this.#last\n',
    after: 'every peer but verrou',
  },
  {
    name: 'a refusal is taken for a grant',
    file: acquire,
    from: "if (!answer.granted || seat.state === 'abandoned')",
    to: "if (seat.state === 'abandoned' && !answer.granted)",
    after: 'verrou',
  },
  {
    name: 'a wait is over and nobody is told',
    file: gate,
    from: '    this.#refuseAll(closedError())',
    to: '    this.#contender.rest()',
  },
  // tokens
  { name: 'one token for all of a turn', file: hold, from: 'token: this.token + 1', to: 'token: this.token' },
  { name: 'no tokens are kept for a turn', file: space, from: 'queueMs > 0 ? this.turnsOf(terms) : 0', to: '0' },
  {
    name: 'tokens begin at 1',
    file: memory,
    from: 'Math.floor(env.wallMs() * 1000)',
    to: '0',
    after: 'madelson, Curator, INCR counters',
  },
  { name: 'memory gives the same token again', file: memory, from: 'this.#lastToken + 1', to: 'this.#lastToken' },
  {
    name: 'Redis counts tokens without its clock',
    file: held,
    from: 'return isBehind ? last + 1 : this.micros',
    to: 'return (last ?? 0) + 1',
  },
  {
    name: 'Redis gives the same token again',
    file: held,
    from: 'return isBehind ? last + 1 : this.micros',
    to: 'return isBehind ? last : this.micros',
  },
  {
    name: 'Redis forgets the tokens of a turn',
    file: held,
    from: 'last: token + turns, endsMs: this.nowMs + tokenTtl, marked }\n    return token\n',
    to: 'last: token, endsMs: this.nowMs + tokenTtl, marked }\n    return token\n',
  },
  // ownership and stores
  {
    name: 'any owner releases memory',
    file: entry,
    from: 'this.#sole?.owner === owner ? this.#sole',
    to: 'this.#sole !== undefined ? this.#sole',
    after: 'verrou, proper-lockfile',
  },
  {
    name: 'any owner releases Redis',
    file: scripts,
    from: 'if (mutex.owner !== owner) return { released: this.leave(owner) }',
    to: 'if (mutex.owner !== owner && this.leave(owner) === 1) return { released: 1 }',
    after: 'aredis #119',
  },
  {
    name: 'any owner renews Redis',
    file: scripts,
    from: 'if (record.mutex.owner !== owner) return 0',
    to: 'if (record.mutex.owner !== owner) this.keepTokenKey(tokenTtl)',
  },
  {
    name: 'a renewal brings a lease back to life',
    file: scripts,
    from: '    const hold = record.pool?.holds.get(owner)\n    const renewed',
    to: "    if (record.pool === undefined) { record.mutex = { owner, token: this.micros, tail: '', endsMs: this.nowMs + ttl, marked: false }; return 1 }\n    const hold = record.pool?.holds.get(owner)\n    const renewed",
    after: 'redlock-rb #36',
  },
  {
    name: 'a renewal of memory finds what has expired',
    file: memory,
    from: 'const hold = this.#live(key)?.hold(owner)',
    to: 'const hold = this.#entries.get(key)?.hold(owner)',
  },
  {
    name: 'Redis ends leases 60 ms early',
    file: record,
    from: 'this.mutex.endsMs < nowMs) this.mutex',
    to: 'this.mutex.endsMs < nowMs + 60) this.mutex',
  },
  {
    name: 'a pool ends the leases of others early',
    file: held,
    from: '      if (endsMs < this.nowMs) this.record.pool?.holds.delete(owner)',
    to: '      if (endsMs < this.nowMs + 60) this.record.pool?.holds.delete(owner)',
    after: 'redis-semaphore',
  },
  {
    name: 'Redis refuses who holds already',
    file: scripts,
    from: '    if (mutex.owner === owner) {\n      if (leftMs',
    to: '    if (mutex.owner === owner && ttl < 0) {\n      if (leftMs',
    after: 'every Redis peer',
  },
  {
    name: 'Redis serves the last who came',
    file: held,
    from: '    for (let first = places[0]; first !== undefined; first = places[0]) {\n      if (first.endsMs >= this.nowMs) return first',
    to: '    for (let first = places[0]; first !== undefined; first = places[0]) {\n      if (first.endsMs >= this.nowMs) return places.at(-1)',
  },
  {
    name: 'memory serves who comes, not who waits',
    file: entry,
    from: 'return head === undefined || head.request.owner === request.owner',
    to: 'return head === undefined || head.request.key === request.key',
  },
  {
    name: 'a writer comes in while one reads',
    file: entry,
    from: 'return this.used + request.permits <= this.limit',
    to: 'return this.used < this.limit',
  },
  {
    name: 'a pool of Redis has one more',
    file: scripts,
    from: '    let full = taken + permits > limit\n',
    to: '    let full = taken + permits > limit + 1\n',
  },
  {
    name: 'memory does not look when a lease ends',
    file: memory,
    from: '        this.#live(key)\n        this.watch',
    to: '        this.watch',
  },
  {
    name: 'a forced release tells nobody',
    file: memory,
    from: "    for (const owner of owners) this.#tell({ type: 'revoked', key, owner })\n",
    to: '',
  },
  {
    name: 'a least hold is released at once',
    file: release,
    from: '  const leftMs = hold.minHoldLeftMs()\n  const gate = space.gates.get(terms.storeKey)',
    to: '  const leftMs = 0\n  const gate = space.gates.get(terms.storeKey)',
  },
  {
    name: 'closing leaves what is held',
    file: space,
    from: '        await release(hold)\n',
    to: '        await Promise.resolve(hold)\n',
  },
  {
    name: 'notices are opened again after the end',
    file: 'src/stores/redis/notices.ts',
    from: 'if (this.#wanted || this.#closed) return',
    to: 'if (this.#wanted) return',
  },
]
