// py-cachify, "Lock parameters", without promises: the wait blocks the thread until the first hold has expired.
import { configure, lock } from 'holdfast'
import { syncSettings } from './support/settings.js'

configure(syncSettings)

// #region program
const exampleLock = lock('example-lock', { wait: '4s', expire: '2s' })

using _lease = exampleLock.acquireSync()
console.log('This code is executing under a lock with a timeout of 4 seconds and expiration set to 2 seconds')

using _again = exampleLock.acquireSync()
console.log('This code is acquiring the same lock under the previous one.')
// #endregion
