import { Checker, type Violation } from './check/checker.js'
import { Computed } from './check/computed.js'
import { Recorder } from './check/recorder.js'
import { Truth } from './check/truth.js'
import type { Client } from './client.js'
import { FeatureWorkload } from './features.js'
import { Fleet, type FleetParts } from './fleet.js'
import { Marks } from './marks.js'
import { ModelServer } from './model/server.js'
import { Nemesis } from './nemesis.js'
import type { Options } from './options.js'
import { cachedRoom, keysOf, termsOf } from './terms.js'
import { type Health, Workload } from './workload.js'
import { type Line, World } from './world.js'

/** What came of one world. */
export interface Outcome {
  readonly seed: number
  /** The same for the same seed, always. */
  readonly hash: number
  readonly violation: Violation | undefined
  readonly events: number
  readonly marks: ReadonlyMap<string, number>
  readonly lines: readonly Line[] | undefined
}

/** More than this many events are no run but a loop. */
const mostEvents = 20_000
/** After the faults stop, calls that were under way may still fail for this long. */
const graceMs = 6_000
/** A key that is free is granted within this time to one who waits: a heartbeat of a second, and the way. */
const idleMs = 1_300
/** The same where nothing was ever lost, and a notice tells. */
const calmIdleMs = 100
const longAfterMs = 4_000_000
const forEver = { waitMs: Infinity, signal: undefined, tries: false }
const atOnce = { waitMs: 0, signal: undefined, tries: true }

/** One world from beginning to end: faults, recovery, the end. Somebody else lets promise jobs run after each step. */
export class Simulation {
  readonly #parts: FleetParts
  readonly #world: World
  readonly #fleet: Fleet
  readonly #nemesis: Nemesis
  readonly #workload: Workload
  readonly #health: Health = { sinceMs: undefined }
  readonly #freeSinceMs = new Map<string, number>()
  readonly #isCalm: boolean
  readonly #keys: readonly string[]
  #phase: 'faults' | 'recovery' | 'closing' | 'over' = 'faults'
  #closed = 0
  #waits = 0

  constructor(options: Options, keepLines = false) {
    const world = new World(options.seed ^ 0x9e3779b9, keepLines)
    const marks = new Marks()
    const truth = new Truth(world)
    const checker = new Checker(world, truth, marks)
    const recorder = isRecorded(options) ? new Recorder(world) : undefined
    const computed = options.features === undefined ? undefined : new Computed(world, truth, checker)
    this.#parts = { world, options, truth, checker, marks, recorder, computed }
    this.#isCalm = isCalm(options)
    this.#keys = keysOf(options)
    if (this.#isCalm) this.#health.sinceMs = 0
    this.#world = world
    this.#fleet = new Fleet(this.#parts)
    const Programs = options.features === undefined ? Workload : FeatureWorkload
    this.#workload = new Programs(this.#parts, this.#fleet, this.#health)
    this.#nemesis = new Nemesis(this.#parts, this.#fleet, (index) => this.#workload.start(index))
    this.#nemesis.schedule()
    for (let index = 0; index < options.clients; index++) this.#workload.start(index)
    world.after(options.healMs, () => this.#heal())
  }

  /** Lets the next thing happen. false: it is over. */
  step(): boolean {
    const { checker } = this.#parts
    if (this.#phase === 'over' || checker.violation !== undefined) return false
    checker.settle()
    if (this.#phase === 'recovery') this.#recover()
    const event = this.#world.next()
    if (event === undefined || this.#world.events > mostEvents) {
      checker.fail('progress', event === undefined ? 'nothing will ever happen again' : 'it never comes to rest')
      return false
    }
    if (this.#phase === 'recovery' || this.#isCalm) this.#checkIdle()
    event.run()
    return true
  }

  outcome(): Outcome {
    const { options, checker, marks } = this.#parts
    const { hash, events, lines } = this.#world
    return { seed: options.seed, hash, violation: checker.violation, events, marks: marks.counts, lines }
  }

  #heal(): void {
    const { options, truth } = this.#parts
    this.#phase = 'recovery'
    this.#checkRest()
    this.#nemesis.heal()
    this.#world.after(Math.min(graceMs, 3 * options.ttlMs) + options.storeTimeoutMs, () => {
      this.#health.sinceMs ??= this.#world.nowMs
      this.#world.note('healthy')
      if (isMild(options)) this.#checkOrphans()
    })
    const { clients, tasks, opsPerTask, ttlMs, holdMs, thinkMs } = options
    const ops = clients * tasks * opsPerTask
    const perOpMs = 2 * holdMs + thinkMs + 3_000 + 3.2 * ttlMs
    const boundMs = 60_000 + 10 * ttlMs + truth.steppedBackMs + ops * perOpMs
    this.#world.after(boundMs, () => {
      if (this.#phase === 'recovery') this.#parts.checker.fail('progress', `not done ${boundMs} ms after the faults`)
    })
  }

  #checkRest(): void {
    for (const { machine } of this.#fleet.clients) {
      if (machine.restless) this.#fail('tight loop', `${machine.host} sets one timer of a millisecond after another`)
    }
  }

