// Mutation testing: `npm run mutation`. What it found is in docs/mutation.md.
import { fileURLToPath } from 'node:url'

const suite = process.env.HOLDFAST_MUTATED ?? 'core'

export default {
  testRunner: 'vitest',
  vitest: { configFile: 'test/mutation/vitest.config.ts', related: false },
  plugins: ['@stryker-mutator/vitest-runner', fileURLToPath(new URL('ignored.mjs', import.meta.url))],
  testRunnerNodeArgs: ['--expose-gc'],
  ignorers: ['not-logic'],
  coverageAnalysis: 'perTest',
  disableTypeChecks: false,
  mutate: ['src/core/**/*.ts', 'src/stores/**/*.ts'],
  concurrency: 5, // many a mutant waits for what never comes, or for time to pass
  // A mutant that hangs is ended by the test's own limit of 8 s; this one is for loops that never yield.
  timeoutMS: 8_000,
  timeoutFactor: 1.5,
  dryRunTimeoutMinutes: 10,
  incremental: true,
  incrementalFile: `.cache/mutation/${suite}.json`,
  tempDirName: `.cache/mutation/sandbox-${suite}`,
  ignorePatterns: ['/.cache', '/bench', '/docs', '/examples', '/models', '/scripts'],
  reporters: ['clear-text', 'json', 'progress-append-only'],
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false, allowEmojis: false },
  jsonReporter: { fileName: `.cache/mutation/last-${suite}.json` },
}
