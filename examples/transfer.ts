// Transfers between accounts: each needs two of them, and they come in both directions.
import { configure, lock, LockedError } from 'holdfast'
import { settings } from './support/settings.js'

configure(settings)

const balances = new Map([
  ['anna', 100],
  ['ben', 100],
  ['carl', 100],
])

async function balanceOf(account: string): Promise<number> {
  await new Promise((resolve) => setImmediate(resolve)) // a database would take longer
  return balances.get(account) ?? 0
}

// #region program
const transfer = lock(['account-{from}', 'account-{to}'], { wait: '10s' })(async (
  from: string,
  to: string,
  amount: number,
) => {
  const [left, right] = [await balanceOf(from), await balanceOf(to)]
  balances.set(from, left - amount).set(to, right + amount)
})
// in both directions at once: nobody waits for ever, no transfer is lost
await Promise.all([transfer('anna', 'ben', 10), transfer('ben', 'anna', 5), transfer('carl', 'ben', 1)])
console.log([...balances.values()].join(' '))
// #endregion

// #region lease
await using lease = await lock(['account-ben', 'account-anna']).acquire()
console.log(lease.keys.join(' and '), lease.active)
console.log(lease.tokenOf('account-anna') > 0, [...lease.tokens.keys()].length)
const error = await lock(['account-carl', 'account-ben']).acquire().catch((thrown: unknown) => thrown) // prettier-ignore
if (error instanceof LockedError)
  console.log(`${error.key} is held; account-carl: ${await lock('account-carl').isLocked()}`)
// #endregion
