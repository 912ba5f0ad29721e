import { type MysqlClient, mysqlGuard, type PostgresClient, postgresGuard } from 'holdfast/fence'
import type { Connection, Pool as MysqlPool, PoolConnection } from 'mysql2/promise'
import type { Client, Pool, PoolClient, QueryConfig } from 'pg'
import { describe, expect, expectTypeOf, test } from 'vitest'

const lease = { key: 'invoice-42', token: 7 }
const postgres = postgresGuard({ table: 'invoices', key: 'id' })
const mysql = mysqlGuard({ table: 'invoices', key: 'id' })

describe('the client of an SQL guard', () => {
  test('is one of pg, without a cast', () => {
    expectTypeOf<Client>().toExtend<PostgresClient>()
    expectTypeOf<Pool>().toExtend<PostgresClient>()
    expectTypeOf<PoolClient>().toExtend<PostgresClient>()
    expectTypeOf<Map<string, string>>().not.toExtend<PostgresClient>()
  })

  test('or one of mysql2, without a cast', () => {
    expectTypeOf<Connection>().toExtend<MysqlClient>()
    expectTypeOf<MysqlPool>().toExtend<MysqlClient>()
    expectTypeOf<PoolConnection>().toExtend<MysqlClient>()
    expectTypeOf<Pool>().not.toExtend<MysqlClient>()
  })
})

describe('the text of an SQL guard', () => {
  test('is for PostgreSQL what pg takes as it is', () => {
    const statement = postgres.update(lease, { id: 42 }, { state: 'paid' })
    expectTypeOf(statement).toExtend<QueryConfig>()
    expect(statement).toMatchObject({
      text: 'UPDATE "invoices" SET "state" = $1, "fence" = $2 WHERE "id" = $3 AND "fence" <= $4',
      values: ['paid', 7, 42, 7],
      latest: { text: 'SELECT "fence" AS latest FROM "invoices" WHERE "id" = $1', values: [42] },
    })
    expect(postgres.upsert(lease, { id: 42, state: 'paid' })).toMatchObject({
      text:
        'INSERT INTO "invoices" AS held ("id", "state", "fence") VALUES ($1, $2, $3) ON CONFLICT ("id") ' +
        'DO UPDATE SET "state" = excluded."state", "fence" = excluded."fence" WHERE held."fence" <= excluded."fence"',
      values: [42, 'paid', 7],
    })
    expect(postgres.condition(lease, 3)).toEqual({ set: '"fence" = $3', where: '"fence" <= $3', values: [7] })
  })

  test('has for MySQL a value for each question mark', () => {
    expect(mysql.update(lease, { id: 42 }, { state: 'paid' })).toMatchObject({
      text: 'UPDATE `invoices` SET `state` = ?, `fence` = ? WHERE `id` = ? AND `fence` <= ?',
      values: ['paid', 7, 42, 7],
      latest: { text: 'SELECT `fence` AS latest FROM `invoices` WHERE `id` = ? FOR UPDATE', values: [42] },
    })
    expect(mysql.upsert(lease, { id: 42, state: 'paid' })).toMatchObject({
      text:
        'INSERT INTO `invoices` (`id`, `state`, `fence`) VALUES (?, ?, ?) ON DUPLICATE KEY UPDATE ' +
        '`state` = IF(`fence` <= ?, ?, `state`), `fence` = GREATEST(`fence`, ?)',
      values: [42, 'paid', 7, 7, 'paid', 7],
    })
    expect(mysql.condition(lease)).toEqual({ set: '`fence` = ?', where: '`fence` <= ?', values: [7] })
  })
})
