import { AssertionError } from 'node:assert'
import { describe, expect, it } from 'vitest'
import { storeContract, type ContractCase } from '../../src/testing/index.js'
import { brokenSubject, type Bug } from './bugs/bug.js'
import { forceBugs } from './bugs/force-bugs.js'
import { grantBugs } from './bugs/grant-bugs.js'
import { handoffBugs } from './bugs/handoff-bugs.js'
import { leaseBugs } from './bugs/lease-bugs.js'
import { ownershipBugs } from './bugs/ownership-bugs.js'
import { permitBugs } from './bugs/permit-bugs.js'
import { queueBugs } from './bugs/queue-bugs.js'
import { resizeBugs } from './bugs/resize-bugs.js'
import { selfRenewalBugs } from './bugs/self-renewal-bugs.js'
import { severalBugs } from './bugs/several-bugs.js'
import { tokenBugs } from './bugs/token-bugs.js'
import { valueBugs } from './bugs/value-bugs.js'
import { viewBugs } from './bugs/view-bugs.js'
import { processCapabilities, sharedCapabilities } from './reference-store.js'
import { selfRenewing } from './self-renewing.js'

const bugs: readonly Bug[] = [
  ...grantBugs,
  ...ownershipBugs,
  ...leaseBugs,
  ...tokenBugs,
  ...permitBugs,
  ...handoffBugs,
  ...queueBugs,
  ...forceBugs,
  ...resizeBugs,
  ...selfRenewalBugs,
  ...viewBugs,
  ...valueBugs,
  ...severalBugs,
]

const parts = ['acquireAll', 'wasRevoked', 'resize', 'onNotice', 'values'] as const

function casesFor(bug: Bug, patienceMs = 10_000): ContractCase[] {
  const capabilities = bug.sync ? processCapabilities : sharedCapabilities
  return storeContract({
    name: 'store',
    capabilities,
    has: bug.renewsItself ? [...parts, 'selfRenewal'] : parts,
    patienceMs,
    create: () => brokenSubject(bug),
  })
}

const right: readonly Bug[] = [
  { bug: 'none, async', caughtBy: '' },
  { bug: 'none, sync', caughtBy: '', sync: true },
  { bug: 'none, renewing by itself', caughtBy: '', renewsItself: true, wrap: (client) => selfRenewing(client) },
]

describe.concurrent('the contract suite', () => {
  for (const kind of right) {
    for (const { name, run } of casesFor(kind)) it(`passes a store with bugs: ${kind.bug}: ${name}`, run)
  }

  for (const bug of bugs) {
    it(`catches a store that ${bug.bug}`, async () => {
      const rule = casesFor(bug, 1_500).find(({ name }) => name === `store: ${bug.caughtBy}`)
      expect(rule, bug.caughtBy).toBeDefined()
      const failure = await rule?.run().catch((error: unknown) => error)
      expect(failure).toBeInstanceOf(bug.error ?? AssertionError)
    })
  }

  it('has no case that no broken store fails', () => {
    const names = new Set(right.flatMap((kind) => casesFor(kind)).map(({ name }) => name.replace('store: ', '')))
    for (const { caughtBy } of bugs) names.delete(caughtBy)
    expect([...names]).toEqual([])
  })
})
