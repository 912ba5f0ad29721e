import { HoldfastError, LockedError, LockLostError, LockTimeoutError, StoreError } from '../../src/core/errors.js'
import { Lease } from '../../src/core/lease.js'
import { heartbeatMs, queueMs } from '../../src/core/plan.js'
import type { Terms } from '../../src/core/terms.js'
import type { Ask, Held } from './check/checker.js'
import type { Client } from './client.js'
import type { Fleet, FleetParts } from './fleet.js'
import type { Random } from './random.js'
import { termsOf } from './terms.js'

/** How far the faults are over; while it is undefined, much is excused. */
export interface Health {
  /** Since when nothing has gone wrong any more. */
  sinceMs: number | undefined
}

/** What one program in one process has still to do. */
interface Task {
  readonly index: number
  readonly random: Random
  left: number
}

/** The user's programs: each acquires, works and releases a few times, in many ways. */
export class Workload {
  protected readonly parts: FleetParts
  protected readonly fleet: Fleet
  protected readonly health: Health
  readonly #tasks: Task[][] = []
  /** How much all of them have still to do. */
  #left: number
  /** No answer gets lost or comes late, nothing comes twice, and no clock jumps: what a client believes of its lease is so. */
  readonly #onlyRequestsFail: boolean

  constructor(parts: FleetParts, fleet: Fleet, health: Health) {
    this.parts = parts
    this.fleet = fleet
    this.health = health
    const { clients, tasks, opsPerTask } = parts.options
    const { messageFaults, faults, store } = parts.options
    const harmless = ['lost-requests', 'lost-notices', 'error-replies', 'force-release', 'script-flush', 'crash']
    this.#onlyRequestsFail =
      store === 'redis' &&
      messageFaults.loseReply + messageFaults.slow + messageFaults.duplicate === 0 &&
      faults.every(({ kind }) => harmless.includes(kind))
    this.#left = clients * tasks * opsPerTask
    const random = parts.world.random.fork()
    for (let client = 0; client < clients; client++) {
      const own: Task[] = []
      for (let task = 0; task < tasks; task++) own.push({ index: task, random: random.fork(), left: opsPerTask })
      this.#tasks.push(own)
    }
  }

  /** Everybody has done everything. */
  get done(): boolean {
    return this.#left === 0
  }

  /** Lets the programs of a process begin, or go on after it was started anew. */
  start(index: number): void {
    const client = this.fleet.clients[index]
    if (client === undefined) return
    for (const task of this.#tasks[index] ?? []) {
      client.machine.after(task.random.between(0, this.parts.options.thinkMs + 1), () => void this.#run(client, task))
    }
  }

  async #run(client: Client, task: Task): Promise<void> {
    const { world, options } = this.parts
    while (task.left > 0) {
      world.note(`${client.machine.host} task ${task.index} begins, ${task.left} left`)
      try {
        await this.acquisition(client, task.random)
      } catch (error) {
        this.parts.checker.fail('unexpected error', describe(error))
      }
      task.left--
      this.#left--
      if (options.thinkMs > 0) await pause(client, task.random.between(0, options.thinkMs))
    }
  }

  /** Asks in one of many ways, works and releases, or does what is said in its place. */
  protected async acquisition(client: Client, random: Random, use?: (held: Held) => Promise<void>): Promise<void> {
    if (this.parts.options.pairs === true && random.chance(0.5)) {
      await this.#pair(client, random)
      return
    }
    const { checker, marks, world, options } = this.parts
    const terms = this.draw(random)
    const waitMs = random.pick([0, options.ttlMs * random.between(0.1, 3), Infinity, Infinity, Infinity])
    const controller = random.chance(0.2) ? new AbortController() : undefined
    const ask = checker.asks(client, terms, waitMs > 0)
    if (controller !== undefined) this.#abortLater(client, controller, ask, random)
    marks.hit(waitMs > 0 ? 'waits' : 'tries')
    let held: Held | undefined
    const began = client.machine.nowMs()
    const wish = { waitMs, signal: controller?.signal, tries: random.chance(0.5) }
    let lease: Lease | undefined
    try {
      lease = await client.ask(terms, wish, (hold, given) => {
        held = checker.granted(ask, hold, given)
        this.checkFreshness(held)
      })
    } catch (error) {
      const [why = ''] = describe(error).split('\n') // no stack: it names the folder of the code
      world.note(`${client.machine.host} gives up: ${why.slice(0, 60)}`)
      this.checkRefusal(error, {
        ask,
        waitMs,
        waitedMs: client.machine.nowMs() - began,
        aborted: controller?.signal.aborted,
      })
      checker.gaveUp(ask)
      return
    }
    checker.gaveUp(ask)
    if (lease === undefined || held === undefined) {
      marks.hit('refused')
      return
    }
    marks.hit('grants')
    if (waitMs > 0 && world.nowMs - ask.calledMs > 2 * options.delayMs + 2 * options.jitterMs + 1)
      marks.hit('contended')
    if (use !== undefined) {
      await use(held)
      return
    }
    await this.work(client, random, held)
    await this.end(client, random, held)
  }

