import { type FenceTable, fenceTable } from './fence-table.js'
import { type Dialect, quotedTable, sqlBuilder, type SqlGuard, type SqlGuardOptions, type SqlValue } from './sql.js'

/** What is used of `mysql2/promise`: a `Connection` or a `Pool`. Anything else fits that answers like this. */
export interface MysqlClient {
  /** `[{ affectedRows }, …]`, or `[rows, …]` */
  execute(text: string, values: SqlValue[]): Promise<readonly [result: unknown, fields: unknown]>
}

/**
 * A guard for rows of a table of MySQL or MariaDB, which have a column for the largest token:
 * ``ALTER TABLE invoices ADD COLUMN fence bigint NOT NULL DEFAULT 0``.
 *
 * Its statements are text with `?` and values, for any driver; `run` needs a connection of `mysql2/promise`. Each is atomic by
 * itself. An upsert is told apart from a refused one by a second statement: in a transaction that is exact; outside of one,
 * `StaleTokenError` also comes when the row was written, and overtaken before the second statement.
 *
 * The primary key has to be the only unique index of the table if you use `upsert`: ON DUPLICATE KEY UPDATE heeds them all.
 *
 * @example
 * const guard = mysqlGuard({ table: 'invoices', key: 'id' })
 * await guard.run(pool, guard.update(lease, { id: 42 }, { state: 'paid' }))
 * @throws InvalidOptionError
 */
export function mysqlGuard<const K extends string>(options: SqlGuardOptions<K>): SqlGuard<K, MysqlClient> {
  const builder = sqlBuilder(mysql, options)
  return {
    ...builder,
    run: async (client, { text, values, held, kind, latest }) => {
      const [result] = await client.execute(text, values)
      const { affectedRows } = result as { affectedRows?: unknown }
      if (typeof affectedRows !== 'number') throw new TypeError('execute() has to resolve to [{ affectedRows }, …]')
      // An upsert says 2 when it changed a row. Inserted, unchanged or refused is 0 or 1, by the flags of the connection.
      if (kind === 'update' ? affectedRows > 0 : affectedRows === 2) return true
      const [rows] = await client.execute(latest.text, latest.values)
      const isOurs = builder.check(held, (rows as readonly { latest: unknown }[])[0]?.latest)
      return kind === 'upsert' || isOurs // an update with the values that were there may count as no change
    },
  }
}

/**
 * Remembers the largest token of each key in a table of its own, for transactions of MySQL or MariaDB (InnoDB) that write to several
 * rows or tables.
 * @param table Its name, or `[database, table]`. Default `holdfast_fences`.
 * @throws InvalidOptionError
 */
export function mysqlFenceTable(table: SqlGuardOptions<string>['table'] = 'holdfast_fences'): FenceTable<MysqlClient> {
  // Bytes: with most collations 'a' and 'A' would be one key.
  const columns = '`key` varbinary(1024) PRIMARY KEY, `token` bigint NOT NULL'
  const createTable = `CREATE TABLE IF NOT EXISTS ${quotedTable(table, mysql.quote)} (${columns}) ENGINE=InnoDB`
  return fenceTable(mysqlGuard({ table, key: 'key', column: 'token' }), createTable)
}

const mysql: Dialect = {
  name: 'mysql',
  quote: '`',
  placeholder: () => '?',
  alias: '',
  // Sees what others have committed, where a plain SELECT may look at the beginning of the transaction.
  selectLast: ' FOR UPDATE',
  // Assignments are made from left to right: the column of the token comes last.
  onConflict: ({ others, column, token, bind }) => {
    const set = others.map(([name, value]) => `${name} = IF(${column} <= ${bind(token)}, ${bind(value)}, ${name})`)
    return `ON DUPLICATE KEY UPDATE ${[...set, `${column} = GREATEST(${column}, ${bind(token)})`].join(', ')}`
  },
}
