// `npm start`: installs, builds, and runs the tour.
import { installIfNeeded } from './install.mjs'
import { main, npm, run } from './run.mjs'

const TOUR = 'examples/tour.ts'

await main(async () => {
  await installIfNeeded()
  await run(...npm('run', '--silent', 'build'))
  console.log(`Running ${TOUR}: several workers contend for one lock, in memory.`)
  await run(process.execPath, ['--import', 'tsx', TOUR])
})
