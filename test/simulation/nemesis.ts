import type { Checker } from './check/checker.js'
import { MemoryServer } from './distant-memory.js'
import type { AnyServer, Fleet, FleetParts } from './fleet.js'
import { ModelServer } from './model/server.js'
import type { Fault } from './options.js'
import { keysOf, termsOf } from './terms.js'

/** Makes the faults of a world happen, and end. */
export class Nemesis {
  readonly #parts: FleetParts
  readonly #fleet: Fleet
  /** Tells that a process was started in place of a dead one. */
  readonly #restarted: (index: number) => void
  readonly #checker: Checker
  #healed = false

  constructor(parts: FleetParts, fleet: Fleet, restarted: (index: number) => void) {
    this.#parts = parts
    this.#fleet = fleet
    this.#restarted = restarted
    this.#checker = parts.checker
  }

  schedule(): void {
    const { world, options } = this.#parts
    for (const fault of options.faults) {
      world.after(fault.atMs, () => {
        if (!this.#healed) this.#begin(fault)
      })
    }
  }

  /** Everything goes well from now on; what was lost stays lost. */
  heal(): void {
    this.#healed = true
    const { world } = this.#parts
    world.note('healed')
    this.#fleet.healed = true
    for (const server of this.#fleet.servers) {
      this.#thaw(server)
      server.errorReply = undefined
    }
    this.#start(this.#fleet.server)
    for (const [index, client] of this.#fleet.clients.entries()) {
      const wire = this.#fleet.wireOf(index)
      wire?.heal()
      if (wire !== undefined && wire.node !== this.#fleet.server) this.#moveTo(index, this.#fleet.server)
      if (!client.machine.alive) this.#restart(index)
      else if (client.machine.paused) this.#resume(index, 0)
    }
  }

  #begin(fault: Fault): void {
    const { world, marks } = this.#parts
    marks.hit(fault.kind)
    world.note(`fault ${fault.kind} client ${fault.client} for ${fault.durationMs.toFixed(1)} ms`)
    switch (fault.kind) {
      case 'pause':
      case 'suspend':
      case 'crash':
      case 'wall-jump':
        this.#ofClient(fault)
        return
      case 'force-release':
        this.#forceRelease(fault)
        return
      case 'cut':
        this.#fleet.wireOf(fault.client)?.cut(fault.durationMs * 0.3)
        return
      case 'black-hole':
        this.#fleet.wireOf(fault.client)?.lose('both', fault.durationMs)
        return
      case 'lost-requests':
        this.#fleet.wireOf(fault.client)?.lose('requests', fault.durationMs)
        return
      case 'lost-replies':
        this.#fleet.wireOf(fault.client)?.lose('replies', fault.durationMs)
        return
      case 'lost-notices':
        this.#fleet.wireOf(fault.client)?.lose('notices', fault.durationMs)
        return
      case 'slow-link':
        this.#fleet.wireOf(fault.client)?.slowDown(fault.durationMs)
        return
      default:
        this.#ofServer(fault, this.#fleet.server)
    }
  }

  #ofClient({ kind, client: index, durationMs, detail }: Fault): void {
    const { world, options } = this.#parts
    const client = this.#fleet.clients[index]
    if (client === undefined || !client.machine.alive) return
    const { machine } = client
    if (kind === 'wall-jump') machine.jumpWall((detail - 0.5) * 6 * options.ttlMs)
    else if (kind === 'crash') {
      machine.kill()
      this.#checker.forget(client.space)
      client.hangUp(detail < 0.7)
      world.after(durationMs, () => this.#restart(index))
    } else if (!machine.paused) {
      machine.pause()
      world.after(durationMs, () => {
        // not the one that was started in its place, and paused as well
        if (this.#fleet.clients[index]?.machine === machine) this.#resume(index, kind === 'suspend' ? durationMs : 0)
      })
    }
  }

  #ofServer({ kind, durationMs, detail }: Fault, server: AnyServer): void {
    const { world, truth, options } = this.#parts
    switch (kind) {
      case 'server-stall':
        server.backlog ??= []
        world.after(durationMs, () => this.#thaw(server))
        return
      case 'error-replies':
        server.errorReply = detail < 0.5 ? 'LOADING Redis is loading the dataset in memory' : 'OOM command not allowed'
        world.after(durationMs, () => (server.errorReply = undefined))
        return
      case 'restart-empty':
      case 'restart-with-data':
        if (kind === 'restart-empty') this.#loseRecords(server)
        server.stop(kind === 'restart-with-data')
        this.#cutAll(server, durationMs * 0.3)
        world.after(1 + durationMs * 0.3, () => this.#start(server))
        return
      case 'clock-step': {
        const stepMs = (detail - 0.5) * 4 * options.ttlMs
        truth.clockStepped = true
        server.witness.arrivals.forget() // places, and all of a queue, may end sooner or later than they should
        if (stepMs > 0) this.#makeVoid(server)
        else truth.steppedBackMs -= stepMs
        if (server instanceof ModelServer) server.stepClock(stepMs)
        else server.machine.jumpWall(stepMs)
        return
      }
      default:
        if (server instanceof ModelServer) this.#ofRedis({ kind, durationMs, detail }, server)
    }
  }

  #ofRedis({ kind, durationMs, detail }: Pick<Fault, 'kind' | 'durationMs' | 'detail'>, server: ModelServer): void {
    const { world } = this.#parts
    if (kind === 'script-flush') server.flushScripts()
    else if (kind === 'flush-all') {
      this.#loseRecords(server)
      server.records.clear()
    } else if (kind === 'eviction') {
      this.#loseRecords(server)
      server.witness.arrivals.isVoid = true
      for (const record of server.records.values()) {
        if (detail < 0.5) {
          record.mutex = undefined
          record.pool = undefined
        }
        if (detail > 0.3 && detail < 0.7) record.token = undefined
        if (detail > 0.6) record.places = []
        if (detail > 0.2 && detail < 0.9) record.value = undefined
      }
    } else {
      // a replica that lags: what it has now is all that it will know
      const records = server.copyRecords()
      world.after(durationMs * detail * 0.5, () => {
        if (!this.#healed && server === this.#fleet.server && server.running)
          this.#failOver(server, records, kind, durationMs)
      })
    }
  }

  #failOver(old: ModelServer, records: ModelServer['records'], kind: Fault['kind'], durationMs: number): void {
    const { world } = this.#parts
    this.#loseRecords(old)
    const next = this.#fleet.addServer()
    if (!(next instanceof ModelServer)) return
    next.records = records
    this.#parts.truth.steppedBackMs += Math.max(0, old.nowMs - next.nowMs) // its clock may be behind
    next.running = false
    next.witness.arrivals.isVoid = old.witness.arrivals.isVoid
    for (const { places } of records.values()) next.witness.arrivals.inherit(places.map(({ owner }) => owner))
    old.deposed = true
    this.#fleet.server = next
    if (kind === 'failover') old.stop(true)
    world.after(20 + durationMs * 0.2, () => this.#start(next))
    for (const index of this.#fleet.clients.keys()) {
      // some find the new one soon; of a split brain, some stay with the old one for long
      const stays = kind === 'split-brain' && index % 2 === 0
      if (kind === 'failover') this.#fleet.wireOf(index)?.cut(20)
      world.after(stays ? durationMs : 25 + durationMs * 0.2, () => this.#moveTo(index, this.#fleet.server))
    }
  }

  #moveTo(index: number, server: AnyServer): void {
    const wire = this.#fleet.wireOf(index)
    if (wire === undefined || wire.node === server) return
    wire.node = server
    wire.cut(0)
  }

  #cutAll(server: AnyServer, downMs: number): void {
    for (const wire of this.#fleet.wires) if (wire.node === server) wire.cut(downMs)
  }

  #thaw(server: AnyServer): void {
    const backlog = server.backlog ?? []
    server.backlog = undefined
    for (const run of backlog) this.#parts.world.after(0, run)
  }

  #start(server: AnyServer): void {
    if (server instanceof MemoryServer) server.start()
    else server.running = true
  }

  #loseRecords(server: AnyServer): void {
    this.#parts.truth.recordsLost = true
    this.#makeVoid(server)
    server.witness.arrivals.forget()
  }

