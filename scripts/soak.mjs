// `npm run soak -- --sim --seeds N`: the simulator for as many seeds as asked, with a line of progress and a report.
import { main } from './run.mjs'
import { simulate } from './simulate.mjs'

await main(async () => {
  const [what, ...args] = process.argv.slice(2)
  if (what !== '--sim') throw new Error('Usage: npm run soak -- --sim [--seeds N] [--first SEED] [--report FILE]')
  await simulate(args)
})
