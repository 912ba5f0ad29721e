import { LockLostError, type EndCode } from '../core/errors.js'
import type { Hold } from '../core/hold.js'
import type { Held } from '../core/lease.js'
import type { Space } from '../core/space.js'
import type { Terms } from '../core/terms.js'
import type { Scope } from './scope.js'

/** The one hold that the store knows of, and all who have a share of it. */
export class Root {
  readonly shares: Set<Share> = new Set<Share>()
  #hold: Hold
  #heard = false

  constructor(hold: Hold) {
    this.#hold = hold
  }

  get hold(): Hold {
    return this.#hold
  }

  /** Tells all shares at once when the hold is lost. */
  listen(): void {
    if (this.#heard) return
    this.#heard = true
    this.#hold.signal().addEventListener('abort', () => {
      for (const share of [...this.shares]) share.isActive()
    })
  }

  /** Goes on without the one that released it: same owner, same lease, same token. false: it is over. */
  pass(): boolean {
    const next = this.#hold.turnInto(this.#hold.terms)
    if (next === undefined) return false
    this.#hold = next
    this.#heard = false
    this.listen()
    return true
  }
}

/**
 * What an inner request has of a hold around it: it ends by itself or with the hold, and the store hears of neither. One
 * that outlives those around it takes their place, and the hold ends with the last.
 */
export class Share implements Held {
  readonly space: Space
  readonly terms: Terms
  readonly root: Root
  /** When it entered, on the wall clock. */
  readonly sinceMs: number
  ended: EndCode | undefined = undefined
  /** The scope that it entered; undefined: that has ended, and the hold is to be released with this share. */
  above: Scope | undefined
  /** The scope of its own body. */
  below: Scope | undefined = undefined
  #controller: AbortController | undefined = undefined
  #lost: LockLostError | undefined = undefined

  constructor(above: Scope, terms: Terms) {
    this.above = above
    this.root = above.root
    this.space = this.root.hold.space
    this.terms = terms
    this.sinceMs = this.space.env.wallMs()
    this.root.shares.add(this)
    this.root.listen()
  }

  get base(): Hold {
    return this.root.hold
  }

  get owner(): string {
    return this.root.hold.owner
  }

  get token(): number {
    return this.root.hold.token
  }

  isActive(strict = false): boolean {
    const { hold } = this.root
    if (this.ended === undefined && !hold.isActive(strict)) this.#end(hold.ended ?? 'LOCK_LOST', hold.lostError())
    return this.ended === undefined
  }

  remainingMs(): number {
    return this.isActive() ? this.root.hold.remainingMs() : 0
  }

  signal(): AbortSignal {
    this.isActive()
    this.#controller ??= new AbortController()
    if (this.#lost !== undefined) this.#controller.abort(this.#lost)
    return this.#controller.signal
  }

  lostError(): LockLostError {
    return this.#lost ?? new LockLostError(this.ended ?? 'LOCK_LOST', this.terms.key)
  }

  foundGone(code: EndCode): void {
    this.ended = code
    this.#lose(code)
  }

  leave(): Hold | boolean {
    if (!this.isActive()) return false
    const { above, below } = this
    const heir = below?.inside
    if (heir !== undefined) {
      heir.above = above
      above?.replace(heir)
    }
    this.#end('LOCK_RELEASED')
    return heir === undefined && above === undefined ? this.root.hold : true
  }

  #end(code: EndCode, cause?: Error): void {
    this.ended = code
    this.root.shares.delete(this)
    if (code !== 'LOCK_RELEASED') this.#lose(code, cause)
    this.below?.close()
    this.above?.left(this)
  }

  #lose(code: EndCode, cause?: Error): void {
    this.#lost = new LockLostError(code, this.terms.key, 'by the scope around it', { cause })
    this.#controller?.abort(this.#lost)
  }
}
