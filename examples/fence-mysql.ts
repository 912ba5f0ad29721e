// Rows of MySQL or MariaDB that refuse an old holder. Needs HOLDFAST_EXAMPLE_MYSQL=mysql://…, a database it may fill.
import { configure, lock } from 'holdfast'
import { type Held, mysqlFenceTable, mysqlGuard, StaleTokenError } from 'holdfast/fence'
import { createPool } from 'mysql2/promise'
import { settings } from './support/settings.js'

configure(settings)
const pool = createPool(process.env['HOLDFAST_EXAMPLE_MYSQL'] ?? '')
await pool.query('DROP TABLE IF EXISTS stock, takings')
await pool.query('CREATE TABLE stock (item varchar(64) PRIMARY KEY, items int, fence bigint NOT NULL DEFAULT 0)')
await pool.query('CREATE TABLE takings (item varchar(64), count int)')

// #region row
const stock = mysqlGuard({ table: 'stock', key: 'item' })

async function count(held: Held, item: string, items: number): Promise<void> {
  await stock.run(pool, stock.upsert(held, { item, items })) // INSERT … ON DUPLICATE KEY UPDATE
}
// #endregion

// #region transaction
const fences = mysqlFenceTable()
await pool.query(fences.createTable)

async function take(held: Held, item: string, items: number): Promise<void> {
  const connection = await pool.getConnection()
  try {
    await connection.beginTransaction()
    await fences.admit(connection, held) // first of all: throws, or lets newer holders wait for the end of the transaction
    await connection.execute('UPDATE stock SET items = items - ? WHERE item = ?', [items, item])
    await connection.execute('INSERT INTO takings (item, count) VALUES (?, ?)', [item, items])
    await connection.commit()
  } catch (error) {
    await connection.rollback()
    throw error
  } finally {
    connection.release()
  }
}
// #endregion

const first = await lock('stock', { expire: '300ms' }).acquire() // stands for a lease that ends during a pause
await count(first, 'nail', 10)
const second = await lock('stock', { wait: '10s' }).acquire()
await count(second, 'nail', 9)
await take(second, 'nail', 3)

for (const write of [() => count(first, 'nail', 10), () => take(first, 'nail', 5)]) {
  await write().catch((error: unknown) => {
    if (!(error instanceof StaleTokenError)) throw error
    console.log(`the first is refused: ${error.code}`)
  })
}
const [rows] = await pool.query('SELECT items FROM stock')
console.log(`left: ${JSON.stringify(rows)}`)

await pool.query('DROP TABLE stock, takings, holdfast_fences')
await second.release()
await pool.end()
