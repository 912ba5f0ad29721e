// py-cachify, "Lock parameters": nowait=False, timeout=4, exp=2.
import { configure, lock } from 'holdfast'
import { settings } from './support/settings.js'

configure(settings)

// #region program
const exampleLock = lock('example-lock', { wait: '4s', expire: '2s' })

await using _lease = await exampleLock.acquire()
console.log('This code is executing under a lock with a timeout of 4 seconds and expiration set to 2 seconds')

// The first hold ends after 2 of the 4 seconds that this one may wait.
await using _again = await exampleLock.acquire()
console.log('This code is acquiring the same lock under the previous one.')
// #endregion
