/** Carries out a plan of faults, each until it is healed. */
import { setTimeout as sleep } from 'node:timers/promises'
import { machineMs } from '../fleet/machine-clock.js'
import type { Proxy } from '../support/servers/proxy.js'
import type { Fleet } from './fleet.js'
import type { FaultKind, PlannedFault } from './plan.js'
import type { Site } from './site.js'

/** How far a client's clock is moved, at most. */
const CLOCK_STEP_MS = 3000

/** A fault that happened. */
export interface Fault {
  readonly kind: FaultKind
  readonly clients: readonly number[]
  readonly fromMs: number
  readonly toMs: number
}

export class Nemesis {
  readonly faults: Fault[] = []
  readonly #site: Site | undefined
  readonly #fleet: Fleet
  readonly #forgets: boolean
  /** What has to end before a client, a proxy, or the servers get their next fault. */
  readonly #turns = new Map<string, Promise<void>>()
  #failure: Error | undefined = undefined

  constructor(site: Site | undefined, fleet: Fleet, { forgets }: { forgets: boolean }) {
    this.#site = site
    this.#fleet = fleet
    this.#forgets = forgets
  }

  /** Resolves when the last fault is healed. Rejects when a fault could not be made or healed. */
  async run(plan: readonly PlannedFault[]): Promise<void> {
    const startMs = machineMs()
    const all: Promise<void>[] = []
    for (const fault of plan) {
      await sleep(Math.max(0, startMs + fault.atMs - machineMs()))
      if (this.#failure !== undefined) throw this.#failure
      all.push(this.#inTurn(fault))
    }
    await Promise.all(all)
    if (this.#failure !== undefined) throw this.#failure
  }

  #inTurn(fault: PlannedFault): Promise<void> {
    const places = placesOf(fault)
    const before = Promise.all(places.map((place) => this.#turns.get(place) ?? Promise.resolve()))
    const done = before.then(async () => {
      const fromMs = machineMs()
      await this.#make(fault)
      this.faults.push({ kind: fault.kind, clients: fault.clients, fromMs, toMs: machineMs() })
    })
    const settled = done.catch((error: unknown) => {
      this.#failure ??= new Error(`the fault ${fault.kind} failed`, { cause: error })
    })
    for (const place of places) this.#turns.set(place, settled)
    return settled
  }

  async #make(fault: PlannedFault): Promise<void> {
    const { kind, clients, lastsMs, degree } = fault
    const [client = 0] = clients
    switch (kind) {
      case 'client-stop':
        return this.#fleet.stopFor(client, lastsMs)
      case 'client-kill':
        return this.#fleet.killFor(client, lastsMs)
      case 'client-stall':
        this.#fleet.stall(client, lastsMs)
        return sleep(lastsMs)
      case 'client-clock-ahead':
        return this.#fleet.moveClocksFor(clients, lastsMs, 100 + degree * CLOCK_STEP_MS)
      case 'client-clock-back':
        return this.#fleet.moveClocksFor(clients, lastsMs, -100 - degree * CLOCK_STEP_MS)
      case 'store-fails':
        return this.#fleet.failStoresFor(clients, lastsMs)
      case 'black-hole':
        return this.#onProxies(clients, lastsMs, (proxy, on) => proxy.blackhole(on))
      case 'replies-lost':
        return this.#onProxies(clients, lastsMs, (proxy, on) => proxy.dropReplies(on))
      case 'requests-lost':
        return this.#onProxies(clients, lastsMs, (proxy, on) => proxy.dropRequests(on))
      case 'forgotten':
        return this.#onProxies(clients, lastsMs, (proxy, on) => (on ? proxy.forget() : proxy.cut()))
      case 'delay':
        return this.#onProxies(clients, lastsMs, (proxy, on) => proxy.delayMs(on ? 20 + degree * 600 : 0))
      case 'cut':
        return this.#onProxies(clients, 0, (proxy) => proxy.cut())
      case 'replay':
        return this.#onProxies(clients, lastsMs, (proxy, on) => proxy.replayAfterMs(on ? 1 + degree * 2000 : 0))
      default:
        return this.#befall(existing(this.#site), { kind, lastsMs, degree })
    }
  }

  async #befall(site: Site, { kind, lastsMs, degree }: Omit<PlannedFault, 'clients' | 'atMs'>): Promise<void> {
    switch (kind) {
      case 'server-stop':
        return site.stopFor(lastsMs)
      case 'server-kill':
        return site.killFor(lastsMs, this.#forgets)
      case 'script-flush':
        return site.flushScripts()
      case 'connections-kill':
        return site.killConnections()
      case 'out-of-memory':
        return site.fillMemoryFor(lastsMs)
      case 'flush-all':
        return site.flushAll()
      case 'clock-ahead':
        return site.moveClockFor(lastsMs, 'ahead')
      case 'clock-back':
        return site.moveClockFor(lastsMs, 'back')
      case 'disk-full':
        return site.fillDiskFor(lastsMs)
      case 'failover':
        return site.failOver(lastsMs, degree > 0.5 ? degree * 500 : 0, this.#fleet.proxies)
      case 'split':
        return site.splitFor(lastsMs, this.#fleet.proxies)
      default:
        throw new Error(`nobody knows how to make ${kind}`)
    }
  }

  async #onProxies(clients: readonly number[], ms: number, set: (proxy: Proxy, on: boolean) => void): Promise<void> {
    const proxies = this.#fleet.proxies.filter((_, client) => clients.includes(client))
    for (const proxy of proxies) set(proxy, true)
    if (ms === 0) return
    await sleep(ms)
    for (const proxy of proxies) set(proxy, false)
  }
}

function existing(site: Site | undefined): Site {
  if (site === undefined) throw new Error('there are no servers')
  return site
}

/** Faults of one place come one after another; those of different places at the same time. */
function placesOf({ kind, clients }: PlannedFault): string[] {
  if (clients.length === 0) return ['servers']
  if (kind.startsWith('client-clock')) return clients.map((client) => `clock ${client}`)
  if (kind.startsWith('client-') || kind === 'store-fails') return clients.map((client) => `client ${client}`)
  return clients.map((client) => `proxy ${client} ${kind}`)
}
