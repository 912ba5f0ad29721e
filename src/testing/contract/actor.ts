import assert from 'node:assert/strict'
import { realEnv } from '../../core/env.js'
import type { AcquireRequest, Answer, Handoff, HolderInfo, Refused, Store } from '../../core/store.js'
import { pause } from './pause.js'

/** A request as a rule writes it: what it does not say is a mutex for ten seconds, without a queue. */
export type Wish = Partial<Omit<AcquireRequest, 'key' | 'owner'>>

export interface ActorOptions {
  readonly store?: Store
  readonly key?: string
  /** To be the same as another; default: a random id. */
  readonly owner?: string
  /** Leaves it to a store that can to renew its holds; else leases end when they end. */
  readonly selfRenewing?: boolean
  /** What each of its requests asks for, unless it says otherwise. */
  readonly wish?: Wish
}

/** Somebody with an owner id of its own who wants a key. */
export interface Actor {
  readonly owner: string
  readonly holder: HolderInfo
  readonly request: (wish?: Wish) => AcquireRequest
  readonly ask: (wish?: Wish) => Promise<Answer>
  /** Asks, and must get it. Returns the token. */
  readonly take: (wish?: Wish) => Promise<number>
  /** Asks, and must be refused. */
  readonly isRefused: (wish?: Wish) => Promise<Refused>
  /** Asks with a queue, and must be refused. Returns its place. */
  readonly queueUp: (wish?: Wish) => Promise<number>
  readonly renew: (ttlMs: number) => Promise<boolean>
  readonly release: () => Promise<boolean>
  readonly handOver: (to: Actor, wish?: Wish) => Promise<Handoff>
  /** As `inspect` shows it. */
  readonly holds: () => Promise<boolean>
}

/** Longer than any case runs: what must not expire does not, on the slowest machine. */
const longMs = 30_000
const patienceMs = 5_000

export function createActor(label: string, at: ActorOptions & { readonly store: Store; readonly key: string }): Actor {
  const { store, key, owner = realEnv.randomId() } = at
  const holder: HolderInfo = { host: realEnv.host, pid: realEnv.pid, label, since: realEnv.wallMs() }
  const request: Actor['request'] = (wish) => ({
    ...{ key, owner, ttlMs: longMs, limit: 1, permits: 1, queueMs: 0, holder },
    ...at.wish,
    ...wish,
  })
  const ask: Actor['ask'] = async (wish) => {
    const answer = await store.acquire(request(wish))
    if (answer.granted && !at.selfRenewing) store.selfRenewal?.stop(key, owner)
    return answer
  }
  const isRefused: Actor['isRefused'] = async (wish) => {
    const answer = await ask(wish)
    assert.ok(!answer.granted, `${label} must be refused`)
    return answer
  }
  return {
    owner,
    holder,
    request,
    ask,
    take: async (wish) => {
      const answer = await ask(wish)
      assert.ok(answer.granted, `${label} must be granted what is free, or its own`)
      return answer.token
    },
    isRefused,
    queueUp: async (wish) => {
      // A store may first have to open the way by which it tells of grants, and a busy machine may make that slow.
      const endMs = realEnv.nowMs() + patienceMs
      for (;;) {
        const { position } = await isRefused({ queueMs: longMs, ...wish })
        if (position !== undefined) return position
        assert.ok(realEnv.nowMs() < endMs, `${label} must be told its place in the queue`)
        await pause(10)
      }
    },
    renew: async (ttlMs) => store.renew(key, owner, ttlMs),
    release: async () => store.release(key, owner),
    handOver: async (to, wish) => {
      const answer = await store.release(key, owner, to.request(wish))
      store.selfRenewal?.stop(key, to.owner)
      return answer
    },
    holds: async () => (await store.inspect(key))?.holders.some((record) => record.owner === owner) ?? false,
  }
}
