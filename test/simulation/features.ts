import { LockedError, LockLostError, LockTimeoutError, StoreError } from '../../src/core/errors.js'
import { holdOf, type Lease } from '../../src/core/lease.js'
import type { Terms } from '../../src/core/terms.js'
import type { CachedCalls } from '../../src/features/cached-types.js'
import type { Holdfast } from '../../src/features/holdfast.js'
import type { Call, Computation } from './check/computed.js'
import type { Ask, Held } from './check/checker.js'
import type { Client } from './client.js'
import { ModelServer } from './model/server.js'
import type { Random } from './random.js'
import { cachedRoom, termsOf } from './terms.js'
import { describe, pause, Workload } from './workload.js'

/** A hold on its way from one process to others. */
interface Gift {
  readonly text: string
  readonly giver: Held
  readonly givenMs: number
  /** How many try to take it. */
  readonly takers: number
  taken: number
}

/** A call of a cached function, with what its computation decides by. */
interface OwnCall extends Call {
  readonly random: Random
}

type Load = ((call: OwnCall) => Promise<Computation>) & CachedCalls<(call: OwnCall) => Promise<Computation>>

const failed = new Error('there is nothing to compute it from')

/** Programs that cache what they compute, run what runs nowhere else, and hand their holds over, in worlds with features. */
export class FeatureWorkload extends Workload {
  readonly #loads = new WeakMap<Client, Load>()
  /** What goes on in processes beside their programs. */
  readonly #beside = new Set<{ readonly client: Client }>()

  override get done(): boolean {
    return super.done && ![...this.#beside].some(({ client }) => client.machine.alive)
  }

  protected override async acquisition(client: Client, random: Random): Promise<void> {
    const { holdfast, space } = client
    if (holdfast === undefined) return
    const caches = space.store.values !== undefined
    const kind = random.next()
    if (caches && kind < 0.45) await this.#burst(client, random)
    else if (caches && kind < 0.55) await this.#reset(client, random)
    else if (kind < 0.75) await super.acquisition(client, random, (held) => this.#handOver(client, random, held))
    else if (this.parts.options.limit === 1) await this.#once(holdfast, client, random)
    else await super.acquisition(client, random)
  }

  // ---- cached

  async #burst(client: Client, random: Random): Promise<void> {
    const key = this.#key(random)
    const calls = random.pick([1, 1, 2, 3])
    await Promise.all(
      Array.from({ length: calls }, async () => {
        const own = random.fork()
        await pause(client, random.pick([0, own.between(0, 5)]))
        await this.#call(client, key, own)
      }),
    )
  }

  async #call(client: Client, key: string, random: Random): Promise<void> {
    const { computed, marks, options, checker } = this.parts
    marks.hit('cached calls')
    const call = this.#callOf(client, key, random)
    try {
      computed?.gave(call, await this.#loadOf(client)(call), options)
    } catch (error) {
      const { waitMs } = options.features ?? {}
      if (error === failed) marks.hit('cached failures')
      else if (error instanceof LockTimeoutError && waitMs !== undefined) marks.hit('cached timeouts')
      else checker.fail('cached', describe(error))
    }
  }

  async #reset(client: Client, random: Random): Promise<void> {
    const { computed, marks, world } = this.parts
    const key = this.#key(random)
    const calledMs = world.nowMs
    try {
      await this.#loadOf(client).reset(this.#callOf(client, key, random))
      marks.hit('resets')
      world.note(`${client.machine.host} has reset ${key}`)
      computed?.wasReset(key, calledMs)
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      this.checkFailure(error, calledMs)
    }
  }

