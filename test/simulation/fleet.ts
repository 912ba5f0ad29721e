import type { AnyStore } from '../../src/core/store.js'
import { memory } from '../../src/stores/memory/memory.js'
import { RedisStore } from '../../src/stores/redis/store.js'
import type { Checker } from './check/checker.js'
import type { Computed } from './check/computed.js'
import type { Recorder } from './check/recorder.js'
import type { Truth } from './check/truth.js'
import { MemoryWitness, RedisWitness } from './check/witness.js'
import { Client } from './client.js'
import { distantStore, MemoryServer } from './distant-memory.js'
import { Machine } from './machine.js'
import type { Marks } from './marks.js'
import { modelLink } from './model/link.js'
import { ModelServer } from './model/server.js'
import { Wire } from './network.js'
import type { Options } from './options.js'
import type { Random } from './random.js'
import type { World } from './world.js'

export type AnyServer = ModelServer | MemoryServer

export interface FleetParts {
  readonly world: World
  readonly options: Options
  readonly truth: Truth
  readonly checker: Checker
  readonly marks: Marks
  readonly recorder: Recorder | undefined
  /** Of worlds with `cached`. */
  readonly computed: Computed | undefined
}

/** All processes and servers of a world, and the wires between them. */
export class Fleet {
  readonly clients: Client[] = []
  /** What the clients believe to be the server. */
  server: AnyServer
  readonly servers: AnyServer[] = []
  readonly wires: Wire<AnyServer>[] = []
  /** New wires are sound too. */
  healed = false
  readonly #parts: FleetParts
  readonly #random: Random
  #local: { machine: Machine; store: AnyStore } | undefined
  readonly #serverRate: number
  #pids = 100

  constructor(parts: FleetParts) {
    this.#parts = parts
    this.#random = parts.world.random.fork()
    this.#serverRate = this.#drift()
    this.server = this.addServer()
    const { clients } = parts.options
    for (let index = 0; index < clients; index++) this.start(index)
  }

  /** Another server, which knows nothing yet. */
  addServer(): AnyServer {
    const { world, options } = this.#parts
    const name = `server${this.servers.length}`
    const rate = this.#serverRate // servers know the time of day
    const server =
      options.store === 'redis'
        ? new ModelServer(world, name, new RedisWitness(this.#parts), { rate, offsetMs: 0 })
        : new MemoryServer(world, name, rate, new MemoryWitness(this.#parts))
    this.servers.push(server)
    return server
  }

  /** Starts a process, in place of one that died. */
  start(index: number): Client {
    const client = this.#parts.options.store === 'memory' ? this.#localClient(index) : this.#distantClient(index)
    this.clients[index] = client
    return client
  }

  wireOf(index: number): Wire<AnyServer> | undefined {
    return this.wires[index]
  }

  /** Who holds a key by the records of the server, expired ones left out. */
  holders(key: string): { owner: string; permits: number; remainingMs: number }[] {
    const { server } = this
    if (server instanceof ModelServer) {
      const { nowMs } = server
      const record = server.recordOf(key)
      if (record === undefined) return []
      return record
        .holders(nowMs)
        .map(({ owner, permits, endsMs }) => ({ owner, permits, remainingMs: endsMs - nowMs }))
    }
    const store = this.#local?.store ?? server.store
    const record = (store as typeof server.store).inspect(key)
    return (record?.holders ?? []).map(({ owner, permits, remainingMs = 0 }) => ({ owner, permits, remainingMs }))
  }

  isHeld(key: string): boolean {
    const { server } = this
    if (server instanceof ModelServer) return server.recordOf(key)?.isHeld(server.nowMs) ?? false
    return this.holders(key).length > 0
  }

  #localClient(index: number): Client {
    this.#local ??= this.#localProcess()
    return new Client({ index, ...this.#local, hangUp: () => undefined }, this.#parts.options)
  }

  #localProcess(): { machine: Machine; store: AnyStore } {
    const machine = this.#machine('p')
    const store = memory({ env: machine })
    const { truth } = this.#parts
    store.onNotice?.((notice) => {
      if (notice.type === 'revoked') truth.makeVoid([notice.owner])
    })
    return { machine, store: this.#parts.computed?.watch(store, machine) ?? store }
  }

  #distantClient(index: number): Client {
    const { world, options, marks, recorder } = this.#parts
    const machine = this.#machine(`c${index}`)
    const wire = new Wire<AnyServer>(world, machine, this.server, options, marks)
    if (this.healed) wire.heal()
    this.wires[index] = wire
    // the kind of the server is that of the world
    const store: AnyStore =
      options.store === 'redis'
        ? new RedisStore(modelLink(wire as Wire<ModelServer>), machine)
        : distantStore(wire as Wire<MemoryServer>, machine)
    const hangUp = (noticed: boolean): void => {
      if (noticed) wire.cut(0)
    }
    return new Client({ index, machine, store: recorder?.wrap(store) ?? store, hangUp }, options)
  }

  #machine(name: string): Machine {
    const { world, options } = this.#parts
    return new Machine(world, name, ++this.#pids, { rate: this.#drift(), timerLateMs: options.timerLateMs })
  }

  #drift(): number {
    const { drift } = this.#parts.options
    return drift === 0 ? 1 : this.#random.pick([1 - drift, 1 + drift, this.#random.between(1 - drift, 1 + drift)])
  }
}
