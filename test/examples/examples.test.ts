import { randomUUID } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, inject, it } from 'vitest'
import { djangoToolkit, documented } from './documented.js'
import { root, runExample } from './run-example.js'

/** What the examples of the README print, as patterns. */
const printed: Readonly<Record<string, readonly RegExp[]>> = {
  'quick-start': [/^6$/],
  configure: [/^done$/],
  uses: [
    /^invoice-42 is ours: true$/,
    /^tried: acquired$/,
    /^run gave 100$/,
    /^invoice-42 is ours: true$/,
    /^runSync gave 100$/,
  ],
  keys: [/^charged 7 in EUR: true$/, /^hello 7$/, /^charged 42: true$/],
  'lost-lease': [/^the signal aborted$/, /^not active any more$/, /^LOCK_LOST: report was lost while held/],
  'early-ends': [/^LOCK_EXPIRED: /, /^LOCK_REVOKED: /, /^LOCK_LOST: run throws/],
  cron: [/^machine a: runs the report$/, /^machine b: another one does it$/],
  pool: [
    /^of anna: 2$/,
    /^anna: too many at once$/,
    /^anna: loaded anna: loaded$/,
    /^POOL_FULL: 1 of 1 taken by the only seat; ours: true$/,
  ],
  'rw-lock': [/^written: version 2, read on: true$/, /^read: version 2$/],
  transfer: [
    /^95 106 99$/,
    /^account-anna and account-ben true$/,
    /^true 2$/,
    /^account-ben is held; account-carl: false$/,
  ],
  reentrant: [/^balance: 36$/],
  deadlock: [/^a to b: done$/, /^a is held by the transfer of a to b$/, /^b is held by the transfer of b to a$/],
  migrate: [/^a: migrated, b: nothing left to do, c: nothing left to do version 2$/],
  once: [/^report of may is being built report of june$/, /^machine a cleans up$/],
  'fence-gate': [
    /^printed: page 1 of the first$/,
    /^printed: page 1 of the second$/,
    /^STALE_TOKEN: the token of printer is older than the newest: true$/,
  ],
  'fence-payment': [
    /^a: invoice-42: the token \d+ is stale: \d+ was seen, so another has held it since\. Acquire it again /,
    /^payments: 120 EUR by b$/,
  ],
  cached: [
    /^4 answers by 2 queries$/,
    /^after a reset: 3 queries$/,
    /^still known: 1\.1$/,
    /^computing prices of acme in EUR$/,
  ],
  'cached-layers': [/^100 reports, computed 1 time$/, /^after a reset computed 2 times$/],
  'cachify-cached': [
    /^not configured yet$/,
    /^2 4 6$/,
    /^computing 5 \+ 10$/,
    /^computing 5 \+ 5$/,
    /^15 15 10$/,
    /^reset: true, again: false$/,
    /^computing the length of annual$/,
    /^6 pages 6 pages$/,
    /^a date: 1970$/,
    /^computing 1 × 10$/,
    /^computing 1 × 10$/,
    /^10$/,
  ],
  'cachify-pool': [
    /^size: 2$/,
    /^full: 2 permits, 2 holders$/,
    /^size afterwards: 0$/,
    /^the slot is over, another has it: true$/,
    /^anna: books × 10, then books × 1: later$/,
    /^monday, and meanwhile: in progress$/,
    /^LOCKED$/,
  ],
  shutdown: [/^charged \/anna$/, /^all is released$/],
  'drain-loop': [/^stopped after whole pages, the lock still ours: true$/],
  watch: [
    /^held by the nightly report, \d+ ms by now$/,
    /^contended: report, gives up$/,
    /^contended: report, gives up$/,
    /^warning: report is already locked: held by "the nightly report" pid \d+ on /,
  ],
}

const onRedisOnly: Readonly<Record<string, readonly RegExp[]>> = {
  'redis-clients': [
    /^through ioredis: true$/,
    /^through node-redis: held by another$/,
    /^after the release: acquired$/,
  ],
  'release-on-exit': [/^held: true$/, /^ended by SIGTERM, held: false$/],
  'hand-over': [/^parent: still ours: false$/, /^child: goes on, still ours: true$/, /^parent: LOCK_LOST$/],
  'fence-redis': [/^left after the second took 3: 7$/, /^the first is refused: STALE_TOKEN$/, /^left: 7$/],
  coexistence: [/^holdfast: held by another$/, /^holdfast: acquired$/, /^the other program: held by another$/],
}

