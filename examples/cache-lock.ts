// django-toolkit, CacheLock: the basic usage, an alias with a limit of time, and a try that does not throw.
import assert from 'node:assert/strict'
import { configure, lock } from 'holdfast'
import { settings } from './support/settings.js'

// #region configure
const { store, prefix } = settings // 'memory:', or the URL of a Redis
configure({ store, prefix, stores: { locks: store } })
// #endregion

// #region basic
{
  await using lease = await lock('key').acquire()
  assert(lease.active)
  console.log('do some stuff')
}
// #endregion

// #region alias
{
  await using lease = await lock('key', { store: 'locks', expire: '10s' }).acquire()
  console.log(`do some stuff, for 10 seconds at most: ${lease.remainingMs <= 10_000}`)
}
// #endregion

// #region try
{
  await using lease = await lock('key').tryAcquire()
  assert(lease?.active)

  await using other = await lock('key').tryAcquire()
  if (other?.active) console.log('do some stuff, lock is now active')
  else console.log('do other stuff, lock was not acquired')
}
{
  await using lease = await lock('key').tryAcquire()
  if (lease?.active) console.log('do some stuff, lock is now active')
  else console.log('do other stuff, lock was not acquired')
}
// #endregion
