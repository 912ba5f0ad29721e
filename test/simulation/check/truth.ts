import type { World } from '../world.js'

/** What is known of one owner, from the servers' side. */
export interface Fact {
  /** When it was granted something last, and where. */
  grantedAtMs: number
  /** A fault took its hold away behind its back, or granted it where nobody should: exclusion is not promised to it. */
  isVoid: boolean
  /** When a release of it was done last, and when one found nothing. */
  releasedAtMs: number
  /** When its user began to release it last. */
  letGoAtMs: number
  refusedReleaseAtMs: number
  /** How much of its lease was left when it was released. */
  leftMs: number
  renewals: number
  /** When a renewal was asked for last. */
  renewedAtMs: number
  /** How often a renewal was refused. */
  refusals: number
  /** By then its holder has heard of that. */
  toldByMs: number
  /** Whose hold it took over. */
  adoptedFrom?: string
}

/** Everything the servers did, as no client can know it. */
export class Truth {
  readonly facts = new Map<string, Fact>()
  /** A server's clock was stepped, and records were lost: tokens are not promised to grow any more. */
  clockStepped = false
  recordsLost = false
  /** How much longer than its lease a record may stand, as a server's clock went back. */
  steppedBackMs = 0
  readonly #world: World

  constructor(world: World) {
    this.#world = world
  }

  get tokensVoid(): boolean {
    return this.clockStepped && this.recordsLost
  }

  granted(owner: string, token: number, isVoid: boolean): void {
    const fact = this.factOf(owner)
    fact.grantedAtMs = this.#world.nowMs
    if (isVoid) fact.isVoid = true
    this.#world.note(`server grants ${owner} ${token % 1e9}${isVoid ? ' (void)' : ''}`)
  }

  released(owner: string, wasHeld: boolean): void {
    const fact = this.factOf(owner)
    if (wasHeld) fact.releasedAtMs = this.#world.nowMs
    else fact.refusedReleaseAtMs = this.#world.nowMs
  }

  /** How often it was renewed since its grant. */
  renewed(owner: string): number {
    const fact = this.factOf(owner)
    fact.renewedAtMs = this.#world.nowMs
    return ++fact.renewals
  }

  makeVoid(owners: Iterable<string>): void {
    for (const owner of owners) this.factOf(owner).isVoid = true
  }

  isVoid(owner: string): boolean {
    return this.facts.get(owner)?.isVoid ?? false
  }

  factOf(owner: string): Fact {
    let fact = this.facts.get(owner)
    if (fact === undefined) {
      fact = {
        grantedAtMs: -1,
        isVoid: false,
        releasedAtMs: -1,
        letGoAtMs: -1,
        refusedReleaseAtMs: -1,
        leftMs: 0,
        renewals: 0,
        renewedAtMs: -1e9,
        refusals: 0,
        toldByMs: Infinity,
      }
      this.facts.set(owner, fact)
    }
    return fact
  }
}
