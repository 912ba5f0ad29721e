// Mutation testing: `npm run mutation`. What it found is in docs/mutation.md.
import { fileURLToPath } from 'node:url'

export default {
  testRunner: 'vitest',
  vitest: { configFile: 'test/mutation/vitest.config.ts', related: false },
  plugins: ['@stryker-mutator/vitest-runner', fileURLToPath(new URL('ignored.mjs', import.meta.url))],
  testRunnerNodeArgs: ['--expose-gc'],
  ignorers: ['not-logic'],
  coverageAnalysis: 'perTest',
  disableTypeChecks: false,
  mutate: ['src/core/**/*.ts', 'src/stores/**/*.ts'],
  concurrency: 2,
  // A mutant that hangs is ended by the test's own limit of 10 s; this one is for loops that never yield.
  timeoutMS: 15_000,
  timeoutFactor: 3,
  dryRunTimeoutMinutes: 10,
  incremental: true,
  incrementalFile: '.cache/mutation/incremental.json',
  tempDirName: '.cache/mutation/sandbox',
  ignorePatterns: ['/.cache', '/bench', '/docs', '/examples', '/models', '/scripts'],
  reporters: ['clear-text', 'json', 'progress-append-only'],
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false, allowEmojis: false },
  jsonReporter: { fileName: '.cache/mutation/report.json' },
}
