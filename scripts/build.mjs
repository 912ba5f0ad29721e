// Compiles src/ into an empty dist/, so that no file of an earlier build is shipped.
import { rmSync } from 'node:fs'
import { main, run } from './run.mjs'

rmSync('dist', { recursive: true, force: true })
await main(() => run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json']))
