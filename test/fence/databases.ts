import {
  type FenceTable,
  mysqlFenceTable,
  mysqlGuard,
  postgresFenceTable,
  postgresGuard,
  type SqlGuard,
  type SqlGuardOptions,
  type SqlValue,
} from 'holdfast/fence'
import { createPool, type PoolConnection, type ResultSetHeader, type RowDataPacket } from 'mysql2/promise'
import pg from 'pg'
import { type SqlServer, startMysql, startPostgres } from '../support/servers/sql-server.js'
import type { OpenPlace, Place } from './late-write.js'

export interface Result {
  readonly rows: readonly Readonly<Record<string, unknown>>[]
  readonly changed: number
}

/** A connection, or a pool of them: what a guard runs on. */
export interface Session {
  readonly client: unknown
  query(text: string, values?: SqlValue[]): Promise<Result>
}

export interface Transaction extends Session {
  commit(): Promise<void>
  rollback(): Promise<void>
}

export interface Database extends Session {
  begin(isolation?: string): Promise<Transaction>
  close(): Promise<void>
}

export interface DatabaseKind {
  readonly name: string
  /** Of the client, where they are not the default. */
  readonly flags: readonly string[]
  readonly quote: string
  /** The type of a column of bytes. */
  readonly bytes: string
  start(): Promise<SqlServer>
  open(url: string): Database
  guard<const K extends string>(options: SqlGuardOptions<K>): SqlGuard<K, unknown>
  fenceTable(table?: string): FenceTable<unknown>
}

export const postgres: DatabaseKind = {
  name: 'PostgreSQL',
  flags: [],
  quote: '"',
  bytes: 'bytea',
  start: startPostgres,
  guard: postgresGuard,
  fenceTable: postgresFenceTable,
  open: (url) => {
    const pool = new pg.Pool({ connectionString: url, max: 8 })
    pool.on('error', () => {}) // the server goes before its idle connections
    const session = (client: pg.Pool | pg.PoolClient): Session => ({
      client,
      query: async (text, values = []) => {
        const { rows, rowCount } = await client.query<Record<string, unknown>>(text, values)
        return { rows, changed: rowCount ?? 0 }
      },
    })
    return {
      ...session(pool),
      begin: async (isolation = 'READ COMMITTED') => {
        const client = await pool.connect()
        await client.query(`BEGIN ISOLATION LEVEL ${isolation}`)
        const end = async (how: string): Promise<void> => {
          await client.query(how)
          client.release()
        }
        return { ...session(client), commit: () => end('COMMIT'), rollback: () => end('ROLLBACK') }
      },
      close: () => pool.end(),
    }
  },
}

/** With the flag FOUND_ROWS, the default, the client counts rows that were found; without it those that were changed. */
function mysqlKind(name: string, flags: string[]): DatabaseKind {
  return {
    name,
    flags,
    quote: '`',
    bytes: 'blob',
    start: startMysql,
    guard: mysqlGuard,
    fenceTable: mysqlFenceTable,
    open: (uri) => {
      const pool = createPool({ uri, flags, connectionLimit: 8, supportBigNumbers: true })
      const session = (client: typeof pool | PoolConnection): Session => ({
        client,
        query: async (text, values = []) => {
          const [result] = await client.execute<RowDataPacket[] | ResultSetHeader>(text, values)
          return Array.isArray(result) ? { rows: result, changed: 0 } : { rows: [], changed: result.affectedRows }
        },
      })
      return {
        ...session(pool),
        begin: async (isolation = 'REPEATABLE READ') => {
          const connection = await pool.getConnection()
          await connection.query(`SET TRANSACTION ISOLATION LEVEL ${isolation}`)
          await connection.beginTransaction()
          return {
            ...session(connection),
            commit: () => connection.commit().finally(() => connection.release()),
            rollback: () => connection.rollback().finally(() => connection.release()),
          }
        },
        close: () => pool.end(),
      }
    },
  }
}

export const databaseKinds: readonly DatabaseKind[] = [
  postgres,
  mysqlKind('MariaDB', []),
  mysqlKind('MariaDB, counting changed rows', ['-FOUND_ROWS']),
]

let tables = 0

/** A table of its own, with the columns id, value and fence. */
export async function newTable({ query }: Database, columns = ''): Promise<string> {
  const table = `rows_${process.pid}_${++tables}`
  await query(`CREATE TABLE ${table} (id int PRIMARY KEY, value text, fence bigint NOT NULL DEFAULT 0${columns})`)
  return table
}

/** What the late write of a paused holder does to a row, by each of the ways to guard it. */
export function placesOf(kind: DatabaseKind, database: () => Database): readonly (readonly [how: string, OpenPlace])[] {
  const place = async (write: (table: string) => Pick<Place, 'guarded'>): Promise<Place> => {
    const db = database()
    const table = await newTable(db)
    await db.query(`INSERT INTO ${table} (id, value) VALUES (1, 'nobody wrote')`)
    return {
      ...write(table),
      unguarded: (value) => db.query(`UPDATE ${table} SET value = '${value}' WHERE id = 1`),
      read: async () => (await db.query(`SELECT value FROM ${table} WHERE id = 1`)).rows[0]?.['value'],
    }
  }
  return [
    [
      'by an update',
      () =>
        place((table) => {
          const guard = kind.guard({ table, key: 'id' })
          return { guarded: (held, value) => guard.run(database().client, guard.update(held, { id: 1 }, { value })) }
        }),
    ],
    [
      'by an upsert',
      () =>
        place((table) => {
          const guard = kind.guard({ table, key: 'id' })
          return { guarded: (held, value) => guard.run(database().client, guard.upsert(held, { id: 1, value })) }
        }),
    ],
    [
      'in a transaction with a table of tokens',
      () =>
        place((table) => ({
          guarded: async (held, value) => {
            const fences = kind.fenceTable()
            await database().query(fences.createTable)
            const transaction = await database().begin()
            try {
              await fences.admit(transaction.client, held)
              await transaction.query(`UPDATE ${table} SET value = '${value}' WHERE id = 1`)
              await transaction.commit()
            } catch (error) {
              await transaction.rollback()
              throw error
            }
          },
        })),
    ],
  ]
}
