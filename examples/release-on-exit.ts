// A process that is ended by a signal leaves no lock behind, though nothing in it listens. Needs HOLDFAST_EXAMPLE_STORE=redis://…
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createHoldfast } from 'holdfast'
import { settings } from './support/settings.js'

if (process.argv[2] === 'job') {
  // #region program
  const { lock } = createHoldfast({ ...settings, releaseOnExit: true })
  await lock('import', { ttl: '1m' }).run(async () => {
    process.send?.('holds')
    await new Promise((resolve) => setTimeout(resolve, 60_000))
  })
  // #endregion
} else {
  await using holdfast = createHoldfast(settings)
  const job = fork(new URL(import.meta.url), ['job'])
  await once(job, 'message')
  console.log(`held: ${await holdfast.lock('import').isLocked()}`)
  job.kill('SIGTERM')
  const [, signal] = (await once(job, 'exit')) as [null, string]
  console.log(`ended by ${signal}, held: ${await holdfast.lock('import').isLocked()}`)
}
