// Vitest with one bug of test/simulation/mutants planted: the one whose name is in HOLDFAST_MUTANT.
import { resolve } from 'node:path'
import { mergeConfig } from 'vitest/config'
import { mutants } from '../test/simulation/mutants/index.mjs'
import base from '../vitest.config.ts'

const mutant = mutants.find(({ name }) => name === process.env.HOLDFAST_MUTANT)

const plant = {
  name: 'plant',
  enforce: 'pre',
  transform(code, id) {
    if (mutant === undefined || id.split('?')[0] !== resolve(mutant.file)) return undefined
    return code.replace(mutant.from, () => mutant.to)
  },
}

export default mergeConfig(
  { plugins: [plant] },
  { ...base, test: { ...base.test, reporters: ['json'], outputFile: '.cache/simulation/mutant-tests.json' } },
)