  #callOf(client: Client, key: string, random: Random): OwnCall {
    const terms = termsOf(this.parts.options, { key: cachedRoom + key, limit: 1 })
    return { client, key, random, ask: this.parts.checker.asks(client, terms, false), beganMs: this.parts.world.nowMs }
  }

  #loadOf(client: Client): Load {
    let load = this.#loads.get(client)
    if (load === undefined) this.#loads.set(client, (load = this.#wrap(client)))
    return load
  }

  #wrap({ holdfast }: Client): Load {
    const { features, ttlMs } = this.parts.options
    if (holdfast === undefined || features === undefined) throw new TypeError('a world without features caches nothing')
    const { freshMs, revalidateMs, ifErrorMs, waitMs = true } = features
    const staleness = freshMs === null ? {} : { staleWhileRevalidate: revalidateMs, staleIfError: ifErrorMs }
    const options = { ttl: freshMs, ...staleness, wait: waitMs, lease: ttlMs }
    return holdfast.cached(({ key }: OwnCall) => key, options)(async (call: OwnCall) => this.#compute(call))
  }

  async #compute(call: OwnCall): Promise<Computation> {
    const { computed, checker, marks, options } = this.parts
    const { client, random } = call
    const { loadMs = 0, failing = 0 } = options.features ?? {}
    const run = computed?.begins(call, this.#serverOf(client))
    if (run === undefined) throw failed
    marks.hit(run.held === undefined ? 'computed alone' : 'computed')
    const steps = random.int(1, 3)
    for (let step = 0; step < steps; step++) {
      if (run.held !== undefined) checker.act(run.held)
      await pause(client, (loadMs * random.pick([0, 0.5, 1, 2])) / steps)
    }
    if (run.held !== undefined) checker.act(run.held)
    if (random.chance(failing)) throw failed
    return { run: run.id }
  }

  /** Where its values are, as long as there is one server only. */
  #serverOf({ index }: Client): ModelServer | undefined {
    const node = this.fleet.wireOf(index)?.node
    return node instanceof ModelServer ? node : undefined
  }

  // ---- once

  async #once(holdfast: Holdfast, client: Client, random: Random): Promise<void> {
    const { checker, truth, world, marks } = this.parts
    const terms = this.draw(random)
    const waitMs = random.pick([0, 0, this.parts.options.ttlMs * random.between(0.1, 2)])
    const throwIfLocked = random.chance(0.3)
    const options = { ...optionsOf(terms), wait: waitMs, otherwise: 'otherwise', throwIfLocked }
    const ask = checker.asks(client, terms, waitMs > 0)
    const began = client.machine.nowMs()
    let ran: Held | undefined
    try {
      const result = await holdfast.once(terms.key, options).run(async (lease) => {
        ran = checker.granted(ask, holdOf(lease).base, lease)
        this.checkFreshness(ran)
        await this.work(client, random, ran)
        checker.look(ran)
        truth.factOf(ran.hold.owner).letGoAtMs = world.nowMs
        return 'ran'
      })
      if ((result === 'ran') !== (ran !== undefined)) checker.fail('once', `${result} was given`)
      marks.hit(ran === undefined ? 'once skipped' : 'once ran')
    } catch (error) {
      if (ran === undefined) {
        this.checkRefusal(error, { ask, waitMs, waitedMs: client.machine.nowMs() - began, aborted: undefined })
        if (error instanceof LockedError && !throwIfLocked) checker.fail('once', describe(error))
      } else if (!(error instanceof LockLostError && ran.hold.ended === 'LOCK_LOST')) throw error
    }
    checker.gaveUp(ask)
    if (ran?.lease.active === true) checker.fail('end', `${ran.hold.owner} is active after its body`)
  }

  // ---- a hold that changes hands

  async #handOver(client: Client, random: Random, giver: Held): Promise<void> {
    const { checker, truth, world, marks, options } = this.parts
    const { lease, hold } = giver
    if (random.chance(0.5)) await this.work(client, random, giver)
    const calledMs = world.nowMs
    let text: string
    try {
      text = await lease.export()
    } catch (error) {
      if (error instanceof StoreError) this.checkFailure(error, calledMs)
      else if (!(error instanceof LockLostError)) throw error
      await this.end(client, random, giver)
      return
    }
    marks.hit('exported')
    world.note(`${client.machine.host} gives ${hold.owner} away`)
    if (lease.active) checker.fail('end', `${hold.owner} is active after it was given away`)
    truth.factOf(hold.owner).letGoAtMs = Infinity // nobody has it for a while
    const takers = random.pick([1, 1, 1, 1, 2, 2, 0])
    const gift: Gift = { text, giver, givenMs: world.nowMs, takers, taken: 0 }
    for (let taker = 0; taker < takers; taker++) {
      const other = this.fleet.clients[random.int(0, options.clients - 1)] ?? client
      const delayMs = random.pick([0, random.between(0, 10), options.ttlMs / 2, options.ttlMs * 1.3])
      this.#aside(other, delayMs, random.fork(), gift)
    }
    if (takers > 0) return
    await pause(client, 2.5 * options.ttlMs + (hold.terms.minHoldMs > 0 ? options.ttlMs : 0))
    await this.#adopt(client, random, gift)
  }

  #aside(other: Client, delayMs: number, random: Random, gift: Gift): void {
    const beside = { client: other }
    this.#beside.add(beside)
    other.machine.after(delayMs, () => {
      this.#adopt(other, random, gift)
        .catch((error: unknown) => this.parts.checker.fail('unexpected error', describe(error)))
        .finally(() => this.#beside.delete(beside))
    })
  }

  async #adopt(client: Client, random: Random, gift: Gift): Promise<void> {
    const { checker, marks, truth } = this.parts
    const { hold, key } = gift.giver
    const { holdfast } = client
    if (holdfast === undefined) return
    const ask = checker.asks(client, hold.terms, false)
    const { limit, ttlMs } = hold.terms
    const options = ttlMs === null ? {} : { ttl: ttlMs }
    const isThere = this.fleet.holders(key).some(({ owner }) => owner === hold.owner)
    let lease: Lease
    try {
      const handle = limit === 1 ? holdfast.lock(key, options) : holdfast.pool(key, { max: limit, ...options })
      lease = await handle.adopt(gift.text)
    } catch (error) {
      if (error instanceof LockLostError) this.#checkRefused(gift, ask)
      else if (error instanceof StoreError) this.checkFailure(error, ask.calledMs)
      else throw error
      return
    }
    marks.hit('adopted')
    const taken = checker.granted(ask, holdOf(lease).base, lease)
    this.checkFreshness(taken)
    // who gave it away may be granted it again, when its request comes a second time
    const isGivenAgain = truth.factOf(hold.owner).grantedAtMs > gift.givenMs
    if (++gift.taken > 1 && !truth.recordsLost && !isGivenAgain) checker.fail('adopted twice', hold.owner)
    const wasGiven = client.space.local ? isThere : truth.factOf(taken.hold.owner).adoptedFrom === hold.owner
    if (!wasGiven) checker.fail('adopted too late', `${taken.hold.owner} has what ${hold.owner} had, which was over`)
    await this.work(client, random, taken)
    this.#checkLimit(gift, taken)
    await this.end(client, random, taken)
  }

  /** With a healthy store, what was given away is to be had by the first who comes in time. */
  #checkRefused({ giver, givenMs, takers }: Gift, { calledMs, machine }: Ask): void {
    const { checker, marks, truth, world, options } = this.parts
    const { sinceMs } = this.health
    const { ttlMs, expireMs } = giver.hold.terms
    marks.hit('adopted too late')
    if (sinceMs === undefined || giver.grantedMs < sinceMs || truth.isVoid(giver.hold.owner)) return
    // where answers overtake each other, a late one to a question of the giver releases what it has given away
    const isSure = options.ordered && takers === 1 && ttlMs !== null && expireMs === undefined
    if (isSure && world.nowMs - givenMs < ttlMs * 0.9)
      checker.fail('refused in health', `${machine.host} asked at ${calledMs} for what was given at ${givenMs}`)
  }

  /** Its own limit goes with a hold. */
  #checkLimit({ giver }: Gift, { lease, hold }: Held): void {
    const { checker, truth, world } = this.parts
    const { expireMs } = giver.hold.terms
    if (expireMs === undefined || truth.clockStepped || !lease.active) return
    const heldMs = world.nowMs - giver.grantedMs
    if (heldMs > expireMs * 1.02 + 5)
      checker.fail('expire', `${hold.owner} is active ${heldMs} ms after the first grant`)
  }

  #key(random: Random): string {
    return `k${random.int(0, this.parts.options.keys - 1)}`
  }
}

/** What a user says to get these terms. */
function optionsOf({ ttlMs, expireMs, minHoldMs }: Terms): { ttl?: number; expire?: number; minHold?: number } {
  return {
    ...(ttlMs !== null && { ttl: ttlMs }),
    ...(expireMs !== undefined && { expire: expireMs }),
    ...(minHoldMs > 0 && { minHold: Math.min(minHoldMs, expireMs ?? Infinity) }),
  }
}
