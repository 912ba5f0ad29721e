/** From a URL or a store to a store: the one place where features meet stores. */
import { show } from '../core/duration.js'
import type { Env } from '../core/env.js'
import { InvalidOptionError, StoreError } from '../core/errors.js'
import type { AcquireRequest, AnswerToAll, AnyStore, Handoff, NoticeListener, Store, ValuesOf } from '../core/store.js'
import { memory } from '../stores/memory/memory.js'
import { parseAddress } from '../stores/redis/address.js'
import { redisCapabilities } from '../stores/redis/capabilities.js'
import type { StoreSpec } from './options.js'

interface Scheme {
  readonly capabilities: Store['capabilities']
  /** It keeps values too, as text. */
  readonly keepsValues: boolean
  /** It gives a key another limit while somebody holds. */
  readonly resizes: boolean
  /** @throws InvalidOptionError, without the URL, which may carry a password */
  check(url: string): void
  load(url: string, env: Env): Promise<Store>
}

const redisScheme: Scheme = {
  capabilities: redisCapabilities,
  keepsValues: true,
  resizes: true,
  check: parseAddress,
  load: async (url, env) => (await import('../stores/redis/index.js')).redis(url, { env }),
}

const schemes: Record<string, Scheme> = { 'redis:': redisScheme, 'rediss:': redisScheme }

/** @throws InvalidOptionError when it is neither a store nor the URL of one */
export function openStore(spec: StoreSpec | undefined, env: Env, option: string): AnyStore {
  if (spec === undefined) return memory({ env })
  if (typeof spec === 'string') return openUrl(spec, env, option)
  if (isStore(spec)) return spec
  throw new InvalidOptionError(
    `${option} is ${show(spec)}, which is not a store. Give a URL, memory(), or wrap your client: ` +
      `import { redis } from 'holdfast/redis'; configure({ store: redis(client) }).`,
  )
}

function openUrl(url: string, env: Env, option: string): AnyStore {
  if (url === 'memory:') return memory({ env })
  const protocol = URL.canParse(url) ? new URL(url).protocol : ''
  const scheme = Object.hasOwn(schemes, protocol) ? schemes[protocol] : undefined
  if (scheme !== undefined) {
    scheme.check(url)
    return new LazyStore(protocol.slice(0, -1), url, scheme, env)
  }
  // the URL itself may carry a password: it is not shown
  throw new InvalidOptionError(
    `${option} is not the URL of a store: it must begin with memory:, ${Object.keys(schemes).join('//, ')}//.`,
  )
}

function isStore(value: unknown): value is AnyStore {
  return typeof value === 'object' && value !== null && 'capabilities' in value && 'acquire' in value
}

/** A store whose module is loaded at its first use, so that `configure` stays sync and nothing unused is loaded. */
class LazyStore implements Store {
  readonly name: string
  readonly capabilities: Store['capabilities']
  readonly values?: ValuesOf<'async'>
  readonly resize?: (key: string, from: number, to: number) => Promise<void>
  readonly #load: () => Promise<Store>
  #loading: Promise<Store> | undefined = undefined
  #store: Store | undefined = undefined
  #closed = false
  readonly #listeners = new Map<NoticeListener, (() => void) | undefined>()

  constructor(name: string, url: string, scheme: Scheme, env: Env) {
    this.name = name
    this.capabilities = scheme.capabilities
    this.#load = () => scheme.load(url, env)
    if (scheme.keepsValues) this.values = this.#lazyValues()
    if (scheme.resizes) this.resize = async (key, from, to) => (await this.#open()).resize?.(key, from, to)
  }

  ready(operation: string): Promise<void> | undefined {
    if (this.#store !== undefined) return this.#store.ready?.(operation)
    return this.#open().then((store) => store.ready?.(operation))
  }

  acquire(request: AcquireRequest): ReturnType<Store['acquire']> {
    return this.#store?.acquire(request) ?? this.#open().then((store) => store.acquire(request))
  }

  async acquireAll(requests: readonly AcquireRequest[]): Promise<AnswerToAll | undefined> {
    return (this.#store ?? (await this.#open())).acquireAll?.(requests)
  }

  renew(key: string, owner: string, ttlMs: number): Promise<boolean> {
    return this.#store?.renew(key, owner, ttlMs) ?? this.#open().then((store) => store.renew(key, owner, ttlMs))
  }

  release(key: string, owner: string): Promise<boolean>
  release(key: string, owner: string, next: AcquireRequest): Promise<Handoff>
  async release(key: string, owner: string, next?: AcquireRequest): Promise<boolean | Handoff> {
    const store = this.#store ?? (await this.#open())
    return next === undefined ? store.release(key, owner) : store.release(key, owner, next)
  }

  async inspect(key: string): ReturnType<Store['inspect']> {
    return (await this.#open()).inspect(key)
  }

  async list(prefix: string, limit: number, cursor?: string): ReturnType<Store['list']> {
    return (await this.#open()).list(prefix, limit, cursor)
  }

  async forceRelease(key: string): Promise<boolean> {
    return (await this.#open()).forceRelease(key)
  }

  async wasRevoked(key: string, owner: string): Promise<boolean> {
    return (await (await this.#open()).wasRevoked?.(key, owner)) ?? false
  }

  onNotice(listener: NoticeListener): () => void {
    this.#listeners.set(listener, this.#store?.onNotice?.(listener))
    return () => {
      this.#listeners.get(listener)?.()
      this.#listeners.delete(listener)
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    await (await this.#loading)?.close()
  }

  #lazyValues(): ValuesOf<'async'> {
    const values = async (): Promise<ValuesOf<'async'>> => {
      const { values: opened } = this.#store ?? (await this.#open())
      if (opened === undefined) throw new TypeError('a store that keeps values keeps none') // a fault of ours
      return opened
    }
    return {
      live: false,
      get: async (key, exactly) => (await values()).get(key, exactly),
      set: async (key, value) => (await values()).set(key, value),
      delete: async (key) => (await values()).delete(key),
    }
  }

  #open(): Promise<Store> {
    if (this.#closed) return Promise.reject(new StoreError('open', 'the store is closed', { outcome: 'not-applied' }))
    this.#loading ??= this.#start()
    return this.#loading
  }

  async #start(): Promise<Store> {
    try {
      const store = await this.#load()
      this.#store = store
      for (const listener of this.#listeners.keys()) this.#listeners.set(listener, store.onNotice?.(listener))
      return store
    } catch (error) {
      this.#loading = undefined // the next call tries again
      throw error
    }
  }
}