  /** Where only single messages failed, nothing that a client has given up is left to its lease. */
  #checkOrphans(): void {
    for (const key of this.#keys) {
      for (const { owner } of this.#fleet.holders(key)) {
        const { isVoid, grantedAtMs, letGoAtMs } = this.#parts.truth.factOf(owner)
        const sinceMs = Math.max(grantedAtMs, letGoAtMs) // its release may be under way
        const isNew = sinceMs > this.#world.nowMs - 2000 - this.#parts.options.storeTimeoutMs
        const isAwaited = this.#fleet.clients.some(
          ({ space, taking }) =>
            (space.gates.get(key)?.waiting().contenders ?? []).includes(owner) ||
            ((taking > 0 || key.startsWith(cachedRoom)) && space.holds.find(owner) !== undefined),
        )
        if (isVoid || isNew || isAwaited || this.#parts.checker.isHeld(key, owner)) continue
        this.#fail('orphan', `${owner} holds ${key}, and nobody has it`)
      }
    }
  }

  /** When all is done, and what was late has come, everybody closes. */
  #recover(): void {
    if (
      this.#health.sinceMs === undefined ||
      !this.#workload.done ||
      this.#fleet.clients.some(({ forcing }) => forcing > 0)
    )
      return
    this.#phase = 'closing'
    const { clients } = this.#fleet
    const beganMs = this.#world.nowMs
    for (const client of clients) {
      const { space, machine } = client
      // what is still held when an instance closes is released
      void client
        .ask(termsOf(this.#parts.options, { key: `own${client.index}` }), atOnce, () =>
          machine.after(5, () => this.#waitInVain(client)),
        )
        .catch(() => undefined)
      machine.after(this.#world.random.between(20, 50), () => {
        client.close().then(
          () => {
            this.#closed++
            if (space.gates.size + space.held.size + space.holds.all().length > 0) {
              this.#fail('left behind', `${machine.host} still has holds or waiters`)
            }
            if (this.#closed === clients.length)
              this.#world.after(2_000 + this.#parts.options.storeTimeoutMs, () => this.#end(beganMs))
          },
          (error: unknown) => this.#fail('close', String(error)),
        )
      })
    }
  }

  /** A wait that only the end of its instance ends. */
  #waitInVain(client: Client): void {
    this.#waits++
    client
      .ask(
        termsOf(this.#parts.options, { key: `own${client.index}`, permits: this.#parts.options.limit }),
        forEver,
        () => undefined,
      )
      .then(
        () => {
          // a clock that was set back by the length of a suspend ends what is held, once
          if (client.machine.misled) this.#waits -= 1
          else this.#fail('close', `client ${client.index} was granted what it holds`)
        },
        () => (this.#waits -= 1),
      )
  }

  #end(closedMs: number): void {
    this.#phase = 'over'
    if (this.#waits > 0) this.#fail('left behind', 'a wait goes on in a closed instance')
    const { options, truth, recorder, marks } = this.#parts
    this.#checkRest()
    for (const { machine } of this.#fleet.clients) {
      if (machine.timers > 0) this.#fail('left behind', `${machine.host}: ${machine.timers} timers`)
    }
    const { server } = this.#fleet
    if (server instanceof ModelServer && server.subscriptions > 0)
      this.#fail('left behind', 'subscriptions at the server')
    for (const key of this.#keys) this.#checkLeft(key, closedMs)
    // where messages overtake each other, a place in the queue may be asked for after it was given up: it lasts 3 s
    for (let client = 0; options.ordered && client < options.clients; client++) {
      if (this.#fleet.isHeld(`own${client}`)) this.#fail('left behind', `client ${client} closed and holds still`)
    }
    if (recorder !== undefined) {
      marks.hit('histories')
      marks.hit('history calls', recorder.calls)
      const key = recorder.impossibleKey()
      if (key !== undefined) this.#fail('linearizability', `no order of the calls explains what ${key} answered`)
    }
    if (truth.recordsLost) marks.hit('worlds with lost records')
  }

  /** Nobody holds for ever; and what was asked for in health and given up is not left to its lease. */
  #checkLeft(key: string, closedMs: number): void {
    const { options, truth } = this.#parts
    const longestMs = 2.5 * options.ttlMs + truth.steppedBackMs + 1
    for (const { owner, remainingMs } of this.#fleet.holders(key)) {
      if (remainingMs > longestMs) this.#fail('left behind', `${owner} holds ${key} for ${remainingMs} ms more`)
      const { grantedAtMs } = truth.factOf(owner)
      const { sinceMs } = this.#health
      const isLate = sinceMs !== undefined && grantedAtMs > sinceMs && grantedAtMs < closedMs - 100
      if (isLate && !options.minHolds) this.#fail('left behind', `${owner} still holds ${key}`)
    }
    const { server } = this.#fleet
    if (!(server instanceof ModelServer)) return
    const left = server.recordOf(key)?.copy()
    left?.expire(server.nowMs + longAfterMs + longestMs)
    if (left === undefined) return
    if (left.mutex ?? left.pool ?? left.token) this.#fail('left behind', `${key} stays in the store`)
    if (left.places.length + left.revoked.size > 0) this.#fail('left behind', `${key} has a queue for ever`)
  }

  /** No lost wake-up: while somebody waits, a key is not left free. */
  #checkIdle(): void {
    const { options, checker } = this.#parts
    const { sinceMs } = this.#health
    const mostMs = this.#isCalm ? calmIdleMs + 20 * (options.delayMs + options.jitterMs) : idleMs
    for (const key of this.#keys) {
      const waiting = checker.waiting(key)
      if (sinceMs === undefined || waiting.length === 0 || this.#fleet.isHeld(key)) {
        this.#freeSinceMs.delete(key)
        continue
      }
      const freeMs = this.#freeSinceMs.get(key) ?? this.#world.nowMs
      this.#freeSinceMs.set(key, freeMs)
      const sinceWhen = Math.max(freeMs, sinceMs, Math.min(...waiting.map(({ calledMs }) => calledMs)))
      if (this.#world.nowMs - sinceWhen > mostMs) {
        this.#fail('lost wake-up', `${key} has been free for ${this.#world.nowMs - sinceWhen} ms while somebody waits`)
      }
    }
  }

  #fail(checker: string, detail: string): void {
    this.#parts.checker.fail(checker, detail)
  }
}

