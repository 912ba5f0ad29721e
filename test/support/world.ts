import {
  createHoldfast,
  type Capabilities,
  type Holdfast,
  type HoldfastOptions,
  memory,
  type SyncStore,
} from 'holdfast'
import { faulty, type FaultyStore, virtualEnv, type VirtualEnv } from 'holdfast/testing'

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

const network = { scope: 'network', crashRelease: 'lease', consistency: 'single-node', sync: false } as const

export function world(
  options: Pick<HoldfastOptions, 'storeTimeout'> = {},
  capabilities: Partial<Capabilities> = {},
): World {
  const time = virtualEnv()
  const records = memory({ env: time })
  const warnings: string[] = []
  const logger = { warn: (message: string) => warnings.push(message) }
  const distant = (): FaultyStore => {
    const store = faulty(records, { env: time })
    return Object.assign(store, { capabilities: { ...store.capabilities, ...capabilities, ...network } })
  }
  const store = distant()
  const holdfast = createHoldfast({ store, env: time, logger, ...options })
  return {
    time,
    records,
    store,
    warnings,
    holdfast,
    other: () => createHoldfast({ store: distant(), env: virtualTwin(time) }),
  }
}

/** The same clocks with other random ids. */
function virtualTwin(time: VirtualEnv): VirtualEnv {
  const ids = virtualEnv({ seed: 1 + Math.floor(Math.random() * 1e9) })
  return new Proxy(time, {
    get: (target, name) => {
      const from = name === 'randomId' ? ids : target
      const value = Reflect.get(from, name, from) as unknown
      return typeof value === 'function' ? (value.bind(from) as unknown) : value
    },
  })
}

/** The reason a promise rejects with; fails when it does not. */
export async function rejection(promise: Promise<unknown>): Promise<Error & { code?: string }> {
  try {
    await promise
  } catch (error) {
    if (error instanceof Error) return error
    throw new TypeError(`rejected with ${String(error)}, which is no Error`)
  }
  throw new TypeError('resolved, and should have rejected')
}
