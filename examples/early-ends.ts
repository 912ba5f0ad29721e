// The three ways in which a hold ends before its body, and what `run` makes of them.
import { setTimeout as sleep } from 'node:timers/promises'
import { configure, lock, LockLostError } from 'holdfast'
import { settings } from './support/settings.js'
import { sleepSync } from './support/sleep-sync.js'

configure(settings)

// #region program
const work = lock('work')
const limited = lock('work', { expire: '200ms' })
const leased = lock('work', { ttl: '500ms' })

const expired = await limited.run(async (lease) => {
  await sleep(300) // works on for longer than it may hold
  return codeOf(lease.signal)
})
console.log(`${expired}: its own limit; the result stands`)

const revoked = await work.run(async (lease) => {
  await work.forceRelease() // somebody else's, usually
  return codeOf(lease.signal)
})
console.log(`${revoked}: released by force; the result stands`)

try {
  await leased.run((lease) => {
    sleepSync(1_000)
    return codeOf(lease.signal)
  })
} catch (error) {
  if (!(error instanceof LockLostError)) throw error
  console.log(`${String(error.result)}: run throws, though the work was done; error.result has it`)
}

function codeOf({ reason }: AbortSignal): string {
  return reason instanceof LockLostError ? reason.code : 'not ended'
}
// #endregion
