// A job that every machine starts at the same time, and one of them is to run.
import { configure, lock } from 'holdfast'
import { settings } from './support/settings.js'

configure(settings)

// #region program
// The job takes milliseconds, the machines' clocks differ by more: the key stays held for a while after it.
const nightly = lock('nightly-report', { minHold: '5s', expire: '10m' })

for (const machine of ['a', 'b']) {
  const lease = await nightly.tryAcquire()
  console.log(`machine ${machine}: ${lease === undefined ? 'another one does it' : 'runs the report'}`)
  await lease?.release()
}
// #endregion
