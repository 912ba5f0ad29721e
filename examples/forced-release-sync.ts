// py-cachify, "release() and arelease()", without promises.
import { configure, lock } from 'holdfast'
import { syncSettings } from './support/settings.js'

configure(syncSettings)

// #region program
const exampleLock = lock('example-lock', { wait: '4s', expire: '2s' })

using _lease = exampleLock.acquireSync()
console.log('This code is executing under a lock with a timeout of 4 seconds and expiration set to 2 seconds')

exampleLock.forceReleaseSync()

console.log(`Is the lock currently locked: ${exampleLock.isLockedSync()}`)
using _again = exampleLock.acquireSync()
console.log('Acquire the same lock again')
// #endregion
