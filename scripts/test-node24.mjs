// Runs the contract suite of the stores once more, on Node.js 24.
import { node24 } from './node24.mjs'
import { main, run } from './run.mjs'

const FILES = ['test/stores.test.ts']
const VITEST = ['node_modules/vitest/vitest.mjs', 'run', '--outputFile.json=.cache/reports/node24.json']

await main(async () => run(await node24(), [...VITEST, ...FILES]))
