import {
  type Capabilities,
  createHoldfast,
  type Holdfast,
  type HoldfastOptions,
  type Store,
  type SyncStore,
} from 'holdfast'
import { type FaultyStore, type VirtualEnv, virtualTime } from 'holdfast/testing'

export { rejection, thrown } from './thrown.js'

/** A fleet in one test: a store on a network that misbehaves on command, under a clock that the test moves. */
export interface World {
  readonly time: VirtualEnv
  readonly records: SyncStore
  readonly store: FaultyStore
  readonly warnings: string[]
  readonly holdfast: Holdfast<'async'>
  /** Another process on the same records, with no faults of its own. */
  other(): Holdfast<'async'>
}

export function world(
  options: Pick<HoldfastOptions, 'storeTimeout'> = {},
  capabilities: Partial<Capabilities> = {},
): World {
  const warnings: string[] = []
  const logger = { warn: (message: string) => warnings.push(message) }
  const holdfast = virtualTime({ ...options, capabilities, logger })
  const { env: time, records, store } = holdfast
  return { time, records, store, warnings, holdfast, other: () => holdfast.another() }
}

/** A world whose store is changed in some of its calls. */
export function changed(change: (store: Store) => Partial<Store>): World {
  const all = world()
  const warnings: string[] = []
  const logger = { warn: (message: string) => void warnings.push(message) }
  const store = { ...all.store, ...change(all.store) }
  return { ...all, warnings, holdfast: createHoldfast({ store, env: all.time, logger }) }
}