  /** Whoever holds now has lost what exclusion rests on. */
  #makeVoid(server: AnyServer): void {
    const { truth, world, options } = this.#parts
    world.note(`records of ${server.name} are void`)
    for (const name of keysOf(options)) {
      const holders =
        server instanceof ModelServer
          ? (server.recordOf(name)?.holders(server.nowMs) ?? [])
          : (server.store.inspect(name)?.holders ?? [])
      truth.makeVoid(holders.map(({ owner }) => owner))
    }
  }

  #forceRelease({ client: index, detail }: Fault): void {
    const { options } = this.#parts
    const client = this.#fleet.clients[index]
    if (client === undefined || !client.machine.alive || client.machine.paused) return
    const keys = keysOf(options)
    const key = keys[Math.floor(detail * keys.length)] ?? 'k0'
    const calledMs = this.#parts.world.nowMs
    void client.forceRelease(termsOf(options, { key })).then(() => {
      if (options.store === 'memory') this.#checker.forced(key, calledMs)
    })
  }

  #resume(index: number, suspendedMs: number): void {
    const machine = this.#fleet.clients[index]?.machine
    if (machine === undefined || !machine.paused) return
    this.#parts.world.note(`client ${index} goes on`)
    machine.resume(suspendedMs)
    this.#checker.exclusionOf(machine)
  }

  #restart(index: number): void {
    if (this.#fleet.clients[index]?.machine.alive !== false) return
    this.#parts.world.note(`client ${index} starts anew`)
    this.#fleet.wireOf(index)?.abandon()
    this.#fleet.start(index)
    this.#restarted(index)
  }
}
