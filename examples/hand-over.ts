// A hold goes to a child process, which works on under it; nobody gets in between. Needs HOLDFAST_EXAMPLE_STORE=redis://…
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { configure, close, lock, LockLostError } from 'holdfast'
import { settings } from './support/settings.js'

configure(settings)

if (process.argv[2] === 'child') {
  // #region receiver
  const [exported] = (await once(process, 'message')) as [string]
  const lease = await lock('video-7').adopt(exported) // once: whoever tries again gets a LockLostError
  console.log(`child: goes on, still ours: ${lease.active}`)
  await lease.release()
  // #endregion
  await close()
  process.disconnect()
} else {
  const child = fork(new URL(import.meta.url), ['child'])
  // #region giver
  const lease = await lock('video-7').acquire()
  const exported = await lease.export() // a secret: whoever has it can take the hold over
  child.send(exported)
  console.log(`parent: still ours: ${lease.active}`)
  // #endregion
  await once(child, 'exit')
  try {
    await lock('video-7').adopt(exported)
  } catch (error) {
    if (!(error instanceof LockLostError)) throw error
    console.log(`parent: ${error.code}`)
  }
  await close()
}
