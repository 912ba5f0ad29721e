// A long job that heeds lease.closing: it ends after the piece that it is at, in place of being cut off.
import { setTimeout as sleep } from 'node:timers/promises'
import { configure, close, lock } from 'holdfast'
import { settings } from './support/settings.js'

configure(settings)

// #region program
let pages = 0
const job = lock('reindex').run(async (lease) => {
  while (!lease.closing.aborted) {
    await sleep(20, undefined, { signal: lease.signal }) // the lock is gone: stop at once
    pages += 1
  }
  return `stopped after whole pages, the lock still ours: ${lease.active}`
})
// #endregion

while (pages === 0) await sleep(10)
await close({ drainMs: '10s' })
console.log(await job)
