// py-cachify, "Using lock as a decorator", on a plain function. It runs to its end at once, so it looks at itself.
import { configure, lock, LockedError } from 'holdfast'
import { syncSettings } from './support/settings.js'

configure({ ...syncSettings, logger: console })

// #region program
const sleepFor = lock('sleep_for_lock-{seconds}')((seconds: number, meanwhile?: () => void) => {
  meanwhile?.()
})

sleepFor(3, () => {
  console.log(`Sleep for is locked for argument 3: ${sleepFor.isLocked(3)}`)
  console.log(`Sleep for is locked for argument 4: ${sleepFor.isLocked(4)}`)
})

sleepFor(5, () => {
  console.log(`Sleep for is locked for argument 5: ${sleepFor.isLocked(5)}`)
  sleepFor.release(5) // forced, whoever holds it
  console.log(`Sleep for is locked for argument 5: ${sleepFor.isLocked(5)}`)
})

try {
  sleepFor(1, () => sleepFor(1))
} catch (error) {
  if (!(error instanceof LockedError)) throw error
  console.log(`Exception: ${error.message}`)
}
// #endregion
