import { statSync } from 'node:fs'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import { defineConfig } from 'vitest/config'
import base from '../../vitest.config.js'

/** Cheap tests first: most mutants fail within milliseconds, and the first failure ends a run. */
class CheapFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number => order.findIndex((part) => moduleId.includes(part))
    const size = ({ moduleId }: TestSpecification): number => statSync(moduleId).size
    return [...files].sort((one, other) => place(one) - place(other) || size(one) - size(other))
  }
}

const order = ['test/core/', 'test/features/', 'test/redis/', 'test/']

export default defineConfig({
  ...base,
  test: {
    ...base.test,
    include: ['test/core/*.test.ts', 'test/features/*.test.ts', 'test/mutation/worlds.ts'],
    exclude: ['test/core/many.test.ts', 'test/features/{template-*,decorators*}.test.ts'],
    execArgv: [],
    pool: 'threads',
    // One thread a mutant, which loads the modules once: three times as many mutants a second.
    isolate: false,
    testTimeout: 10_000,
    hookTimeout: 10_000,
    reporters: [],
    sequence: { sequencer: CheapFirst },
  },
})
