// `npm run soak -- --sim …` or `-- --chaos …`: the simulator for as many seeds as asked, or real servers, processes and faults for
// as long as asked, with a line of progress and a report.
import { main, run } from './run.mjs'
import { simulate } from './simulate.mjs'

await main(async () => {
  const [what, ...args] = process.argv.slice(2)
  if (what === '--sim') await simulate(args)
  else if (what === '--chaos') await run(process.execPath, ['--import', 'tsx', 'test/chaos/main.ts', ...args])
  else
    throw new Error(
      'Usage: npm run soak -- --sim [--seeds N] …, or npm run soak -- --chaos [--minutes N] …; --help tells more',
    )
})
