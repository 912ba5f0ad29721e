// The checking half of fencing, in memory: a printer that takes nothing from who held it before.
import { configure, lock } from 'holdfast'
import { fenceGate, type Held, StaleTokenError } from 'holdfast/fence'
import { settings } from './support/settings.js'

configure(settings)

// #region printer
const gate = fenceGate()

function print(held: Held, page: string): void {
  gate.admit(held) // throws when somebody with a newer token was here
  console.log(`printed: ${page}`)
}
// #endregion

// #region program
const first = await lock('printer', { expire: '200ms' }).acquire() // stands for a lease that ends during a pause
print(first, 'page 1 of the first')

const second = await lock('printer', { wait: '10s' }).acquire()
print(second, 'page 1 of the second')

try {
  print(first, 'page 2 of the first') // it goes on where it was, and does not look at its lease
} catch (error) {
  if (!(error instanceof StaleTokenError)) throw error
  console.log(`${error.code}: the token of ${error.key} is older than the newest: ${error.token < (error.latest ?? 0)}`)
}
// #endregion

await second.release()
