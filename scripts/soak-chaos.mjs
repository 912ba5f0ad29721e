// `npm run soak -- --chaos …`: real servers, processes and faults for as long as asked; `--help` tells the options.
import { main, run } from './run.mjs'

await main(async () => {
  const options = process.argv.slice(2).filter((option) => option !== '--chaos')
  await run(process.execPath, ['--import', 'tsx', 'test/chaos/main.ts', ...options])
})
