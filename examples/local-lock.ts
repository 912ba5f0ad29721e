// django-toolkit, LocalMemoryLock: anonymous, in this process, no key, nothing to configure.
import assert from 'node:assert/strict'
import { localLock } from 'holdfast'

// #region program
const guard = localLock()

{
  using _lease = guard.acquireSync()
  assert(guard.active)
  console.log('do some stuff')
}

{
  await using _lease = await guard.acquire()
  assert(guard.active)
  console.log('do some async stuff')
}

assert(!guard.active)
// #endregion
