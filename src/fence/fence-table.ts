import type { Held } from './held.js'
import type { GuardedStatement, SqlGuard } from './sql.js'

/** A table that remembers the largest token of each key, for what a single row cannot guard. */
export interface FenceTable<Client> {
  /** `CREATE TABLE IF NOT EXISTS …`, for your migrations. One row for each key that was ever admitted; old ones may be deleted. */
  readonly createTable: string
  /**
   * Compares, and remembers. Do it first in a transaction, before anything is read: it locks the row of the key, so that
   * transactions of one key come one after the other. Outside of a transaction it holds nothing back.
   * @param client The connection of the transaction; a pool would take another for each statement.
   * @throws StaleTokenError, and what the client throws; roll back then
   */
  admit(client: Client, held: Held): Promise<void>
  /** What `admit` runs, for another driver. @throws InvalidOptionError, InvalidKeyError */
  statement(held: Held): GuardedStatement
}

export function fenceTable<Client>(guard: SqlGuard<'key', Client>, createTable: string): FenceTable<Client> {
  const statement = (held: Held): GuardedStatement => guard.upsert(held, { key: held.key })
  return {
    createTable,
    statement,
    admit: async (client, held) => {
      await guard.run(client, statement(held))
    },
  }
}
