import { describe, it } from 'vitest'
import { memory } from '../../src/stores/memory/index.js'
import { storeContract } from '../../src/testing/store-contract.js'

/** One after the other, so that it is known which of them reach a mutant. */
describe('memory keeps the contract', () => {
  const { capabilities } = memory()
  const cases = storeContract({
    name: 'memory',
    capabilities,
    has: ['acquireAll', 'resize', 'onNotice', 'values'],
    create: () => ({ store: memory() }),
  })
  for (const { name, run } of cases) it(name, run)
})
