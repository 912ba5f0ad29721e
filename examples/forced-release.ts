// py-cachify, "release() and arelease()": frees the key, whoever holds it.
import { configure, lock } from 'holdfast'
import { settings } from './support/settings.js'

configure(settings)

// #region program
const exampleLock = lock('example-lock', { wait: '4s', expire: '2s' })

await using _lease = await exampleLock.acquire()
console.log('This code is executing under a lock with a timeout of 4 seconds and expiration set to 2 seconds')

await exampleLock.forceRelease()

console.log(`Is the lock currently locked: ${await exampleLock.isLocked()}`)
await using _again = await exampleLock.acquire()
console.log('Acquire the same lock again')
// #endregion
