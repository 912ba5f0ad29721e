// A migration when a new version is deployed: whichever process comes first does it, the others wait for it.
import { configure, lock } from 'holdfast'
import { settings } from './support/settings.js'

configure(settings)

const schema = { version: 1 }
const alter = async (): Promise<void> => {
  schema.version = await Promise.resolve(2)
}

// #region program
// Nobody starts before the schema is as new as the program, so all wait; who waited finds the work done.
const migrate = lock('migrations', { wait: '10m', label: `deploy by ${process.pid}` })(async () => {
  if (schema.version >= 2) return 'nothing left to do'
  await alter() // a migration that fails leaves the lock to the next, which tries again
  return 'migrated'
})

const outcomes = await Promise.all(['a', 'b', 'c'].map(async (instance) => `${instance}: ${await migrate()}`))
console.log(outcomes.join(', '), `version ${schema.version}`)
// #endregion
