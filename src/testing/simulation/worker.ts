import { parseDuration } from '../../core/duration.js'
import type { Duration } from '../../core/duration.js'
import type { Hold } from '../../core/hold.js'
import type { AcquireRequest, Handoff, Store } from '../../core/store.js'
import { holdfastOf } from '../../features/holdfast.js'
import type { Holdfast } from '../../features/holdfast.js'
import { distant } from '../distant.js'
import { ObservedInstance } from '../observed.js'
import { virtualEnv } from '../virtual-env.js'
import type { VirtualEnv } from '../virtual-env.js'
import { streamOf } from './nemesis.js'
import type { Nemesis } from './nemesis.js'
import { ProcessEnv } from './process-env.js'
import type { Records } from './records.js'
import { Resource } from './resource.js'
import type { SimulatedResource, StaleWrite, Visitor } from './resource.js'

/** One of the processes of a simulation, in one of its rounds: what the scenario works with. */
export interface SimulatedWorker extends Omit<Holdfast<'async'>, 'close' | typeof Symbol.asyncDispose> {
  /** 'worker 1', 'worker 2', … */
  readonly name: string
  /** 1, 2, … */
  readonly round: number
  /** Works for so long, or longer: here things go wrong. */
  sleep(duration: Duration): Promise<void>
  /** A number from 0 (included) to 1 (excluded), the same for the same seed. Use it in place of `Math.random()`. */
  random(): number
  /** What all workers share, by its name. `initial` is its value at the start of each seed; values are copied. */
  resource<T>(name: string, initial: T): SimulatedResource<T>
}

/** What the workers of one run have in common. */
export interface Site {
  readonly seed: number
  readonly ttl: Duration | undefined
  readonly time: VirtualEnv
  readonly records: Records
  readonly nemesis: Nemesis
  readonly resources: Map<string, Resource>
  readonly counts: { grants: number; writes: number }
  tell(who: string, what: string): void
  stale(write: StaleWrite): void
}

/** One process on the modelled server. */
export class WorkerProcess {
  readonly name: string
  readonly env: ProcessEnv
  readonly #site: Site
  readonly #random: () => number
  readonly #instance: ObservedInstance
  readonly #holdfast: Holdfast<'async'>
  #granted = new Map<string, number>()

  constructor(site: Site, index: number) {
    const { seed, time, ttl } = site
    this.name = `worker ${String(index + 1)}`
    this.#site = site
    this.#random = streamOf(seed, 100 + index)
    const self = virtualEnv({ seed: Math.floor(this.#random() * 2 ** 31), host: this.name, pid: index + 1 })
    this.env = new ProcessEnv(time, self)
    this.#instance = new ObservedInstance(
      { store: this.#wire(), env: this.env, prefix: '', ...(ttl !== undefined && { ttl }) },
      { acquired: (hold) => this.#acquired(hold), ended: (hold) => this.#ended(hold) },
    )
    this.#holdfast = holdfastOf(this.#instance)
  }

  /** Works as the scenario says, once. */
  round(round: number): SimulatedWorker {
    const granted = new Map<string, number>()
    this.#granted = granted
    const visitor: Visitor = { name: this.name, granted, holding: () => this.#holding() }
    return {
      ...this.#holdfast,
      name: this.name,
      round,
      sleep: (duration) => this.pause(parseDuration(duration, 'sleep')),
      random: this.#random,
      resource: (name, initial) => this.#visit(name, initial, visitor),
    }
  }

  /** At least `ms` pass; now and then far more, and whatever else goes wrong. */
  async pause(ms: number): Promise<void> {
    const { records, nemesis } = this.#site
    const slow = this.#random() < 0.1 ? (records.longestTtlMs / 2) * this.#random() : 0
    await new Promise<void>((resolve) => {
      this.env.setTimer(resolve, ms + slow + 2 * this.#random(), true)
    })
    nemesis.between(this.env, this.name)
    await this.env.awake()
  }

  close(): Promise<void> {
    return this.#instance.close()
  }

  #visit<T>(name: string, initial: T, visitor: Visitor): SimulatedResource<T> {
    const { resources, nemesis, counts } = this.#site
    const resource = resources.get(name) ?? new Resource(name, initial)
    resources.set(name, resource)
    const tell = (what: string, token: number | undefined): void =>
      this.#site.tell(this.name, `${what}${token === undefined ? '' : `, with token ${String(token)}`}`)
    return {
      read: async (token) => {
        const value = resource.read(visitor, token) as T // as it was given to this name
        tell(`reads ${name}: ${JSON.stringify(value)}`, token)
        await this.pause(1)
        return value
      },
      write: async (value, token) => {
        nemesis.beforeWrite(this.env, this.name)
        if (this.env.stopped) await this.env.awake() // else at once: nothing fits between the check and the write
        const stale = resource.write(visitor, value, token)
        counts.writes += 1
        tell(`writes ${name}: ${JSON.stringify(value)}`, token)
        if (stale !== undefined) this.#site.stale(stale)
        await this.pause(1)
      },
    }
  }

  #acquired({ terms: { key }, token }: Hold): void {
    this.#granted.set(key, token)
    this.#site.counts.grants += 1
    this.#site.tell(this.name, `acquires '${key}', token ${String(token)}`)
  }

  #ended({ terms: { key }, ended }: Hold): void {
    this.#site.tell(
      this.name,
      ended === 'LOCK_RELEASED' ? `releases '${key}'` : `learns that '${key}' is over: ${String(ended)}`,
    )
  }

  #holding(): Map<string, number> {
    return new Map(this.#instance.holds().map(({ terms: { key }, token }) => [key, token]))
  }

  /** The way to the server. What comes back is read when the process is awake. */
  #wire(): Store {
    const { env } = this
    const store = distant(this.#site.records, { env: this.#site.time, plan: this.#site.nemesis.plan })
    function release(key: string, owner: string): Promise<boolean>
    function release(key: string, owner: string, next: AcquireRequest): Promise<Handoff>
    function release(key: string, owner: string, next?: AcquireRequest): Promise<boolean | Handoff> {
      return env.received<boolean | Handoff>(
        next === undefined ? store.release(key, owner) : store.release(key, owner, next),
      )
    }
    const { values } = store
    return {
      name: store.name,
      capabilities: store.capabilities,
      acquire: (request) => env.received(store.acquire(request)),
      renew: (key, owner, ttlMs) => env.received(store.renew(key, owner, ttlMs)),
      release,
      inspect: (key) => env.received(store.inspect(key)),
      list: (prefix, limit, cursor) => env.received(store.list(prefix, limit, cursor)),
      forceRelease: (key) => env.received(store.forceRelease(key)),
      ...(values && {
        values: {
          live: false,
          get: (key, exactly) => env.received(values.get(key, exactly)),
          set: (key, value) => env.received(values.set(key, value)),
          delete: (key) => env.received(values.delete(key)),
        },
      }),
      resize: (key, from, to) => env.received(Promise.resolve(store.resize?.(key, from, to))),
      onNotice: (listener) =>
        store.onNotice?.((notice) => void env.setTimer(() => listener(notice), 1, false)) ?? (() => undefined),
      close: () => store.close(),
    }
  }
}
