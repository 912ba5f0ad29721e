import { statSync } from 'node:fs'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import { defineConfig } from 'vitest/config'
import base from '../../vitest.config.js'
import { suiteNamed } from './suites.js'

const { tests } = suiteNamed(process.env['HOLDFAST_MUTATED'])

/** In the order of the suite, small files first: most mutants fail within milliseconds, and the first failure ends a run. */
class InOrder extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number => tests.findIndex((part) => moduleId.includes(part))
    const size = ({ moduleId }: TestSpecification): number => statSync(moduleId).size
    return [...files].sort((one, other) => place(one) - place(other) || size(one) - size(other))
  }
}

export default defineConfig({
  ...base,
  test: {
    ...base.test,
    include: tests.map((path) => (path.endsWith('.ts') ? path : `${path}*.test.ts`)),
    // Heavy ones, those that load or run the built package, and those of what is not mutated.
    exclude: ['test/core/{many,held-bytes}.test.ts', 'test/features/{template-*,decorators*,rw-load}.test.ts'],
    setupFiles: ['test/mutation/left-out.ts'],
    execArgv: [],
    pool: 'threads',
    // One thread a mutant, which loads the modules once: three times as many mutants a second.
    isolate: false,
    // Many a mutant waits for what never comes; the tests of these suites take a second at most.
    testTimeout: 8_000,
    hookTimeout: 20_000,
    reporters: [],
    sequence: { sequencer: InOrder },
  },
})