/** Those of docs/testing.md have stores of their own. */
const onNoStore: Readonly<Record<string, readonly RegExp[]>> = {
  'testing-virtual-time': [/^naive: wrote 1, 2, 3; /, /^safe: wrote 1, 2; /],
  'testing-faulty': [/^naive, .*: runs elsewhere$/, /^safe, .*: StoreError: The store failed to acquire/],
  'testing-fake-locks': [
    /^naive: acquired order-7, released order-7$/,
    /^naive: held when it was saved: nothing$/,
    /^safe: acquired order-7, released order-7$/,
    /^safe: held when it was saved: order-7$/,
    /^LockTimeoutError: order-7 is already locked/,
  ],
}

describe('the examples', () => {
  const redis = inject('redisUrl')
  const runs = [
    ...Object.entries(printed).flatMap(([name, lines]) => [
      { name, lines, store: 'memory:', on: 'memory' },
      { name, lines, store: redis, on: 'Redis' },
    ]),
    ...Object.entries(onNoStore).map(([name, lines]) => ({ name, lines, store: '', on: 'no store' })),
    ...Object.entries(onRedisOnly).map(([name, lines]) => ({ name, lines, store: redis, on: 'Redis' })),
  ]
  it.concurrent.each(runs)('$name prints what it says, on $on', async ({ name, lines: wanted, store }) => {
    const prefix = `${randomUUID()}:`
    const ran = await runExample(name, { HOLDFAST_EXAMPLE_STORE: store, HOLDFAST_EXAMPLE_PREFIX: prefix })
    expect(ran.lines).toEqual(wanted.map((pattern) => expect.stringMatching(pattern) as unknown))
    expect(ran.code).toBe(0)
  })

  it('node-cron cleans up once each time, in one of three processes', async () => {
    const env = { HOLDFAST_EXAMPLE_STORE: redis, HOLDFAST_EXAMPLE_PREFIX: `${randomUUID()}:` }
    const runs = await Promise.all(['a', 'b', 'c'].map(() => runExample('node-cron', env)))
    const lines = runs.flatMap((ran) => ran.lines)
    const times = lines.filter((line) => /^cleaned up by \d+ at /.test(line)).map((line) => line.replace(/.* at /, ''))
    expect(runs.map(({ code }) => code)).toEqual([0, 0, 0])
    expect(times.length).toBeGreaterThanOrEqual(5)
    expect(new Set(times).size).toBe(times.length)
    expect(lines.filter((line) => line === 'is done by another')).toHaveLength(15 - times.length)
    expect(times.length).toBeLessThan(15) // they did meet
  })

  it('testing-simulate finds the stale write of the naive section, and none where tokens are checked', async () => {
    const { code, lines } = await runExample('testing-simulate')
    expect(code).toBe(0)
    expect(lines[0]).toMatch(/^checks its lease, processes stop: no stale write in \d+ writes, some gave up$/)
    expect(lines[1]).toMatch(/^checks tokens, everything: no stale write in \d+ writes, some gave up$/)
    expect(lines[2]).toMatch(/^checks its lease, everything: Seed \d+: a stale write to stock by worker \d: /)
    expect(lines[3]).toMatch(/^naive, processes stop: Seed \d+: a stale write to stock by worker \d: /)
    expect(lines[4]).toMatch(/^To run it again: simulate\(scenario, \{ seeds: \[\d+\], faults: \['pause'\] \}\)/)
    expect(lines.at(-1)).toMatch(/ worker \d {3}writes stock: \d$/)
  })

  it('are all run by a test', () => {
    const names = readdirSync(join(root, 'examples'))
      .filter((name) => name.endsWith('.ts'))
      .map((name) => name.slice(0, -'.ts'.length))
    const tables = [documented, djangoToolkit, printed, onRedisOnly, onNoStore].flatMap((table) => Object.keys(table))
    const onSql = ['fence-postgres', 'fence-mysql'] // by test/fence/sql.test.ts
    const tested = new Set([...tables, ...onSql, 'first-steps', 'node-cron', 'tour', 'testing-simulate'])
    expect(names.filter((name) => !tested.has(name.replace(/-sync$/, '')))).toEqual([])
  })
})
