import { InvalidOptionError } from 'holdfast'
import { type Held, type SqlGuard, StaleTokenError } from 'holdfast/fence'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runExample } from '../examples/run-example.js'
import type { SqlServer } from '../support/servers/sql-server.js'
import { type Database, databaseKinds, newTable, placesOf } from './databases.js'
import { describeLateWrites } from './late-write.js'

const key = 'invoice-42'
const old: Held = { key, token: 1_763_740_800_123_456 }
const young: Held = { key, token: old.token + 1 }
const stale = { name: 'StaleTokenError', code: 'STALE_TOKEN', key, token: old.token, latest: young.token }

/** What the examples print; each runs on the databases with its quotation marks. */
const examples: Readonly<Record<string, { name: string; variable: string; lines: readonly RegExp[] }>> = {
  '"': {
    name: 'fence-postgres',
    variable: 'HOLDFAST_EXAMPLE_POSTGRES',
    lines: [
      /^written: true, false$/,
      /^the first is refused: STALE_TOKEN$/,
      /^the first is refused: STALE_TOKEN$/,
      /^reopened by the first: 0, by the second: 1$/,
    ],
  },
  '`': {
    name: 'fence-mysql',
    variable: 'HOLDFAST_EXAMPLE_MYSQL',
    lines: [/^the first is refused: STALE_TOKEN$/, /^the first is refused: STALE_TOKEN$/, /^left: \[\{"items":6\}\]$/],
  },
}

const servers = new Map<() => Promise<SqlServer>, Promise<SqlServer>>()
afterAll(async () => {
  for (const server of servers.values()) await (await server).stop()
})

