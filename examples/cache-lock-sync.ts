// django-toolkit, CacheLock, without promises, as the original is.
import assert from 'node:assert/strict'
import { configure, lock } from 'holdfast'
import { syncSettings } from './support/settings.js'

const { store, prefix } = syncSettings
configure({ store, prefix, stores: { locks: store } })

// #region basic
{
  using lease = lock('key').acquireSync()
  assert(lease.active)
  console.log('do some stuff')
}
// #endregion

// #region alias
{
  using lease = lock('key', { store: 'locks', expire: '10s' }).acquireSync()
  console.log(`do some stuff, for 10 seconds at most: ${lease.remainingMs <= 10_000}`)
}
// #endregion

// #region try
{
  using lease = lock('key').tryAcquireSync()
  assert(lease?.active)

  using other = lock('key').tryAcquireSync()
  if (other?.active) console.log('do some stuff, lock is now active')
  else console.log('do other stuff, lock was not acquired')
}
{
  using lease = lock('key').tryAcquireSync()
  if (lease?.active) console.log('do some stuff, lock is now active')
  else console.log('do other stuff, lock was not acquired')
}
// #endregion
