// Who holds it, and what happens: inspect, the channels of node:diagnostics_channel, the logger.
import { subscribe } from 'node:diagnostics_channel'
import { configure, lock, type TraceEvents } from 'holdfast'
import { settings } from './support/settings.js'

// #region logger
configure({ ...settings, logger: { warn: (message) => console.log(`warning: ${message}`) } })
// #endregion

// #region channels
subscribe('holdfast:contended', (message) => {
  const { key, waits } = message as TraceEvents['holdfast:contended']
  console.log(`contended: ${key}, ${waits ? 'waits' : 'gives up'}`)
})
// #endregion

// #region inspect
await using _lease = await lock('report', { label: 'the nightly report' }).acquire()
const { holders } = (await lock('report').inspect()) ?? { holders: [] }
for (const { label, since } of holders) console.log(`held by ${label}, ${Date.now() - since.getTime()} ms by now`)
// #endregion

await lock('report').tryAcquire()
await lock('report')
  .acquire()
  .catch(() => {})
