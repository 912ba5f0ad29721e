import type { Hold } from '../../../src/core/hold.js'
import type { Lease } from '../../../src/core/lease.js'
import { asksAlike, type Terms } from '../../../src/core/terms.js'
import type { Machine } from '../machine.js'
import type { Marks } from '../marks.js'
import type { World } from '../world.js'
import type { Truth } from './truth.js'

/** A lease that a client was given. */
export interface Held {
  readonly key: string
  readonly machine: Machine
  readonly hold: Hold
  readonly lease: Lease
  readonly limit: number
  readonly permits: number
  readonly grantedMs: number
  /** By its machine's clock. */
  readonly grantedNowMs: number
  wasActive: boolean
}

/** One acquisition, from its call. */
export interface Ask {
  readonly key: string
  readonly terms: Terms
  readonly machine: Machine
  /** The line it stands in: of one instance. */
  readonly line: object
  readonly calledMs: number
  /** The largest token that anybody had been given before the call. */
  readonly floor: number
  readonly waits: boolean
  settled: boolean
}

export interface Violation {
  readonly checker: string
  readonly detail: string
  readonly atMs: number
}

/** Looks on, and says what must not be. Everything here asks the library only what its users can. */
export class Checker {
  violation: Violation | undefined = undefined
  readonly #world: World
  readonly #truth: Truth
  readonly #marks: Marks
  readonly #held = new Map<string, Held[]>()
  readonly #overtaken: { first: Ask; by: string }[] = []
  readonly #aborted: Ask[] = []
  readonly #unsettled = new Set<string>()
  readonly #tokens = new Map<string, Set<number>>()
  readonly #highest = new Map<string, number>()
  /** The largest token that a protected thing has seen. */
  readonly #admitted = new Map<string, number>()
  /** Who waits, by instance and key, in order of arrival. */
  readonly #waiting = new Map<object, Map<string, Ask[]>>()

  constructor(world: World, truth: Truth, marks: Marks) {
    this.#world = world
    this.#truth = truth
    this.#marks = marks
  }

