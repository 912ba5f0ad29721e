// py-cachify, "is_locked() and is_alocked()", without promises.
import { configure, lock } from 'holdfast'
import { syncSettings } from './support/settings.js'
import { sleepSync } from './support/sleep-sync.js'

configure(syncSettings)

// #region program
const exampleLock = lock('example-lock', { wait: '4s', expire: '2s' })

using _lease = exampleLock.acquireSync()
console.log('This code is executing under a lock with a timeout of 4 seconds and expiration set to 2 seconds')
while (exampleLock.isLockedSync()) {
  console.log('Lock is still active! Waiting...')
  sleepSync(1_010)
}

console.log('Lock has been released')
using _again = exampleLock.acquireSync()
console.log('Acquire the same lock again')
// #endregion
