import { localTurns } from '../../../src/core/plan.js'
import type { AcquireRequest, Answer } from '../../../src/core/store.js'
import type { MemoryServer } from '../distant-memory.js'
import type { FleetParts } from '../fleet.js'
import type { ScriptCall, ScriptName } from '../model/call.js'
import type { Reply } from '../model/scripts.js'
import type { ModelServer, Witness } from '../model/server.js'
import type { Options } from '../options.js'
import { Arrivals } from './arrivals.js'

/** Watches a modelled Redis: who is granted what, in which order, and how many. */
export class RedisWitness implements Witness {
  readonly arrivals = new Arrivals()
  readonly #parts: FleetParts
  readonly #channels = new Map<string, string>()
  /** Who asks by the call that runs. */
  #asking: string | undefined = undefined
  /** The same, where it is to have the hold of another: those who wait go on waiting. */
  #adopting: string | undefined = undefined

  constructor(parts: FleetParts) {
    this.#parts = parts
  }

  before(node: ModelServer, call: ScriptCall): void {
    const { name, key, owner, wish } = call
    this.#asking = wish?.owner
    const adopts = name === 'adoptMutex' || name === 'adoptPool'
    this.#adopting = adopts && isHolder(node, key, call.from) ? wish?.owner : undefined
    if (endsHold(name)) {
      this.arrivals.leaves(key, owner)
      const hold = node
        .recordOf(key)
        ?.holders(node.nowMs)
        .find((one) => one.owner === owner)
      if (hold !== undefined) this.#countLeft(owner, hold.endsMs - node.nowMs)
    }
    if (name === 'renew') this.#countRenewals(owner)
    if (name !== 'forceRelease') return
    this.#parts.marks.hit('forced')
    this.#parts.truth.makeVoid(
      node
        .recordOf(key)
        ?.holders(node.nowMs)
        .map(({ owner }) => owner) ?? [],
    )
  }

  granted(node: ModelServer, key: string, owner: string, token: number): void {
    const { truth, checker } = this.#parts
    truth.granted(owner, token, node.deposed)
    if (owner === this.#adopting) return
    if (owner !== this.#asking && this.arrivals.isOver(key, owner, node.nowMs)) {
      checker.fail('place of the dead', `${owner} was granted ${key} after its place was over`)
    }
    const overtaken = this.arrivals.overtaken(key, owner, node.nowMs, (other) => this.#listens(node, other))
    if (overtaken !== undefined) checker.fail('order of arrival', `${owner} was granted ${key} before ${overtaken}`)
  }

  after(node: ModelServer, call: ScriptCall, reply: Reply): void {
    const { name, key, owner, wish } = call
    const { truth, checker, computed } = this.#parts
    if (this.#adopting !== undefined) truth.factOf(this.#adopting).adoptedFrom = call.from
    if (name === 'setValue' && reply === 1) computed?.storedText(node, key, call.value)
    if (name === 'deleteValue') computed?.deleted(node, key)
    if (endsHold(name)) truth.released(owner, (Array.isArray(reply) ? reply[0] : reply) === 1)
    if (name === 'renew' && reply === 0) this.#countRefusals(owner)
    if (name === 'renew' && reply === 1 && !isHolder(node, key, owner))
      checker.fail('ownership', `${owner} renewed ${key}`)
    const answer = endsHold(name) && Array.isArray(reply) ? reply[1] : reply
    if (wish !== undefined && wish.queueMs > 0 && Array.isArray(answer) && answer.length === 3) {
      const { nowMs } = node
      this.arrivals.stood(key, wish.owner, { nowMs, endsMs: nowMs + wish.queueMs })
      this.#channels.set(wish.owner, `holdfast:${wish.tail.slice(0, wish.tail.indexOf('\n'))}`)
    }
    const places = node.recordOf(key)?.places ?? []
    this.arrivals.prune(key, (other) => !this.#listens(node, other) && places.every((place) => place.owner !== other))
    if (wish === undefined) return
    let taken = 0
    for (const { permits } of node.recordOf(key)?.holders(node.nowMs) ?? []) taken += permits
    if (taken > wish.limit) checker.fail('store exclusion', `${key}: ${taken} permits of ${wish.limit} are taken`)
  }

  /** What a renewal adds counts once its answer can have come, and this release have been sent after that. */
  #countLeft(owner: string, leftMs: number): void {
    const { truth, options, world } = this.#parts
    const fact = truth.factOf(owner)
    const isHeard = world.nowMs - fact.renewedAtMs > 2 * (options.delayMs + options.jitterMs) + 1
    fact.leftMs = isHeard ? leftMs : 0
  }

  /** A renewal loop never runs tight, also while renewals fail. */
  #countRenewals(owner: string): void {
    const { truth, world, checker } = this.#parts
    const heldMs = world.nowMs - truth.factOf(owner).grantedAtMs
    if (truth.renewed(owner) > 12 + heldMs / 5)
      checker.fail('tight loop', `${owner} was renewed too often in ${heldMs} ms`)
  }

  /** Where every answer arrives at once, nobody asks a third time for what he was refused twice, or was passed on to him; elsewhere not for ever. */
  #countRefusals(owner: string): void {
    const { truth, checker, options, world } = this.#parts
    const fact = truth.factOf(owner)
    const isHeard = answersArrive(options)
    if (++fact.refusals > (isHeard ? 2 + localTurns : 60)) checker.fail('untold loss', `${owner} goes on renewing`)
    if (!isHeard || fact.refusals > 1) return
    // the answer, and another that says why, which is not waited for any longer than that
    const whyMs =
      options.messageFaults.loseRequest > 0 ? Math.min(options.storeTimeoutMs, 250) * 1.01 + options.timerLateMs : 0
    fact.toldByMs = world.nowMs + 10 * (options.delayMs + options.jitterMs) + 5 + whyMs
  }

  #listens(node: ModelServer, owner: string): boolean {
    return node.subscribersOf(this.#channels.get(owner) ?? '') > 0
  }
}

