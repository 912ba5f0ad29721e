// A configuration that many read and one writes.
import { configure, rwLock } from 'holdfast'
import { settings } from './support/settings.js'

configure(settings)

let config = { version: 1 }

// #region program
const { read, write } = rwLock('config', { wait: '10s' })

const readers = [await read.acquire(), await read.acquire()] // together
const writing = write.run(async (lease) => {
  config = { version: config.version + 1 } // alone
  await using reading = await lease.downgrade() // others read again, and nobody wrote in between
  console.log(`written: version ${config.version}, read on: ${reading.active}`)
})
for (const lease of readers) await lease.release()
await writing
console.log(await read.run(() => `read: version ${config.version}`))
// #endregion
