import { Redis } from 'ioredis'
import { afterAll, describe, expect, inject, it } from 'vitest'
import { realEnv } from '../../src/core/env.js'
import { HoldfastError } from '../../src/core/errors.js'
import type { AcquireRequest, Answer, Store } from '../../src/core/store.js'
import type { Driver } from '../../src/stores/redis/client.js'
import { type Link, userLink } from '../../src/stores/redis/link.js'
import { RedisStore } from '../../src/stores/redis/store.js'
import { until } from '../support/until.js'
import { Arrivals } from './check/arrivals.js'
import { scriptOf } from './model/link.js'
import { ModelServer } from './model/server.js'
import { Random } from './random.js'
import { World } from './world.js'

// The same calls, through the shipped store, to the model and to a real server: the same answers, one by one.

const sequences = 320
const lanes = 16
const shortMs = 150
/** Leases that are to be over are asked for together and waited for; those that are not last a minute, places 20 s. */
const overMs = 230
/** What is short has to be asked for, and looked at, so long before its end. */
const toleranceMs = 80

const world = new World(1, false)
const nobody = { arrivals: new Arrivals(), before: () => {}, granted: () => {}, after: () => {} }
const server = new ModelServer(world, 'model', nobody, { rate: 1, offsetMs: 0 })
const clients: Redis[] = []
const stores: Store[] = []

afterAll(async () => {
  for (const store of stores) await store.close()
  for (const client of clients) client.disconnect()
})

describe('the model of Redis', () => {
  it(`answers as a real server in ${sequences} random sequences`, { timeout: 120_000 }, async () => {
    const done: number[] = []
    const lane = async (first: number): Promise<void> => {
      for (let seed = first; seed <= sequences; seed += lanes) done.push(await compare(seed))
    }
    await Promise.all(Array.from({ length: lanes }, (_, index) => lane(index + 1)))
    expect(done).toHaveLength(sequences)
    expect(done.reduce((sum, calls) => sum + calls, 0)).toBeGreaterThan(sequences * 10)
  })
})

/** Returns how many calls were compared. A sequence that the machine was too slow for is begun again. */
async function compare(seed: number): Promise<number> {
  for (let tries = 1; ; tries++) {
    const pair = new Pair(`model-${seed}-${tries}-${process.pid}`)
    try {
      const calls = await pair.run(new Random(seed))
      if (!pair.tooSlow) return calls
    } finally {
      await pair.close()
    }
    if (tries === 40) throw new Error(`sequence ${seed}: this machine is too slow to tell`)
  }
}

/** Three processes on the model, and the same three on the real server. */
class Pair {
  tooSlow = false
  readonly #key: string
  readonly #real: Side[] = []
  readonly #model: Side[] = []
  readonly #open: Store[] = []
  readonly #tokens = { real: new Map<number, number>(), model: new Map<number, number>() }
  #ids = 0
  #limit = 1
  #shortSinceMs: number | undefined

  constructor(key: string) {
    this.#key = key
  }