/** Nothing goes wrong, and nobody waits for the end of a lease, of which no server tells. */
function isCalm({ faults, messageFaults, minHolds, expires, store, features }: Options): boolean {
  const endsByItself = minHolds || expires || features !== undefined // a hold that is handed over may find no taker
  return (
    store === 'redis' &&
    !endsByItself &&
    faults.length === 0 &&
    Object.values(messageFaults).every((rate) => rate === 0)
  )
}

function isMild({ faults, messageFaults, minHolds, ordered, store, storeTimeoutMs }: Options): boolean {
  const harmless = ['script-flush', 'lost-notices']
  // what comes after the last of the background releases, and is not heard of, is left to its lease
  const { slow, loseReply } = messageFaults
  if (slow > 0 && loseReply > 0 && (storeTimeoutMs < 1000 || !ordered)) return false
  return (
    store === 'redis' &&
    !minHolds &&
    messageFaults.duplicate === 0 &&
    faults.every(({ kind }) => harmless.includes(kind))
  )
}

/** Histories are looked at where no lease ends by itself and no record is lost. */
function isRecorded({ store, mode, ttlMs, messageFaults, features, faults, ...rest }: Options): boolean {
  const { minHolds, expires, mixedTtl } = rest
  if (features !== undefined) return false // who adopts a hold is granted what another has
  if (store === 'memory' || mode !== 'mutex' || ttlMs < 3000 || minHolds || expires || mixedTtl) return false
  if (messageFaults.duplicate > 0) return false
  const lossy = ['restart-empty', 'failover', 'split-brain', 'flush-all', 'eviction', 'clock-step']
  return faults.every(({ kind }) => !lossy.includes(kind))
}
