// Rows of PostgreSQL that refuse an old holder. Needs HOLDFAST_EXAMPLE_POSTGRES=postgres://…, a database it may fill.
import { configure, lock } from 'holdfast'
import { type Held, postgresFenceTable, postgresGuard, StaleTokenError } from 'holdfast/fence'
import pg from 'pg'
import { settings } from './support/settings.js'

configure(settings)
const pool = new pg.Pool({ connectionString: process.env['HOLDFAST_EXAMPLE_POSTGRES'] })
await pool.query('DROP TABLE IF EXISTS invoices')

// #region table
await pool.query('CREATE TABLE invoices (id int PRIMARY KEY, state text, fence bigint NOT NULL DEFAULT 0)')
// #endregion
await pool.query(`INSERT INTO invoices (id, state) VALUES (42, 'open')`)

// #region row
const invoices = postgresGuard({ table: 'invoices', key: 'id' })

function setState(held: Held, id: number, state: string): Promise<boolean> {
  return invoices.run(pool, invoices.update(held, { id }, { state })) // false: there is no such invoice
}
// #endregion

// #region transaction
const fences = postgresFenceTable()
await pool.query(fences.createTable)

async function settle(held: Held): Promise<void> {
  const client = await pool.connect()
  try {
    await client.query('BEGIN')
    await fences.admit(client, held) // first of all: throws, or lets newer holders wait for the end of the transaction
    const { rows } = await client.query<{ id: number }>(`SELECT id FROM invoices WHERE state = 'paid'`)
    for (const { id } of rows) await client.query(`UPDATE invoices SET state = 'settled' WHERE id = $1`, [id])
    await client.query('COMMIT')
  } catch (error) {
    await client.query('ROLLBACK')
    throw error
  } finally {
    client.release()
  }
}
// #endregion

// #region own
async function reopen(held: Held): Promise<number | null> {
  const { set, where, values } = invoices.condition(held, 2)
  const text = `UPDATE invoices SET state = 'open', ${set} WHERE state = $1 AND ${where}`
  return (await pool.query(text, ['settled', ...values])).rowCount // rows of newer holders stay as they are
}
// #endregion

const first = await lock('invoices', { expire: '300ms' }).acquire() // stands for a lease that ends during a pause
await setState(first, 42, 'sent')
const second = await lock('invoices', { wait: '10s' }).acquire()
console.log(`written: ${await setState(second, 42, 'paid')}, ${await setState(second, 43, 'paid')}`)
await settle(second)

for (const write of [() => setState(first, 42, 'open'), () => settle(first)]) {
  await write().catch((error: unknown) => {
    if (!(error instanceof StaleTokenError)) throw error
    console.log(`the first is refused: ${error.code}`)
  })
}
console.log(`reopened by the first: ${await reopen(first)}, by the second: ${await reopen(second)}`)

await pool.query('DROP TABLE invoices, holdfast_fences')
await second.release()
await pool.end()