  fail(checker: string, detail: string): void {
    if (this.violation !== undefined) return
    this.violation = { checker, detail, atMs: this.#world.nowMs }
    this.#world.note(`VIOLATION ${checker}: ${detail}`)
  }

  asks({ machine, space: line }: { machine: Machine; space: object }, terms: Terms, waits: boolean): Ask {
    const { key } = terms
    const floor = this.#highest.get(key) ?? 0
    const ask = { key, terms, machine, line, calledMs: this.#world.nowMs, floor, waits, settled: false }
    if (waits) this.#lineOf(line, key).push(ask)
    return ask
  }

  /** It was refused, or failed, or was given up. */
  gaveUp(ask: Ask): void {
    ask.settled = true
    if (!ask.waits) return
    const line = this.#lineOf(ask.line, ask.key)
    const at = line.indexOf(ask)
    if (at !== -1) line.splice(at, 1)
  }

  /** Its user gave it up: he is told before anything else happens. */
  aborted(ask: Ask): void {
    this.#aborted.push(ask)
  }

  /** A forced release in the holder's own process has resolved. */
  forced(key: string, calledMs: number): void {
    for (const held of this.#held.get(key) ?? []) {
      if (held.grantedMs < calledMs && this.#truth.isVoid(held.hold.owner) && held.lease.active) {
        this.fail('revoked', `${held.hold.owner} was released by force in its own process and is active`)
      }
    }
  }

  /** Somebody has it and knows; where its own limit is over, the server counts on a little. */
  isHeld(key: string, owner: string): boolean {
    return (this.#held.get(key) ?? []).some(
      ({ hold }) => hold.owner === owner && (hold.ended === undefined || hold.ended === 'LOCK_EXPIRED'),
    )
  }

  /** Those of `key` who wait now and could be served. */
  waiting(key: string): Ask[] {
    const all: Ask[] = []
    for (const lines of this.#waiting.values()) {
      for (const ask of lines.get(key) ?? []) if (ask.machine.alive && !ask.machine.paused) all.push(ask)
    }
    return all
  }

  granted(ask: Ask, hold: Hold, lease: Lease): Held {
    const { key, machine } = ask
    const { limit, permits } = hold.terms
    const [first] = this.#lineOf(ask.line, key)
    // of several permits, those who ask for something else stand at the store beside them
    const inTurn = limit === 1 || (first !== undefined && asksAlike(first.terms, hold.terms))
    if (ask.waits && inTurn && first !== undefined && first !== ask) this.#overtaken.push({ first, by: hold.owner })
    if (ask.settled) this.fail('granted after the end', `${hold.owner} was granted after its wait had ended`)
    this.gaveUp(ask)
    const when = { grantedMs: this.#world.nowMs, grantedNowMs: machine.nowMs() }
    const held = { key, machine, hold, lease, limit, permits, ...when, wasActive: true }
    this.#keep(held)
    this.#world.note(`${machine.host} holds ${key} ${hold.owner} ${hold.token % 1e9}`)
    this.#checkToken(ask, hold)
    // in one process a forced release tells all holders before anybody's code runs, but one after the other
    if (hold.space.local) this.#unsettled.add(key)
    else this.exclusion(key)
    return held
  }

  /** In place of those of its key that have ended. */
  #keep(held: Held): void {
    const kept = [held]
    for (const other of this.#held.get(held.key) ?? []) if (other.wasActive && other.machine.alive) kept.push(other)
    this.#held.set(held.key, kept)
  }

  /** All promise jobs of a step have run. */
  settle(): void {
    if (this.#overtaken.length + this.#aborted.length > 0) this.#settleLines()
    if (this.#unsettled.size === 0) return
    for (const key of this.#unsettled) this.exclusion(key)
    this.#unsettled.clear()
  }

  #settleLines(): void {
    for (const { first, by } of this.#overtaken) {
      // whoever left the line in this step may not have been told before the next was
      if (!first.settled) this.fail('local order', `${by} overtook the first in the line of ${first.machine.host}`)
    }
    this.#overtaken.length = 0
    for (const ask of this.#aborted)
      if (!ask.settled) this.fail('abort', `${ask.machine.host} waits on though it gave up`)
    this.#aborted.length = 0
  }

  /** Observed exclusion, now, among those who can look at a clock. */
  exclusion(key: string): void {
    let taken = 0
    let active = 0
    for (const held of this.#held.get(key) ?? []) {
      if (!held.machine.alive || held.machine.paused || !this.look(held)) continue
      active++
      if (!held.machine.misled && !this.#truth.isVoid(held.hold.owner)) taken += held.permits
      if (taken > held.limit) this.fail('observed exclusion', `${key}: ${this.#names(key)} are active at once`)
    }
    if (active > 1) this.#marks.hit('several active')
  }

  exclusionOf(machine: Machine): void {
    for (const [key, all] of this.#held) if (all.some((held) => held.machine === machine)) this.exclusion(key)
  }

  /** What `lease.active` says, which never comes back once it was false, and agrees with the signal. */
  look(held: Held): boolean {
    const { lease, hold } = held
    const isActive = lease.active
    if (isActive && !held.wasActive) this.fail('active again', `${hold.owner} was not active, and is again`)
    held.wasActive = isActive
    if (isActive) {
      const { expireMs } = hold.terms
      if (this.#world.nowMs > this.#truth.factOf(hold.owner).toldByMs) this.fail('untold loss', hold.owner)
      const heldMs = held.machine.nowMs() - held.grantedNowMs
      if (expireMs !== undefined && heldMs > expireMs) this.fail('expire', `${hold.owner} is active after ${heldMs} ms`)
      return true
    }
    if (hold.ended === undefined) this.fail('ended without a reason', hold.owner)
    if (hold.ended !== 'LOCK_RELEASED' && !lease.signal.aborted) this.fail('silent end', `${hold.owner}: no signal`)
    return false
  }

  /** A write under the lease, at once: a fence must not refuse the one who holds. */
  act(held: Held): void {
    const { key, hold, limit } = held
    if (!this.look(held) || limit > 1) return
    const highest = this.#admitted.get(key) ?? 0
    const isVoid = this.#truth.isVoid(hold.owner) || this.#truth.tokensVoid || held.machine.misled
    if (isVoid) this.#marks.hit(hold.token < highest ? 'stale write refused' : 'write of a void hold')
    else if (hold.token >= highest) this.#admitted.set(key, hold.token)
    else this.fail('fence', `${hold.owner} holds, and its token ${hold.token} is below ${highest}`)
  }

  *all(): Iterable<Held> {
    for (const all of this.#held.values()) yield* all
  }

  forget(line: object): void {
    this.#waiting.delete(line)
  }

  #checkToken({ key, floor, calledMs }: Ask, { token, owner, terms }: Hold): void {
    if (!Number.isSafeInteger(token) || token < 1) this.fail('token', `${token} is no token`)
    if (this.#truth.isVoid(owner) || this.#truth.tokensVoid) return
    // of several permits, one may have been granted to the line before this waiter joined it, and others since
    const wasReady = terms.limit > 1 && this.#truth.factOf(owner).grantedAtMs < calledMs
    if (token <= floor && !wasReady) this.fail('token order', `${key}: ${token} after ${floor} had been given out`)
    let tokens = this.#tokens.get(key)
    if (tokens === undefined) this.#tokens.set(key, (tokens = new Set<number>()))
    if (tokens.has(token)) this.fail('token unique', `${key} ${token} was granted twice`)
    tokens.add(token)
    this.#highest.set(key, Math.max(this.#highest.get(key) ?? 0, token))
  }

  #names(key: string): string {
    const all = (this.#held.get(key) ?? []).filter(({ wasActive }) => wasActive)
    return all.map(({ hold, machine }) => `${hold.owner} of ${machine.host}`).join(', ')
  }

  #lineOf(of: object, key: string): Ask[] {
    let lines = this.#waiting.get(of)
    if (lines === undefined) this.#waiting.set(of, (lines = new Map<string, Ask[]>()))
    let line = lines.get(key)
    if (line === undefined) lines.set(key, (line = []))
    return line
  }
}
