import type { Env } from '../core/env.js'
import type { Capabilities, SyncStore } from '../core/store.js'
import { faulty } from './faulty.js'
import type { FaultPlan, FaultyStore } from './faulty.js'

/** How a process reaches the records of a modelled server. */
export interface DistantOptions {
  readonly env: Env
  /** What the server can do, where it differs from a single one that is fair and pushes. */
  readonly capabilities?: Partial<Capabilities>
  readonly plan?: FaultPlan
}

const server = { scope: 'network', crashRelease: 'lease', consistency: 'single-node', sync: false } as const

/** Records of memory as if they stood on a server: leases, answers by promise, calls that can fail. Closing it leaves them open. */
export function distant(records: SyncStore, { env, capabilities, plan }: DistantOptions): FaultyStore {
  const store = faulty(staysOpen(records), plan === undefined ? { env } : { env, plan })
  return { ...store, name: 'model of a server', capabilities: { ...store.capabilities, ...capabilities, ...server } }
}

/** A client that goes does not take the server with it. */
function staysOpen(records: SyncStore): SyncStore {
  return new Proxy(records, {
    get(target, name) {
      if (name === 'close') return () => undefined
      const value = Reflect.get(target, name, target) as unknown
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}
