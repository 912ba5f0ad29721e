/** The judge and the resource see what is wrong, and only that. */
import { describe, expect, test } from 'vitest'
import { type Context, insideOutOf, judge, outlivedResetsOf, overlapsOf, shrunkTokensOf } from './judge.js'
import { type HoldRecord, Ledger, type Teller } from './ledger.js'
import { planFaults, shapes } from './plan.js'

const ttlMs = 1000
const calm = { breaks: [], ttlMs }

function hold(
  client: number,
  token: number,
  [askedMs, grantedMs, seenMs]: readonly [number, number, number],
): HoldRecord {
  const shared = {
    incarnation: 0,
    workload: 'steps',
    key: 'k',
    limit: 1,
    permits: 1,
    end: 'released' as const,
    endMs: seenMs,
  }
  return { ...shared, client, token, askedMs, grantedMs, seenMs }
}

describe('a cached value that was begun before a reset', () => {
  const reset = { key: 'k', calledMs: 100, doneMs: 110 }
  const given = { key: 'k', beganMs: 50, calledMs: 111, own: false }
  const outlived = (value: Partial<typeof given>, context = calm as Pick<Context, 'breaks' | 'ttlMs'>) =>
    outlivedResetsOf({ given: [{ ...given, ...value }], resets: [reset] }, context)

  test('is not to be given to who calls after it', () => {
    expect(outlived({})).toHaveLength(1)
    for (const value of [{ beganMs: 101 }, { calledMs: 109 }, { key: 'other' }, { own: true }])
      expect(outlived(value), JSON.stringify(value)).toEqual([])
  })

  test('is excused when the store forgot of the reset', () => {
    const forgot = (atMs: number) => ({ ttlMs, breaks: [{ fromMs: atMs, toMs: atMs, why: 'flushed' }] })
    expect(outlived({}, forgot(105))).toEqual([])
    expect(outlived({}, forgot(200))).toHaveLength(1)
  })
})

describe('two at once', () => {
  const older = hold(1, 10, [0, 1, 2000])

  test('are found, and not where one came after the other', () => {
    expect(overlapsOf([older, hold(2, 11, [0, 1900, 2500])], calm)).toMatchObject([{ ms: 100, excuse: undefined }])
    expect(overlapsOf([older, hold(2, 11, [0, 2001, 2500])], calm)).toEqual([])
  })

  test('are excused when the store forgot in between, and not when it did so long before', () => {
    const newer = hold(2, 11, [0, 1900, 2500])
    const forgot = (atMs: number) => ({ ttlMs, breaks: [{ fromMs: atMs, toMs: atMs, why: 'flushed' }] })
    expect(overlapsOf([older, newer], forgot(1500))).toMatchObject([{ excuse: 'flushed' }])
    expect(overlapsOf([older, newer], forgot(2100))).toMatchObject([{ excuse: undefined }])
    expect(overlapsOf([older, newer], forgot(-1500))).toMatchObject([{ excuse: undefined }])
  })

  test('are as many as the limit allows in a pool', () => {
    const pool = [1, 2, 3].map((client) => ({ ...hold(client, client, [0, client, 2000]), limit: 2 }))
    expect(overlapsOf(pool.slice(0, 2), calm)).toEqual([])
    expect(overlapsOf(pool, calm)).toHaveLength(1)
  })

  test('are a reader and a writer, and not two readers', () => {
    const one = (client: number, permits: number) => ({
      ...hold(client, client, [0, client, 2000]),
      limit: 100,
      permits,
    })
    expect(overlapsOf([one(1, 1), one(2, 1)], calm)).toEqual([])
    expect(overlapsOf([one(1, 1), one(2, 100)], calm)).toHaveLength(1)
    expect(overlapsOf([one(1, 100), one(2, 1)], calm)).toHaveLength(1)
  })
})

