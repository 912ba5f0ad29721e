import { setTimeout as sleep } from 'node:timers/promises'
import { onTestFinished } from 'vitest'
import { realEnv } from '../../src/core/env.js'
import type { AcquireRequest, Store } from '../../src/core/store.js'
import { type RedisOptions, type RedisServer, startRedis } from '../support/servers/redis.js'

/** A server for one test, stopped with it, however it ends. */
export async function ownRedis(options?: RedisOptions): Promise<RedisServer> {
  const server = await startRedis(options)
  onTestFinished(() => server.stop())
  return server
}

/** A key that no other test uses. */
export function freshKey(ending = ''): string {
  return `holdfast:${realEnv.randomId()}${ending}`
}

/** What it does not say is a mutex for half a minute. */
export function request(key: string, owner: string, wish: Partial<AcquireRequest> = {}): AcquireRequest {
  const holder = { host: 'here', pid: 42, label: undefined, since: 1_700_000_000_000 }
  return { key, owner, ttlMs: 30_000, limit: 1, permits: 1, queueMs: 0, holder, ...wish }
}

/** Acquires, must get it, and gives the token. */
export async function take(store: Store, key: string, owner: string, wish?: Partial<AcquireRequest>): Promise<number> {
  const answer = await store.acquire(request(key, owner, wish))
  if (!answer.granted) throw new Error(`${owner} should have been granted ${key}`)
  return answer.token
}

/** Asks until the answer is neither false nor undefined; rejects count as not yet. */
export async function eventually<T>(
  ask: () => Promise<T> | T,
  withinMs = 10_000,
): Promise<Exclude<T, false | undefined>> {
  const deadline = performance.now() + withinMs
  for (;;) {
    const answer = await Promise.resolve(ask()).catch((error: unknown) => {
      if (performance.now() > deadline) throw error
      return undefined
    })
    if (answer !== undefined && answer !== false) return answer as Exclude<T, false | undefined>
    if (performance.now() > deadline) throw new Error('it never came true')
    await sleep(5)
  }
}