describe.each(databaseKinds)('$name', (kind) => {
  let database: Database
  let url: string
  beforeAll(async () => {
    const server = servers.get(kind.start) ?? kind.start()
    servers.set(kind.start, server)
    url = (await server).url
    database = kind.open(url)
  }, 90_000)
  afterAll(() => database.close())

  const run = <K extends string>(
    guard: SqlGuard<K, unknown>,
    statement: Parameters<typeof guard.run>[1],
  ): Promise<boolean> => guard.run(database.client, statement)
  const rowOf = async (table: string): Promise<unknown> =>
    (await database.query(`SELECT value, fence FROM ${table} WHERE id = 1`)).rows.map(({ value, fence }) => [
      value,
      Number(fence),
    ])[0]

  const places = kind.flags.length === 0 ? placesOf(kind, () => database) : [] // flags make no difference to them
  for (const [how, open] of places) describeLateWrites(how, open)

  describe('an update', () => {
    test('writes the row and its token, as often as it likes', async () => {
      const table = await newTable(database)
      await database.query(`INSERT INTO ${table} (id, value) VALUES (1, 'a'), (2, 'other')`)
      const guard = kind.guard({ table, key: 'id' })
      expect(await run(guard, guard.update(old, { id: 1 }, { value: 'b' }))).toBe(true)
      expect(await run(guard, guard.update(old, { id: 1 }, { value: 'b' }))).toBe(true)
      expect(await rowOf(table)).toEqual(['b', old.token])
      const { rows } = await database.query(`SELECT value FROM ${table} WHERE id = 2`)
      expect(rows).toEqual([{ value: 'other' }])
    })

    test('is refused when its token is stale', async () => {
      const table = await newTable(database)
      await database.query(`INSERT INTO ${table} (id, value) VALUES (1, 'a')`)
      const guard = kind.guard({ table, key: 'id' })
      await run(guard, guard.update(young, { id: 1 }, { value: 'b' }))
      await expect(run(guard, guard.update(old, { id: 1 }, { value: 'late' }))).rejects.toMatchObject(stale)
      expect(await rowOf(table)).toEqual(['b', young.token])
    })

    test('says that there is no such row', async () => {
      const table = await newTable(database)
      const guard = kind.guard({ table, key: 'id' })
      expect(await run(guard, guard.update(old, { id: 1 }, { value: 'b' }))).toBe(false)
    })

    test('without changes shows the token, so that nothing older is written from then on', async () => {
      const table = await newTable(database)
      await database.query(`INSERT INTO ${table} (id, value) VALUES (1, 'a')`)
      const guard = kind.guard({ table, key: 'id' })
      expect(await run(guard, guard.update(young, { id: 1 }))).toBe(true)
      await expect(run(guard, guard.update(old, { id: 1 }, { value: 'late' }))).rejects.toThrow(StaleTokenError)
      expect(await rowOf(table)).toEqual(['a', young.token])
    })

    test('refuses stale tokens though the transaction began before the newer one was written', async () => {
      const table = await newTable(database)
      await database.query(`INSERT INTO ${table} (id, value) VALUES (1, 'a')`)
      const guard = kind.guard({ table, key: 'id' })
      const transaction = await database.begin('REPEATABLE READ')
      await transaction.query(`SELECT * FROM ${table}`)
      await run(guard, guard.update(young, { id: 1 }, { value: 'b' }))
      const late = guard.run(transaction.client, guard.update(old, { id: 1 }, { value: 'late' }))
      await expect(late).rejects.toThrow(/is stale|could not serialize/)
      await transaction.rollback()
      expect(await rowOf(table)).toEqual(['b', young.token])
    })
  })

  describe('an upsert', () => {
    test('inserts, updates, and is refused when its token is stale', async () => {
      const table = await newTable(database)
      const guard = kind.guard({ table, key: 'id' })
      expect(await run(guard, guard.upsert(old, { id: 1, value: 'a' }))).toBe(true)
      expect(await run(guard, guard.upsert(old, { id: 1, value: 'a' }))).toBe(true)
      expect(await run(guard, guard.upsert(young, { id: 1, value: 'b' }))).toBe(true)
      await expect(run(guard, guard.upsert(old, { id: 1, value: 'late' }))).rejects.toMatchObject(stale)
      expect(await rowOf(table)).toEqual(['b', young.token])
    })

    test('leaves what the largest token wrote, however many come at once', async () => {
      const table = await newTable(database)
      const guard = kind.guard({ table, key: 'id' })
      const tokens = Array.from({ length: 60 }, (_, index) => 1000 + ((index * 37) % 60))
      const outcomes = await Promise.allSettled(
        tokens.map((token) => run(guard, guard.upsert({ key, token }, { id: 1, value: `by ${token}` }))),
      )
      expect(await rowOf(table)).toEqual(['by 1059', 1059])
      const reasons = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as Error] : []))
      expect(reasons.filter((reason) => !(reason instanceof StaleTokenError))).toEqual([])
    })

    test('refuses stale tokens though the transaction began before the newer one was written', async () => {
      const table = await newTable(database)
      await database.query(`INSERT INTO ${table} (id, value) VALUES (1, 'a')`)
      const guard = kind.guard({ table, key: 'id' })
      const transaction = await database.begin('REPEATABLE READ')
      await transaction.query(`SELECT * FROM ${table}`)
      await run(guard, guard.upsert(young, { id: 1, value: 'b' }))
      const late = guard.run(transaction.client, guard.upsert(old, { id: 1, value: 'late' }))
      await expect(late).rejects.toThrow(/is stale|could not serialize/)
      await transaction.rollback()
    })
  })

  test('quotes names, and binds values', async () => {
    const q = kind.quote
    const names = { table: `or"der\`s ${process.pid} ${kind.name}`, key: `se"le\`ct`, other: `Robert'); --` }
    const quoted = (name: string): string => q + name.replaceAll(q, q + q) + q
    const columns = `${quoted(names.key)} varchar(99) PRIMARY KEY, ${quoted(names.other)} text, ${quoted('the token')} bigint`
    await database.query(`CREATE TABLE ${quoted(names.table)} (${columns})`)
    const guard = kind.guard({ table: names.table, key: names.key, column: 'the token' })
    const value = `'; DROP TABLE "x"; -- \\ $1 ? \``
    const row = { [names.key]: value }
    expect(await run(guard, guard.upsert(old, { ...row, [names.other]: value }))).toBe(true)
    expect(await run(guard, guard.upsert(young, { ...row, [names.other]: value }))).toBe(true)
    expect(await run(guard, guard.update(young, row, { [names.other]: `${value}!` }))).toBe(true)
    await expect(run(guard, guard.update(old, row, {}))).rejects.toThrow(StaleTokenError)
    const { rows } = await database.query(`SELECT ${quoted(names.other)} AS found FROM ${quoted(names.table)}`)
    expect(rows).toEqual([{ found: `${value}!` }])
  })

  test('takes keys of several columns, schemas, values of each kind, and the largest token', async () => {
    const schema = (await database.query(`SELECT ${kind.quote === '"' ? 'current_schema()' : 'database()'} AS name`))
      .rows[0]
    const table = `kinds_${process.pid}`
    const types = `at timestamp NULL, done boolean, many bigint, price numeric(9,2), raw ${kind.bytes}, doc json, none text`
    await database.query(`DROP TABLE IF EXISTS ${table}`)
    await database.query(
      `CREATE TABLE ${table} (tenant varchar(9), id int, fence bigint NOT NULL DEFAULT 0, ${types}, PRIMARY KEY (tenant, id))`,
    )
    const guard = kind.guard({ table: [String(schema?.['name']), table], key: ['tenant', 'id'] })
    const last: Held = { key, token: Number.MAX_SAFE_INTEGER }
    const values = {
      at: new Date('2026-11-21T12:00:00Z'),
      done: true,
      many: 2n ** 60n + 1n,
      price: 1.25,
      raw: new Uint8Array([0, 255, 39]),
      doc: JSON.stringify({ a: [1] }),
      none: null,
    }
    for (const held of [young, last]) await run(guard, guard.upsert(held, { tenant: 't', id: 1, ...values }))
    await run(guard, guard.update(last, { tenant: 't', id: 1 }, values))
    await expect(run(guard, guard.update(young, { tenant: 't', id: 1 }))).rejects.toMatchObject({ latest: last.token })
    const { rows } = await database.query(`SELECT * FROM ${table}`)
    expect(rows).toHaveLength(1)
    const { at, done, many, price, raw, none, fence } = rows[0] ?? {}
    expect([Number(done), String(many), Number(price), Buffer.from(raw as Uint8Array), none, Number(fence)]).toEqual([
      1,
      String(values.many),
      1.25,
      Buffer.from(values.raw),
      null,
      last.token,
    ])
    expect(at).toBeInstanceOf(Date)
  })

  test('has parts for a statement of one’s own', async () => {
    const table = await newTable(database)
    await database.query(`INSERT INTO ${table} (id, value) VALUES (1, 'a'), (2, 'a')`)
    const guard = kind.guard({ table, key: 'id' })
    const write = async (held: Held, id: number): Promise<number> => {
      const { set, where, values } = guard.condition(held)
      const all = kind.quote === '"' ? values : [...values, ...values]
      return (await database.query(`UPDATE ${table} SET value = 'b', ${set} WHERE id = ${id} AND ${where}`, all))
        .changed
    }
    const latest = async (id: number): Promise<unknown> => {
      const { text, values } = guard.latest({ id })
      return (await database.query(text, values)).rows[0]?.['latest']
    }
    expect(await write(young, 1)).toBe(1)
    expect(await write(old, 1)).toBe(0)
    const [found, other, none] = [await latest(1), await latest(2), await latest(3)]
    expect(() => guard.check(old, found)).toThrow(StaleTokenError)
    expect(guard.check(young, found)).toBe(true)
    expect(guard.check(old, other)).toBe(false)
    expect(guard.check(old, none)).toBe(false)
  })

  test('writes nothing where the column is NULL, and says what it has to be', async () => {
    const table = `nulls_${process.pid}`
    await database.query(`DROP TABLE IF EXISTS ${table}`)
    await database.query(`CREATE TABLE ${table} (id int PRIMARY KEY, value text, fence bigint)`)
    await database.query(`INSERT INTO ${table} (id, value) VALUES (1, 'a')`)
    const guard = kind.guard({ table, key: 'id' })
    await expect(run(guard, guard.update(old, { id: 1 }, { value: 'b' }))).rejects.toThrow('bigint NOT NULL DEFAULT 0')
    expect((await database.query(`SELECT value FROM ${table}`)).rows).toEqual([{ value: 'a' }])
  })

  describe('a table of tokens', () => {
    const fences = kind.fenceTable(`fences_${process.pid}`)
    beforeAll(async () => {
      for (let times = 0; times < 2; times++) await database.query(fences.createTable)
      await database.query(`DELETE FROM fences_${process.pid}`)
    })

    test('lets transactions of one key come one after the other', async () => {
      const first = await database.begin()
      await fences.admit(first.client, old)
      const second = await database.begin()
      let isAdmitted = false
      const admitted = fences.admit(second.client, young).then(() => void (isAdmitted = true))
      const third = await database.begin()
      await fences.admit(third.client, { key: 'another', token: 1 })
      await third.commit()
      expect(isAdmitted).toBe(false)
      await first.commit()
      await admitted
      const late = await database.begin()
      const refused = fences.admit(late.client, old).then(
        () => undefined,
        (error: unknown) => error,
      )
      await second.commit()
      expect(await refused).toMatchObject(stale)
      await late.rollback()
    })

    test('refuses a stale token in a transaction that began before', async () => {
      const own = { key: 'began before', token: 7 }
      await fences.admit(database.client, own)
      const transaction = await database.begin('REPEATABLE READ')
      await transaction.query(`SELECT * FROM fences_${process.pid}`)
      await fences.admit(database.client, { ...own, token: 8 })
      await expect(fences.admit(transaction.client, own)).rejects.toThrow(/is stale|could not serialize/)
      await transaction.rollback()
    })

    test('forgets a token whose transaction was rolled back', async () => {
      const own = { key: 'rolled back', token: 7 }
      const transaction = await database.begin()
      await fences.admit(transaction.client, { ...own, token: 8 })
      await transaction.rollback()
      await fences.admit(database.client, own)
    })

    test('keeps apart keys that differ in case, accents or spaces at the end, however long', async () => {
      const long = 'ü'.repeat(511)
      const keys = ['a', 'A', 'a ', 'ä', 'Ä', `${long}a`, `${long}b`]
      for (const [index, own] of keys.entries()) {
        await fences.admit(database.client, { key: own, token: 100 - index })
      }
      for (const [index, own] of keys.entries()) {
        await expect(fences.admit(database.client, { key: own, token: 99 - index })).rejects.toThrow(StaleTokenError)
      }
    })
  })

  test('runs the example of the documents', async () => {
    const { name, variable, lines } = examples[kind.quote] ?? { name: '', variable: '', lines: [] }
    const ran = await runExample(name, { [variable]: url, HOLDFAST_EXAMPLE_STORE: 'memory:' })
    expect(ran.lines).toEqual(lines.map((pattern) => expect.stringMatching(pattern) as unknown))
    expect(ran.code).toBe(0)
  })

  test('says which option, column or name makes no sense', async () => {
    const guard = kind.guard({ table: 't', key: ['tenant', 'id'] })
    const row = { tenant: 't', id: 1 }
    const wrong: (() => unknown)[] = [
      () => kind.guard({ table: '', key: 'id' }),
      () => kind.guard({ table: 'a\0b', key: 'id' }),
      () => kind.guard({ table: 't', key: [] }),
      // @ts-expect-error it is called column
      () => kind.guard({ table: 't', key: 'id', token: 'fence' }),
      // @ts-expect-error a column of the key is missing
      () => guard.update(old, { id: 1 }, {}),
      // @ts-expect-error that is no column of the key
      () => guard.update(old, { ...row, state: 'paid' }, {}),
      // @ts-expect-error the row has no key
      () => guard.upsert(old, { id: 1, value: 'a' }),
      () => guard.update(old, { tenant: 't', id: null }, {}),
      () => guard.update(old, row, { fence: 1 }),
      () => guard.update(old, row, { id: 2 }),
      // @ts-expect-error undefined is no value
      () => guard.update(old, row, { value: undefined }),
      () => guard.upsert(old, { ...row, fence: 1 }),
      () => guard.update({ key, token: 0 }, row),
      () => guard.check(old, 'junk'),
    ]
    for (const act of wrong) expect(act, act.toString()).toThrow(InvalidOptionError)
  })
})
