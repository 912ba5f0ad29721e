// py-cachify, "Starting slow": one `lock` for sync and async code.
import { configure, lock } from 'holdfast'
import { syncSettings } from './support/settings.js'

configure(syncSettings)

// #region program
{
  using _lease = lock('cool-sync-lock').acquireSync()
  console.log('this code is locked')
}

{
  await using _lease = await lock('cool-async-lock').acquire()
  console.log('this code is locked, but using async cache')
}
// #endregion
