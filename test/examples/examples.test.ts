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
  coexistence: [/^holdfast: held by another$/, /^holdfast: acquired$/, /^the other program: held by another$/],
}

describe('the examples', () => {
  const redis = inject('redisUrl')
  const runs = [
    ...Object.entries(printed).flatMap(([name, lines]) => [
      { name, lines, store: 'memory:', on: 'memory' },
      { name, lines, store: redis, on: 'Redis' },
    ]),
    ...Object.entries(onRedisOnly).map(([name, lines]) => ({ name, lines, store: redis, on: 'Redis' })),
  ]
  it.concurrent.each(runs)('$name prints what it says, on $on', async ({ name, lines: wanted, store }) => {
    const prefix = `${randomUUID()}:`
    const ran = await runExample(name, { HOLDFAST_EXAMPLE_STORE: store, HOLDFAST_EXAMPLE_PREFIX: prefix })
    expect(ran.lines).toEqual(wanted.map((pattern) => expect.stringMatching(pattern) as unknown))
    expect(ran.code).toBe(0)
  })

  it('are all run by a test', () => {
    const names = readdirSync(join(root, 'examples'))
      .filter((name) => name.endsWith('.ts'))
      .map((name) => name.slice(0, -'.ts'.length))
    const tables = [documented, djangoToolkit, printed, onRedisOnly].flatMap((table) => Object.keys(table))
    const tested = new Set([...tables, 'first-steps', 'tour'])
    expect(names.filter((name) => !tested.has(name.replace(/-sync$/, '')))).toEqual([])
  })
})
