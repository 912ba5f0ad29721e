import { realEnv } from '../core/env.js'
import type { Capabilities } from '../core/store.js'
import { adoption } from './contract/adoption.js'
import { capabilities as declarations } from './contract/capabilities.js'
import { clients } from './contract/clients.js'
import { expiry } from './contract/expiry.js'
import { forceRelease } from './contract/force-release.js'
import { grants } from './contract/grants.js'
import { handoff } from './contract/handoff.js'
import { inspection } from './contract/inspection.js'
import { keys } from './contract/keys.js'
import { listing } from './contract/listing.js'
import { notices } from './contract/notices.js'
import { ownership } from './contract/ownership.js'
import { permits } from './contract/permits.js'
import { resizing } from './contract/resizing.js'
import { promotion } from './contract/promotion.js'
import { queue } from './contract/queue.js'
import { createScene } from './contract/scene.js'
import type { Rule, Scene } from './contract/scene.js'
import type { ContractSubject, OptionalPart, Promised } from './contract/subject.js'
import { selfRenewal } from './contract/self-renewal.js'
import { several } from './contract/several.js'
import { tokens } from './contract/tokens.js'
import { values } from './contract/values.js'

export interface ContractOptions {
  /** Begins the name of each case. */
  readonly name: string
  /** What the store promises. Decides which cases apply; a case compares it with what the store itself declares. */
  readonly capabilities: Capabilities
  /** Which optional parts of a store it has; default: none. */
  readonly has?: readonly OptionalPart[]
  /** How long a condition may take, in milliseconds, before it counts as never; default 10,000. */
  readonly patienceMs?: number
  readonly create: () => ContractSubject | Promise<ContractSubject>
}

/** One test, for any runner. */
export interface ContractCase {
  /** What is expected, as a sentence. */
  readonly name: string
  /** Rejects with an `AssertionError` when the store breaks the rule. Most take milliseconds, those about expiry up to 1 s. */
  readonly run: () => Promise<void>
}

/**
 * What every store must do: the same tests for all, chosen by what the store says it can do. Uses fresh random keys that
 * begin with `holdfast-contract:`, and leaves only leases behind that end by themselves within a minute.
 *
 * @example
 * import { test } from 'node:test'
 * const cases = storeContract({
 *   name: 'my store',
 *   capabilities: {
 *     scope: 'network', crashRelease: 'lease', fair: false, wake: 'poll',
 *     token: 'durable', consistency: 'single-node', sync: false,
 *   },
 *   create: () => ({ store: myStore(url), another: () => myStore(url) }),
 * })
 * for (const { name, run } of cases) test(name, run)
 */
export function storeContract(options: ContractOptions): ContractCase[] {
  const { name, capabilities, has = [], patienceMs = 10_000, create } = options
  const promised: Promised = { capabilities, has, patienceMs }
  return rules
    .filter((rule) => rule.applies(capabilities, has))
    .map((rule) => ({
      name: `${name}: ${rule.name}`,
      run: async () => check(rule, createScene(await create(), promised)),
    }))
}

const rules: readonly Rule[] = [
  ...declarations,
  ...grants,
  ...ownership,
  ...expiry,
  ...selfRenewal,
  ...tokens,
  ...permits,
  ...resizing,
  ...handoff,
  ...adoption,
  ...queue,
  ...promotion,
  ...forceRelease,
  ...notices,
  ...inspection,
  ...listing,
  ...keys,
  ...values,
  ...several,
  ...clients,
]

async function check(rule: Rule, scene: Scene): Promise<void> {
  // A store's idle connection may keep no process alive, and a bare script has nothing else that does.
  const alive = realEnv.setTimer(() => undefined, 3_600_000, true)
  try {
    await rule.check(scene)
    await scene.end()
  } catch (error) {
    // What went wrong first is the news, not that the store then could not be closed either.
    await scene.end().catch(() => undefined)
    throw error
  } finally {
    alive.clear()
  }
}
