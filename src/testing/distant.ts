import type { Env } from '../core/env.js'
import type { AcquireRequest, Capabilities, Handoff, Store, SyncStore } from '../core/store.js'
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
export function distant(records: SyncStore, { env, capabilities = {}, plan }: DistantOptions): FaultyStore {
  const store = faulty(staysOpen(records), plan === undefined ? { env } : { env, plan })
  if (capabilities.wake === 'poll') delete store.onNotice
  return {
    ...store,
    ...(capabilities.fair === false ? withoutQueue(store) : {}),
    name: 'model of a server',
    capabilities: { ...store.capabilities, ...capabilities, ...server },
  }
}

/** A server that is not fair lets nobody stand in a queue. */
function withoutQueue(store: Store): Pick<Store, 'acquire' | 'release'> {
  const hasty = (request: AcquireRequest): AcquireRequest => ({ ...request, queueMs: 0 })
  function release(key: string, owner: string): Promise<boolean>
  function release(key: string, owner: string, next: AcquireRequest): Promise<Handoff>
  function release(key: string, owner: string, next?: AcquireRequest): Promise<boolean | Handoff> {
    return next === undefined ? store.release(key, owner) : store.release(key, owner, hasty(next))
  }
  return { acquire: (request) => store.acquire(hasty(request)), release }
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
