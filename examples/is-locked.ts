// py-cachify, "is_locked() and is_alocked()".
import { setTimeout as sleep } from 'node:timers/promises'
import { configure, lock } from 'holdfast'
import { settings } from './support/settings.js'

configure(settings)

// #region program
const exampleLock = lock('example-lock', { wait: '4s', expire: '2s' })

await using _lease = await exampleLock.acquire()
console.log('This code is executing under a lock with a timeout of 4 seconds and expiration set to 2 seconds')
while (await exampleLock.isLocked()) {
  console.log('Lock is still active! Waiting...')
  await sleep(1_010) // a little more than a second: timers may fire 1 ms early
}

console.log('Lock has been released')
await using _again = await exampleLock.acquire()
console.log('Acquire the same lock again')
// #endregion
