// py-cachify, "Using lock as a decorator": functions cannot be decorated in JavaScript, so the lock wraps it.
import { setTimeout as sleep } from 'node:timers/promises'
import { configure, lock, LockedError } from 'holdfast'
import { settings } from './support/settings.js'

configure({ ...settings, logger: console })

// #region wrapper
const sleepFor = lock('sleep_for_lock-{seconds}')(async (seconds: number) => {
  await sleep(seconds * 1000)
})
// #endregion

// #region program
const first = sleepFor(3)
await sleep(100)

console.log(`Sleep for is locked for argument 3: ${await sleepFor.isLocked(3)}`)
console.log(`Sleep for is locked for argument 4: ${await sleepFor.isLocked(4)}`)

const second = sleepFor(5)
await sleep(100)
console.log(`Sleep for is locked for argument 5: ${await sleepFor.isLocked(5)}`)
await sleepFor.release(5) // forced, whoever holds it
console.log(`Sleep for is locked for argument 5: ${await sleepFor.isLocked(5)}`)
await second

try {
  await Promise.all([sleepFor(1), sleepFor(1)])
} catch (error) {
  if (!(error instanceof LockedError)) throw error
  console.log(`Exception: ${error.message}`)
}
// #endregion
await first
