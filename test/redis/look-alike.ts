import type { AcquireRequest, Store } from '../../src/core/store.js'
import { redis } from '../../src/stores/redis/index.js'
import { type Scripts, scripts } from '../../src/stores/redis/scripts.js'
import { type VirtualEnv, virtualEnv } from '../../src/testing/virtual-env.js'
import { request } from './support.js'

/** A script that was asked for. */
export interface Sent {
  readonly script: string
  readonly keys: readonly string[]
  readonly args: readonly string[]
}

const nameOf = (sha: string): string =>
  (Object.keys(scripts) as (keyof Scripts)[]).find((name) => scripts[name].sha === sha) ?? sha

/** A store on a client that only looks like one of ioredis. `answers`: of each script what it replies, a number by default; `subscribes`: what an opening waits for. */
export function lookAlike({ keyPrefix = '', slots }: { keyPrefix?: string; slots?: string[][] } = {}) {
  const env: VirtualEnv = virtualEnv()
  const sent: Sent[] = []
  const answers = new Map<string, unknown>()
  const line = { asked: 0, channels: [] as string[], opens: (): Promise<void> => Promise.resolve() }
  const subscriber = {
    status: 'ready',
    on: () => undefined,
    disconnect: () => undefined,
    connect: () => line.opens(),
    subscribe: async (channel: string) => void line.channels.push(channel),
  }
  const client = {
    status: 'ready',
    options: { keyPrefix, password: 's3cret' },
    evalsha: (sha: string, count: number, ...words: string[]): Promise<unknown> => {
      const script = nameOf(sha)
      sent.push({ script, keys: words.slice(0, count), args: words.slice(count) })
      const answer = answers.has(script) ? answers.get(script) : 77
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer)
    },
    eval: () => Promise.reject(new Error('no text is needed')),
    scan: () => Promise.reject(new Error('ERR no s3cret')),
    duplicate: () => {
      line.asked++
      return subscriber
    },
    ...(slots !== undefined && { slots, nodes: () => [] }),
  }
  const store = redis(client, { env })
  const names = (): string[] => sent.splice(0).map(({ script }) => script)
  return { env, store, sent, names, answers, line, client }
}

export const ask = (store: Store, wish?: Partial<AcquireRequest>): Promise<unknown> =>
  store.acquire(request('k', 'anna', wish))

/** An answer to a request. */
export const refused = [150, 'theirs']
/** The key `k` and what stands beside it. */
export const beside = ['k', '{k}:token', '{k}:leases', '{k}:queue', '{k}:waiters']
