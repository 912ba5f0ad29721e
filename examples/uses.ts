// The ways to hold a lock.
import { configure, lock } from 'holdfast'
import { syncSettings } from './support/settings.js'

configure(syncSettings)

// #region async
{
  await using lease = await lock('invoice-42').acquire() // throws LockedError when another holds it
  console.log(`${lease.key} is ours: ${lease.active}`)
} // released here

const lease = await lock('invoice-42').tryAcquire() // undefined when another holds it
console.log(`tried: ${lease === undefined ? 'held by another' : 'acquired'}`)
await lease?.release()

const total = await lock('invoice-42', { wait: '4s' }).run(async (lease) => {
  lease.assertActive() // throws when the hold was lost; call it in front of each effect
  return 100
})
console.log(`run gave ${total}`)
// #endregion

// #region sync
{
  using lease = lock('invoice-42').acquireSync()
  console.log(`${lease.key} is ours: ${lease.active}`)
}
console.log(`runSync gave ${lock('invoice-42').runSync(() => 100)}`)
// #endregion