  async run(random: Random): Promise<number> {
    for (let index = 0; index < 3; index++) await this.#start(index)
    const limit = random.pick([1, 1, 1, 3, 2 ** 30])
    this.#limit = limit
    const count = random.int(8, 25)
    for (let call = 0; call < count; call++) {
      const index = random.int(0, 2)
      if (random.chance(0.06)) await this.#restart(index)
      await this.#both(index, this.#draw(random, limit), `call ${call} of ${this.#key}`)
      if (this.#shortSinceMs !== undefined && random.chance(0.5)) await this.#letPass()
    }
    await this.#letPass()
    const [real, model] = [this.#real, this.#model].map((sides) => () => sides.flatMap(({ notices }) => notices).length)
    await until(() => this.tooSlow || real?.() === model?.())
    if (!this.tooSlow) expect(this.#notices(this.#model, 'model')).toEqual(this.#notices(this.#real, 'real'))
    return count
  }

  async close(): Promise<void> {
    for (const store of this.#open) await store.close()
  }

  #draw(random: Random, limit: number): Ask {
    const owner = (): string => `o${random.int(1, 5)}`
    const key = this.#key
    const kind = random.pick([
      ...['acquire', 'acquire', 'acquire', 'release', 'release', 'handoff', 'renew', 'all', 'rest'],
      ...['value', 'value'],
    ] as const)
    const ttlMs = this.#ttl(random, ['acquire', 'handoff', 'renew', 'all', 'value'].includes(kind))
    if (kind === 'value') return this.#drawValue(random, ttlMs)
    const request = (): AcquireRequest => ({
      key,
      owner: owner(),
      ttlMs,
      limit: random.chance(0.04) ? limit + 1 : limit,
      permits: limit > 1 && random.chance(0.3) ? limit : 1,
      queueMs: random.chance(0.6) ? (ttlMs === shortMs ? shortMs : 20_000) : 0,
      turns: random.chance(0.5) ? 16 : 0,
      holder: { host: 'h', pid: 1, label: random.chance(0.3) ? 'a\nb' : undefined, since: 5 },
    })
    if (kind === 'acquire') {
      const asked = random.chance(0.25) ? { ...request(), queueMs: 0, adopts: owner() } : request()
      return (store) => store.acquire(asked)
    }
    if (kind === 'handoff') {
      const [from, asked] = [owner(), request()]
      return (store) => store.release(key, from, asked)
    }
    if (kind === 'all') {
      const [first, second] = [request(), request()].map((asked) => ({ ...asked, limit: 1, permits: 1, queueMs: 0 }))
      if (first === undefined || second === undefined) throw new Error('two were made')
      return (store) =>
        store.acquireAll?.([first, { ...second, key: `${key}-b` }]) ?? Promise.reject(new Error('it has none'))
    }
    const one = owner()
    if (random.chance(0.2)) return (store) => store.release(`${key}-b`, one)
    if (kind === 'release') return (store) => store.release(key, one)
    if (kind === 'renew') return (store) => store.renew(key, one, ttlMs)
    const rest = random.pick(['inspect', 'inspect', 'force', 'revoked'])
    if (rest === 'force') return (store) => store.forceRelease(key)
    if (rest === 'revoked') return async (store) => store.wasRevoked?.(key, one)
    return (store) => store.inspect(key)
  }

  /** Kept under a token that was granted, or one that is older than all. */
  #drawValue(random: Random, ttlMs: number): Ask {
    const key = this.#key
    const kind = random.pick(['get', 'set', 'set', 'delete'])
    const exactly = random.chance(0.5)
    if (kind === 'get') return async (store) => store.values?.get(key, exactly)
    if (kind === 'delete') return async (store) => store.values?.delete(key)
    const index = random.int(0, 8)
    const content = `=${random.int(1, 100)}`
    const freshMs = random.chance(0.2) ? null : ttlMs
    const staleMs = random.pick([0, 20_000])
    return async (store, which) => {
      const token = [...this.#tokens[which].keys()][index] ?? 1
      return store.values?.set(key, { content, token, freshMs, staleMs })
    }
  }

  #ttl(random: Random, isUsed: boolean): number {
    if (!random.chance(0.25)) return 60_000
    if (isUsed) this.#shortSinceMs ??= performance.now()
    return shortMs
  }

  /** Until what was short is over. */
  async #letPass(): Promise<void> {
    if (this.#shortSinceMs === undefined) return
    if (performance.now() - this.#shortSinceMs > shortMs - toleranceMs) this.tooSlow = true
    this.#shortSinceMs = undefined
    await new Promise((resolve) => setTimeout(resolve, overMs))
  }

  async #both(index: number, call: Ask, name: string): Promise<void> {
    const [real, model] = [this.#real[index], this.#model[index]]
    if (real === undefined || model === undefined) return
    const [ofReal, ofModel] = await Promise.all([
      outcome(call(real.store, 'real')),
      outcome(call(model.store, 'model')),
    ])
    if (this.#shortSinceMs !== undefined && performance.now() - this.#shortSinceMs > shortMs - toleranceMs) {
      this.tooSlow = true
    }
    if (this.tooSlow) return
    expect(this.#normal(ofModel, 'model'), name).toEqual(this.#normal(ofReal, 'real'))
  }

  #notices(sides: Side[], which: 'real' | 'model'): unknown {
    return sides.map(({ notices }) => {
      const normal = notices.map((notice) => JSON.stringify(this.#normal(notice, which)))
      return normal.sort() // a forced release tells its own holders beside the channel
    })
  }

  /** Tokens by their order of appearance, times by what they are the rest of, so that the two can be compared. */
  #normal(value: unknown, which: 'real' | 'model'): unknown {
    const tokens = this.#tokens[which]
    return JSON.parse(
      JSON.stringify(value ?? null, (name, inner: unknown) => {
        if (name === 'token' && typeof inner === 'number') {
          const largest = Math.max(0, ...tokens.keys())
          if (!tokens.has(inner)) tokens.set(inner, tokens.size + (inner > largest ? 0 : 1000))
          return tokens.get(inner)
        }
        // those of a list need not differ from each other
        if (name === 'tokens' && Array.isArray(inner)) return this.#normal({ token: inner[0] as unknown }, which)
        // leases that end in the same millisecond here need not do so there
        if (name === 'holder' && this.#limit > 1) return undefined
        if (name === 'holders' && Array.isArray(inner)) return (inner as { owner: string }[]).toSorted(byOwner)
        if (name === 'staleMs') return inner === 0 ? 'fresh' : 'stale'
        if ((name === 'freeInMs' || name === 'remainingMs') && typeof inner === 'number') {
          return inner > 40_000 ? 'the ttl' : inner > 1000 ? 'the place' : inner >= 0 ? 'short' : 'none'
        }
        return inner
      }),
    )
  }

  async #start(index: number): Promise<void> {
    const wakeId = `${this.#key}-${index}-${++this.#ids}`
    const env = { ...realEnv, randomId: () => wakeId, host: 'h', pid: 1 }
    const client = new Redis(inject('redisUrl'))
    clients.push(client)
    const sides = [userLink(client, realEnv), modelLink()].map((link) => side(new RedisStore(link, env)))
    const [real, model] = sides
    if (real === undefined || model === undefined) return
    this.#open.push(real.store, model.store)
    for (const { store } of sides) await listen(store, `${wakeId}-open`)
    this.#real[index] = real
    this.#model[index] = model
  }

  /** It dies, and with it its subscription. */
  async #restart(index: number): Promise<void> {
    const [real, model] = [this.#real[index], this.#model[index]]
    await Promise.all([real?.store.close(), model?.store.close()])
    await until(async () => {
      const reply = (await clients[0]?.pubsub('NUMSUB', `holdfast:${this.#key}-${index}-${this.#ids}`)) ?? []
      return Number(reply[1]) === 0
    })
    await this.#start(index)
  }
}

/** One call, of either side: tokens are their own. */
type Ask = (store: Store, which: 'real' | 'model') => Promise<unknown>

interface Side {
  readonly store: Store
  readonly notices: unknown[]
}

function side(store: Store): Side {
  const notices: unknown[] = []
  store.onNotice?.((notice) => {
    if (notice.type !== 'resync') notices.push(notice)
  })
  return { store, notices }
}

/** A store opens its way for notices when a request has to wait. */
async function listen(store: Store, key: string): Promise<void> {
  const holder = { host: 'h', pid: 1, label: undefined, since: 5 }
  const request = { key, ttlMs: 60_000, limit: 1, permits: 1, queueMs: 60_000, holder }
  await store.acquire({ ...request, owner: 'a' })
  await store.acquire({ ...request, owner: 'b' })
  await store.release(key, 'b')
  await store.release(key, 'a')
}

function byOwner(a: { owner: string }, b: { owner: string }): number {
  return a.owner < b.owner ? -1 : 1
}

async function outcome(call: Promise<unknown>): Promise<unknown> {
  try {
    const value = (await call) as Answer | boolean
    return value
  } catch (error) {
    return error instanceof HoldfastError ? `${error.code} ${error.message}` : String(error)
  }
}

/** Straight to the model, without a network. */
function modelLink(): Link {
  const now = <T>(run: () => T): Promise<T> => {
    world.nowMs = performance.now()
    return Promise.resolve().then(run)
  }
  const driver: Driver = {
    keyPrefix: '',
    secrets: [],
    shards: undefined,
    refusal: () => undefined,
    evalsha: (sha, keys, args) => now(() => server.evalsha(sha, keys, args)),
    eval: (text, keys, args) => now(() => server.eval(scriptOf(text), keys, args)),
    get: (name) => now(() => server.get(name)),
    scanners: () => Promise.resolve([]),
    subscriber: async () => {
      let leave = (): void => {}
      return {
        open: async (channel, onMessage) => {
          const subscription = { channel, receive: onMessage, lost: () => {} }
          server.subscribe(subscription)
          leave = () => server.unsubscribe(subscription)
        },
        close: () => leave(),
      }
    },
  }
  const nothing = (): undefined => undefined
  return {
    keyPrefix: '',
    secrets: [],
    shards: undefined,
    driver: () => driver,
    opening: nothing,
    failed: nothing,
    sent: nothing,
    ended: nothing,
    close: nothing,
  }
}