  /** Both keys, all or none. */
  async #pair(client: Client, random: Random): Promise<void> {
    const { checker, marks, options } = this.parts
    const terms = this.draw(random)
    const all = ['k0', 'k1'].map((key) => ({ ...terms, key, storeKey: key }))
    const waitMs = random.pick([0, options.ttlMs * random.between(0.1, 3), Infinity, Infinity])
    const controller = random.chance(0.2) ? new AbortController() : undefined
    // the second is waited for when the first is had: it has no place in line before
    const asks = all.map((each) => checker.asks(client, each, false))
    const [first] = asks
    if (first === undefined) return
    if (controller !== undefined) this.#abortLater(client, controller, first, random)
    const began = client.machine.nowMs()
    const taken: Held[] = []
    try {
      for (const [at, hold] of (
        await client.askAll(all, { waitMs, signal: controller?.signal, tries: false })
      ).entries()) {
        const held = checker.granted(asks[at] ?? first, hold, new Lease(hold))
        this.checkFreshness(held)
        taken.push(held)
      }
    } catch (error) {
      const waitedMs = client.machine.nowMs() - began
      this.checkRefusal(error, { ask: first, waitMs, waitedMs, aborted: controller?.signal.aborted })
      checker.gaveUp(first)
      return
    }
    marks.hit('pairs')
    await Promise.all(taken.map((held) => this.work(client, random, held)))
    await Promise.all(taken.toReversed().map((held) => this.end(client, random, held)))
  }

  protected draw(random: Random): Terms {
    const { options } = this.parts
    const { mode, limit, keys, ttlMs: usual } = options
    const permits = mode === 'read-write' && random.chance(0.35) ? limit : 1
    const local = options.store === 'memory' && random.chance(0.3)
    const ttlMs = local ? null : options.mixedTtl ? Math.round(Math.max(usual * random.pick([0.5, 1, 2]), 100)) : usual
    const expireMs = options.expires && random.chance(0.4) ? random.between(0.4, 2) * usual : undefined
    const minHoldMs = options.minHolds && random.chance(0.4) ? random.between(0.1, 1.2) * usual : 0
    return termsOf(options, { key: `k${random.int(0, keys - 1)}`, ttlMs, permits, expireMs, minHoldMs })
  }

  #abortLater(client: Client, controller: AbortController, ask: Ask, random: Random): void {
    const { options, marks } = this.parts
    client.machine.after(random.between(0, random.pick([options.delayMs * 4, options.ttlMs])), () => {
      if (ask.settled) return
      marks.hit('abort')
      controller.abort(aborted)
      this.parts.checker.aborted(ask)
    })
  }

  protected async work(client: Client, random: Random, held: Held): Promise<void> {
    const { checker, options } = this.parts
    const holdMs = options.holdMs * random.pick([0, 0.3, 1, 2]) * (this.health.sinceMs === undefined ? 1 : 0.5)
    const steps = random.int(1, 3)
    if (random.chance(0.3)) held.lease.signal.addEventListener('abort', () => this.parts.marks.hit('signal'))
    checker.act(held)
    for (let step = 0; step < steps; step++) {
      await pause(client, holdMs / steps)
      checker.act(held)
      if (!held.wasActive) this.#checkLoss(held)
    }
  }

  protected async end(client: Client, random: Random, held: Held): Promise<void> {
    const { checker, world, marks, truth } = this.parts
    const { lease, hold } = held
    const wasActive = checker.look(held)
    const calledMs = world.nowMs
    truth.factOf(hold.owner).letGoAtMs = calledMs
    const how = random.pick(['release', 'release', 'dispose', 'twice'])
    try {
      if (how === 'dispose') {
        await lease[Symbol.asyncDispose]()
        if (hold.ended === undefined) checker.fail('end', `${hold.owner} was disposed of and has not ended`)
        return
      }
      const second = how === 'twice' ? lease.release() : undefined
      const first = await lease.release()
      const results = second === undefined ? [first] : [first, await second]
      world.note(`${client.machine.host} released ${hold.owner}: ${results.join()}`)
      if (results.filter(Boolean).length > 1) checker.fail('release', `${hold.owner} was released twice`)
      this.#checkRelease(held, { wasActive, calledMs, released: results.some(Boolean) })
    } catch (error) {
      if (error instanceof LockLostError && how === 'dispose') marks.hit('lost')
      else if (error instanceof StoreError) this.checkFailure(error, calledMs)
      else throw error
    } finally {
      if (lease.active) checker.fail('end', `${hold.owner} is active after its release`)
    }
  }

  /** What is granted has at least half of its lease left, less the allowance for drift. */
  protected checkFreshness({ hold, lease }: Held): void {
    const { ttlMs, expireMs } = hold.terms
    if (ttlMs === null || expireMs !== undefined) return
    const local = hold.space.local
    const leaseMs = local ? ttlMs : Math.min(ttlMs, queueMs('network'))
    const leastMs = (local ? leaseMs : leaseMs * 0.99 - 2) / 2 - 1
    if (lease.remainingMs < leastMs) {
      this.parts.checker.fail('stale grant', `${hold.owner}: ${lease.remainingMs} ms left of ${leaseMs}`)
    }
  }

  #checkRelease(
    { hold, key }: Held,
    { wasActive, calledMs, released }: { wasActive: boolean; calledMs: number; released: boolean },
  ): void {
    const { checker, truth, options } = this.parts
    if (options.store === 'memory') return
    const fact = truth.factOf(hold.owner)
    const happened = fact.releasedAtMs >= calledMs
    const others = [...checker.all()].map((other) => other.hold)
    // who takes several keys holds the first before he is given it
    const passedOn = [...others, ...hold.space.holds.all()].some(
      (other) => other.owner === hold.owner && other.token > hold.token,
    )
    const holds = this.fleet.holders(key).some(({ owner }) => owner === hold.owner)
    const { minHoldMs } = hold.terms
    if (minHoldMs > 0) {
      const leftMs = hold.minHoldLeftMs() - minHoldMs * 0.01 - 2 // the clocks of both ran apart all the while
      if (released && leftMs > 0 && !holds && !fact.isVoid) checker.fail('least hold', `${hold.owner} went too early`)
      return
    }
    if (passedOn) return
    if (released && !happened) checker.fail('release told', `${hold.owner}: true, and no server released it`)
    if (!released && wasActive && fact.refusedReleaseAtMs < calledMs) {
      checker.fail('release told', `${hold.owner}: false, and no server refused it`)
    }
    if (holds && wasActive && fact.grantedAtMs < calledMs && !fact.isVoid && !truth.recordsLost) {
      checker.fail('held after release', `${hold.owner} still stands as a holder of ${key}`)
    }
  }

  protected checkRefusal(error: unknown, { ask, waitMs, waitedMs, aborted: gaveUp }: Refused): void {
    const { checker, options } = this.parts
    if (error === aborted) {
      if (gaveUp !== true) checker.fail('abort', 'rejected with the reason of a signal that was not aborted')
    } else if (error instanceof LockTimeoutError) {
      if (waitedMs < waitMs - 1) checker.fail('wait', `gave up after ${waitedMs} of ${waitMs} ms`)
    } else if (error instanceof LockedError) {
      if (waitMs > 0) checker.fail('wait', `was refused after ${waitedMs} of ${waitMs} ms`)
    } else if (error instanceof StoreError) this.checkFailure(error, ask.calledMs)
    else throw error
    const { sinceMs } = this.health
    const mostMs = waitMs + 3 * options.storeTimeoutMs + 5100
    if (sinceMs !== undefined && ask.calledMs > sinceMs && waitedMs > mostMs) {
      checker.fail('wait', `took ${waitedMs} ms to be refused after a wait of ${waitMs}`)
    }
  }

  /** With a healthy store nothing fails. */
  protected checkFailure(error: StoreError, calledMs: number): void {
    const { sinceMs } = this.health
    this.parts.marks.hit('store errors')
    if (sinceMs !== undefined && calledMs > sinceMs) this.parts.checker.fail('failure in health', describe(error))
  }

  /** With a healthy store nothing that is renewed gets lost. What a notice grants counts from the last question, up to a heartbeat before. */
  #checkLoss({ hold, grantedMs }: Held): void {
    const { sinceMs } = this.health
    const { ttlMs } = hold.terms
    const { leftMs, isVoid } = this.parts.truth.factOf(hold.owner)
    if (
      this.#onlyRequestsFail &&
      !isVoid &&
      hold.ended === 'LOCK_LOST' &&
      leftMs > (ttlMs ?? 0) * 0.3 + heartbeatMs('network')
    ) {
      this.parts.checker.fail('given up early', `${hold.owner} was given up with ${leftMs} ms left`)
    }
    this.parts.marks.hit(`ended ${hold.ended ?? 'not'}`)
    if (sinceMs === undefined || grantedMs < sinceMs || this.parts.truth.isVoid(hold.owner)) return
    if (hold.ended === 'LOCK_LOST') this.parts.checker.fail('lost in health', `${hold.owner} was lost`)
  }
}

interface Refused {
  readonly ask: Ask
  readonly waitMs: number
  readonly waitedMs: number
  readonly aborted: boolean | undefined
}

const aborted = new Error('the user gave up')

export function describe(error: unknown): string {
  if (error instanceof HoldfastError) return `${error.code} ${error.message}`
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

export function pause({ machine }: Client, ms: number): Promise<void> {
  return new Promise((resolve) => machine.after(ms, resolve))
}
