import { StaleTokenError } from '../core/errors.js'
import { type FenceTable, fenceTable } from './fence-table.js'
import { type Dialect, quotedTable, sqlBuilder, type SqlGuard, type SqlGuardOptions, type SqlValue } from './sql.js'

/** What is used of `pg`: a `Client`, a `Pool`, or what `pool.connect()` gives. Anything else fits that answers like this. */
export interface PostgresClient {
  query(text: string, values: SqlValue[]): Promise<{ readonly rowCount: number | null; readonly rows: unknown[] }>
}

/**
 * A guard for rows of a table of PostgreSQL, which have a column for the largest token:
 * `ALTER TABLE invoices ADD COLUMN fence bigint NOT NULL DEFAULT 0`.
 *
 * Its statements are text with `$1` and values, for any driver; `run` needs a client of `pg`. Each is atomic by itself and
 * needs no transaction.
 *
 * @example
 * const guard = postgresGuard({ table: 'invoices', key: 'id' })
 * await guard.run(pool, guard.update(lease, { id: 42 }, { state: 'paid' }))
 * @throws InvalidOptionError
 */
export function postgresGuard<const K extends string>(options: SqlGuardOptions<K>): SqlGuard<K, PostgresClient> {
  const builder = sqlBuilder(postgres, options)
  return {
    ...builder,
    run: async (client, { text, values, held, kind, latest }) => {
      const { rowCount } = await client.query(text, values)
      if (rowCount !== null && rowCount > 0) return true
      const { rows } = await client.query(latest.text, latest.values)
      builder.check(held, (rows[0] as { latest: unknown } | undefined)?.latest)
      // The row that refused an upsert may be gone by now. An update changed nothing: what is there now was not there then.
      if (kind === 'upsert') throw new StaleTokenError(held.key, held.token, undefined)
      return false
    },
  }
}

/**
 * Remembers the largest token of each key in a table of its own, for transactions of PostgreSQL that write to several rows or tables.
 * @param table Its name, or `[schema, table]`. Default `holdfast_fences`.
 * @throws InvalidOptionError
 */
export function postgresFenceTable(
  table: SqlGuardOptions<string>['table'] = 'holdfast_fences',
): FenceTable<PostgresClient> {
  const columns = '"key" text COLLATE "C" PRIMARY KEY, "token" bigint NOT NULL'
  const createTable = `CREATE TABLE IF NOT EXISTS ${quotedTable(table, postgres.quote)} (${columns})`
  return fenceTable(postgresGuard({ table, key: 'key', column: 'token' }), createTable)
}

const postgres: Dialect = {
  name: 'postgres',
  quote: '"',
  placeholder: (number) => `$${number}`,
  alias: ' AS held',
  selectLast: '',
  onConflict: ({ keys, others, column }) => {
    const set = [...others.map(([name]) => name), column].map((name) => `${name} = excluded.${name}`).join(', ')
    return `ON CONFLICT (${keys.join(', ')}) DO UPDATE SET ${set} WHERE held.${column} <= excluded.${column}`
  },
}
