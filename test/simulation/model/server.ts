import type { Arrivals } from '../check/arrivals.js'
import type { Node } from '../network.js'
import type { World } from '../world.js'
import { besideOf, readAll, readCall, readTogether, type ScriptCall, type ScriptName, scriptNamed } from './call.js'
import { LockRecord } from './record.js'
import type { ScriptHost } from './held.js'
import { type Reply, runScript } from './scripts.js'
import { getValue } from './values.js'

/** One subscription, from the server's side. */
export interface Subscription {
  readonly channel: string
  receive(text: string): void
  /** The server ended it. */
  lost(): void
}

/** Who wants to know what the records say, as no client can. */
export interface Witness {
  readonly arrivals: Arrivals
  before(node: ModelServer, call: ScriptCall): void
  granted(node: ModelServer, key: string, owner: string, token: number): void
  after(node: ModelServer, call: ScriptCall, reply: Reply): void
}

/** A modelled Redis: records by key, loaded scripts, subscriptions, and a clock of its own. */
export class ModelServer implements Node {
  readonly name: string
  running = true
  backlog: (() => void)[] | undefined = undefined
  freeAtMs = 0
  /** Answered instead of running anything. */
  errorReply: string | undefined = undefined
  /** It was replaced and does not know it. */
  deposed = false
  records = new Map<string, LockRecord>()
  readonly #world: World
  readonly witness: Witness
  readonly #rate: number
  #offsetMs: number
  #loaded = new Set<ScriptName>()
  readonly #subscriptions = new Map<string, Set<Subscription>>()

  constructor(world: World, name: string, witness: Witness, clock: { rate: number; offsetMs: number }) {
    this.#world = world
    this.name = name
    this.witness = witness
    this.#rate = clock.rate
    this.#offsetMs = clock.offsetMs
  }

  get up(): boolean {
    return this.running
  }

  get micros(): number {
    return 1.7e15 + (this.#world.nowMs * this.#rate + this.#offsetMs) * 1000
  }

  get nowMs(): number {
    return Math.floor(Math.floor(this.micros) / 1000)
  }

  stepClock(ms: number): void {
    this.#offsetMs += ms
  }

  evalsha(sha: string, keys: readonly string[], args: readonly string[]): Reply {
    const name = scriptNamed(sha)
    if (this.errorReply !== undefined) throw new Error(this.errorReply)
    if (name === undefined || !this.#loaded.has(name)) throw new Error('NOSCRIPT No matching script. Please use EVAL.')
    return this.run(name, keys, args)
  }

  eval(name: ScriptName, keys: readonly string[], args: readonly string[]): Reply {
    if (this.errorReply !== undefined) throw new Error(this.errorReply)
    this.#loaded.add(name)
    return this.run(name, keys, args)
  }

  get(name: string): string | null {
    if (this.errorReply !== undefined) throw new Error(this.errorReply)
    const record = this.records.get(besideOf(name))
    return record === undefined ? null : getValue(record, this.nowMs)
  }

  run(name: ScriptName, keys: readonly string[], args: readonly string[]): Reply {
    if (name === 'acquireTogether') return readTogether(keys, args).map((call) => this.#run(call))
    if (name === 'acquireAll') return this.#runAll(readAll(keys, args))
    return this.#run(readCall(name, keys, args))
  }

  /** Looked at first, and granted when nothing is in the way of any. */
  #runAll(calls: readonly ScriptCall[]): Reply {
    for (const [index, call] of calls.entries()) {
      const obstacle = runScript(this.records.get(call.key) ?? new LockRecord(), call, this.#host())
      if (obstacle !== null) return Array.isArray(obstacle) ? [index + 1, ...obstacle] : null
    }
    return [0, ...calls.map((call) => this.#run({ ...call, name: 'acquireMutex' }))]
  }

  #run(call: ScriptCall): Reply {
    let record = this.records.get(call.key)
    if (record === undefined) this.records.set(call.key, (record = new LockRecord()))
    this.witness.before(this, call)
    const reply = runScript(record, call, this.#host())
    this.witness.after(this, call, reply)
    return reply
  }

  recordOf(key: string): LockRecord | undefined {
    return this.records.get(key)
  }

  subscribe(subscription: Subscription): void {
    const { channel } = subscription
    const all = this.#subscriptions.get(channel) ?? new Set<Subscription>()
    this.#subscriptions.set(channel, all.add(subscription))
  }

  unsubscribe(subscription: Subscription): void {
    this.#subscriptions.get(subscription.channel)?.delete(subscription)
  }

  subscribersOf(channel: string): number {
    return this.#subscriptions.get(channel)?.size ?? 0
  }

  get subscriptions(): number {
    let count = 0
    for (const all of this.#subscriptions.values()) count += all.size
    return count
  }

  flushScripts(): void {
    this.#loaded.clear()
  }

  /** The process ends: connections and scripts are gone, and the records unless they were kept. */
  stop(keepsRecords: boolean): void {
    this.running = false
    this.backlog = undefined
    this.flushScripts()
    if (!keepsRecords) this.records.clear()
    this.dropSubscriptions()
  }

  dropSubscriptions(): void {
    const all = [...this.#subscriptions.values()].flatMap((set) => [...set])
    this.#subscriptions.clear()
    for (const subscription of all) subscription.lost()
  }

  /** What a replica has by now. */
  copyRecords(): Map<string, LockRecord> {
    return new Map([...this.records].map(([key, record]) => [key, record.copy()]))
  }

  #host(): ScriptHost {
    return {
      micros: this.micros,
      subscribers: (channel) => this.subscribersOf(channel),
      publish: (channel, text) => {
        for (const subscription of this.#subscriptions.get(channel) ?? []) subscription.receive(text)
      },
      granted: (key, { owner, token }) => this.witness.granted(this, key, owner, token),
    }
  }
}