function endsHold(name: ScriptName): boolean {
  return name === 'release' || name === 'handoffMutex' || name === 'handoffPool'
}

function isHolder(node: ModelServer, key: string, owner: string): boolean {
  return (
    node
      .recordOf(key)
      ?.holders(node.nowMs)
      .some((hold) => hold.owner === owner) ?? false
  )
}

function answersArrive({ messageFaults, faults }: Options): boolean {
  const { loseReply, slow, duplicate } = messageFaults
  const harmless = ['flush-all', 'eviction', 'force-release', 'script-flush', 'lost-notices', 'crash', 'wall-jump']
  return loseReply + slow + duplicate === 0 && faults.every(({ kind }) => harmless.includes(kind))
}

/** Watches the shipped memory store behind a network. */
export class MemoryWitness {
  readonly arrivals = new Arrivals()
  readonly #tokens = new Map<string, number>()
  readonly #grants: { key: string; owner: string; token: number }[] = []
  #adopting: string | undefined = undefined
  #isInCall = false
  readonly #parts: FleetParts

  constructor(parts: FleetParts) {
    this.#parts = parts
  }

  forcing(node: MemoryServer, key: string): void {
    this.#parts.marks.hit('forced')
    this.#parts.truth.makeVoid(node.store.inspect(key)?.holders.map(({ owner }) => owner) ?? [])
  }

  /** It is about to be asked for the hold of another. */
  adopting(node: MemoryServer, { key, owner, adopts }: AcquireRequest): void {
    const holds = node.store.inspect(key)?.holders.some((holder) => holder.owner === adopts) === true
    this.#adopting = adopts !== undefined && holds ? owner : undefined
    if (this.#adopting === undefined) return
    const { truth } = this.#parts
    truth.factOf(owner).adoptedFrom = adopts ?? ''
    truth.granted(owner, 0, false)
  }

  answered(node: MemoryServer, request: AcquireRequest, answer: Answer): void {
    const { key, owner, queueMs } = request
    if (answer.granted && this.#adopting === owner)
      this.#tokens.set(owner, answer.token) // who waits goes on waiting
    else if (answer.granted) this.granted(node, key, owner, answer.token)
    else if (queueMs > 0) {
      const nowMs = node.machine.nowMs()
      this.arrivals.stood(key, owner, { nowMs, endsMs: nowMs + queueMs })
    }
    const taken = (node.store.inspect(key)?.holders ?? []).reduce((sum, { permits }) => sum + permits, 0)
    if (taken > request.limit) {
      this.#parts.checker.fail('store exclusion', `${key}: ${taken} permits of ${request.limit} are taken`)
    }
  }

  granted(node: MemoryServer, key: string, owner: string, token: number): void {
    const { truth } = this.#parts
    if (this.#tokens.get(owner) === token) return // it held already
    this.#tokens.set(owner, token)
    truth.granted(owner, token, false)
    this.#grants.push({ key, owner, token })
    if (!this.#isInCall) this.#judge(node)
  }

  /** One call of the store: what it grants is told in no order. */
  call<T>(node: MemoryServer, run: () => T): T {
    this.#isInCall = true
    const value = run()
    this.#isInCall = false
    this.#judge(node)
    return value
  }

  #judge(node: MemoryServer): void {
    for (const { key, owner } of this.#grants.sort((a, b) => a.token - b.token)) this.#inOrder(node, key, owner)
    this.#grants.length = 0
  }

  #inOrder(node: MemoryServer, key: string, owner: string): void {
    const { checker } = this.#parts
    const overtaken = this.arrivals.overtaken(key, owner, node.machine.nowMs(), () => true)
    if (overtaken !== undefined) checker.fail('order of arrival', `${owner} was granted ${key} before ${overtaken}`)
  }

  releasing(key: string, owner: string): void {
    this.arrivals.leaves(key, owner)
  }

  released(owner: string, wasHeld: boolean): void {
    this.#parts.truth.released(owner, wasHeld)
  }
}