describe('tokens', () => {
  test('that do not grow are found; of those who asked at the same time either may be first', () => {
    const first = hold(1, 11, [0, 1, 10])
    expect(shrunkTokensOf([first, hold(2, 10, [2, 20, 30])], calm)).toHaveLength(1)
    expect(shrunkTokensOf([first, hold(2, 11, [2, 20, 30])], calm)).toHaveLength(1)
    expect(shrunkTokensOf([first, hold(2, 10, [0.5, 20, 30])], calm)).toEqual([])
    expect(shrunkTokensOf([first, hold(2, 12, [2, 20, 30])], calm)).toEqual([])
  })

  test('of holds that may overlap say nothing, those of a reader and a writer do', () => {
    const first = { ...hold(1, 11, [0, 1, 10]), limit: 9 }
    const later = { ...hold(2, 10, [2, 20, 30]), limit: 9 }
    expect(shrunkTokensOf([first, later], calm)).toEqual([])
    expect(shrunkTokensOf([first, { ...later, permits: 9 }], calm)).toHaveLength(1)
    expect(shrunkTokensOf([{ ...first, permits: 9 }, later], calm)).toHaveLength(1)
  })

  test('tell of a store that granted too early, though nobody saw it', () => {
    const told = hold(2, 12, [0, 5, 9])
    const toldLater = { ...hold(1, 10, [0, 10, 20]), incarnation: 1 }
    expect(insideOutOf([told, toldLater], calm)).toMatchObject([{ newer: { token: 12 }, older: { token: 10 } }])
    expect(insideOutOf([told, { ...toldLater, token: 13 }], calm)).toEqual([])
    const readers = [told, toldLater].map((one) => ({ ...one, limit: 9 }))
    expect(insideOutOf(readers, calm)).toEqual([])
  })

  test('of a forgotten lease that is handed over within its process are smaller by right, others are not', () => {
    const flushed = { ttlMs, breaks: [{ fromMs: 50, toMs: 50, why: 'flushed' }] }
    const holds = [hold(1, 100, [0, 1, 60]), hold(2, 5000, [2, 70, 80])]
    expect(shrunkTokensOf([...holds, hold(1, 101, [71, 90, 95])], flushed)).toEqual([])
    expect(shrunkTokensOf([...holds, hold(1, 101, [71, 90, 95])], calm)).toHaveLength(1)
    expect(shrunkTokensOf([...holds, hold(3, 101, [71, 90, 95])], flushed)).toHaveLength(1)
  })
})

describe('the resource', () => {
  const grant = (ledger: Ledger, client: number, token: number | undefined, grantedMs: number): Teller => {
    const teller = ledger.newTeller()
    ledger.note(teller, { t: 'hello', client, incarnation: 0 })
    ledger.note(teller, {
      t: 'grant',
      hold: 1,
      workload: 'w',
      key: 'k',
      limit: 1,
      permits: 1,
      token,
      askedMs: 0,
      grantedMs,
    })
    return teller
  }
  const act = { t: 'act', id: 1, hold: 1, checkedMs: 5, fenced: true } as const
  const context: Context = { breaks: [], healedMs: 0, faults: [], kills: [], clients: 2, ttlMs }

  test('refuses an effect whose token is stale', () => {
    const ledger = new Ledger()
    const [first, second] = [grant(ledger, 0, 10, 1), grant(ledger, 1, 11, 2)]
    expect([first, second, first].map((teller) => ledger.note(teller, act)?.ok)).toEqual([true, true, false])
    expect(judge(ledger.history, context).stale).toEqual({ unfenced: 0, refused: 1, accepted: 0 })
  })

  test('lets one without a token through, and counts it', () => {
    const ledger = new Ledger()
    const [first, second] = [grant(ledger, 0, undefined, 1), grant(ledger, 1, undefined, 2)]
    for (const teller of [first, second, first]) ledger.note(teller, act)
    expect(judge(ledger.history, context).stale).toEqual({ unfenced: 1, refused: 0, accepted: 0 })
  })

  test('knows of updates that were lost', () => {
    const ledger = new Ledger()
    const [first, second] = [grant(ledger, 0, undefined, 1), grant(ledger, 1, undefined, 2)]
    const write = { ...act, t: 'write', fenced: false, value: 1 } as const
    for (const teller of [first, second]) ledger.note(teller, write)
    expect(judge(ledger.history, context).lostUpdates).toEqual({ k: 1 })
  })
})

test.each(Object.values(shapes).flat())(
  'the plan for %s is decided by its seed, and has each kind of fault',
  (shape) => {
    const options = { shape, lengthMs: 60_000, clients: 5, ttlMs, without: new Set<never>() }
    const plan = planFaults({ ...options, seed: 7 })
    expect(planFaults({ ...options, seed: 7 })).toEqual(plan)
    expect(planFaults({ ...options, seed: 8 })).not.toEqual(plan)
    expect(new Set(plan.map(({ kind }) => kind)).size).toBeGreaterThanOrEqual(shape === 'memory' ? 6 : 16)
  },
)
