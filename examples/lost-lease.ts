// A hold that is lost while its body works: the lease knows it before anything else does.
import { configure, lock, LockLostError } from 'holdfast'
import { settings } from './support/settings.js'
import { sleepSync } from './support/sleep-sync.js'

configure(settings)

// #region program
const notes: string[] = []
try {
  await lock('report', { ttl: '500ms' }).run(async (lease) => {
    lease.signal.addEventListener('abort', () => notes.push('the signal aborted'))

    sleepSync(1_000) // the event loop stalls for longer than the lease lasts: no renewal, no timer

    if (!lease.active) notes.push('not active any more') // true at once: it looks at the clock
    lease.assertActive() // throws, so that nothing is written
    notes.push('written')
  })
} catch (error) {
  if (!(error instanceof LockLostError)) throw error
  notes.push(`${error.code}: ${error.message}`)
}
// #endregion
for (const note of notes) console.log(note)
