import { StaleTokenError } from '../../core/errors.js'

/** What the critical section works on, as one worker sees it: a row, a file, a counter. Others may write to it meanwhile. */
export interface SimulatedResource<T> {
  /** Its value. With a token, a check of tokens is simulated: see `write`. @throws StaleTokenError */
  read(token?: number): Promise<T>
  /**
   * Writes. With a token the resource remembers the largest that it has seen, and refuses a smaller one. Pass it to `read`
   * as well, if what is written depends on what was read.
   * @throws StaleTokenError
   */
  write(value: T, token?: number): Promise<void>
}

/** A write that a lock should have prevented. */
export interface StaleWrite {
  readonly resource: string
  /** Who wrote. */
  readonly worker: string
  /** What is wrong with it, in a sentence. */
  readonly reason: string
}

/** A worker in one of its rounds, as a resource knows it: compared by identity, so that a late write of an old round is one. */
export interface Visitor {
  readonly name: string
  /** What it holds now, as far as it knows: tokens by key. */
  holding(): ReadonlyMap<string, number>
  /** What it acquired last in this round, held or not: tokens by key. */
  readonly granted: ReadonlyMap<string, number>
}

interface Sight {
  readonly version: number
  readonly read: boolean
}

/** One resource of one run. Finds writes that overwrite what their writer has not seen, or that come after their successor's. */
export class Resource {
  readonly name: string
  value: unknown
  #version = 0
  #lastWriter = ''
  /** What each visitor saw last. */
  readonly #seen = new Map<Visitor, Sight>()
  /** The largest token with which each key was held by somebody who came here. */
  readonly #tokens = new Map<string, { readonly token: number; readonly visitor: Visitor }>()
  #checkedToken = 0

  constructor(name: string, value: unknown) {
    this.name = name
    this.value = structuredClone(value)
  }

  read(visitor: Visitor, token: number | undefined): unknown {
    this.#admit(visitor, token)
    this.#seen.set(visitor, { version: this.#version, read: true })
    return structuredClone(this.value)
  }

  write(visitor: Visitor, value: unknown, token: number | undefined): StaleWrite | undefined {
    if (token === undefined) this.#see(visitor)
    else this.#admit(visitor, token)
    const reason = this.#overwritten(visitor) ?? (token === undefined ? this.#outlived(visitor) : undefined)
    this.value = structuredClone(value)
    this.#version += 1
    this.#lastWriter = visitor.name
    this.#seen.set(visitor, { version: this.#version, read: false })
    return reason === undefined ? undefined : { resource: this.name, worker: visitor.name, reason }
  }

  #admit(visitor: Visitor, token: number | undefined): void {
    if (token !== undefined) {
      if (token < this.#checkedToken) throw new StaleTokenError(this.name, token, this.#checkedToken)
      this.#checkedToken = token
    }
    this.#see(visitor)
  }

  #see(visitor: Visitor): void {
    for (const [key, token] of visitor.holding()) {
      if (token > (this.#tokens.get(key)?.token ?? 0)) this.#tokens.set(key, { token, visitor })
    }
  }

  #overwritten(visitor: Visitor): string | undefined {
    const seen = this.#seen.get(visitor)
    if (seen?.read !== true || seen.version === this.#version) return undefined
    return `it wrote over what ${this.#lastWriter} had written since it read: that write is lost`
  }

  #outlived(visitor: Visitor): string | undefined {
    for (const [key, token] of visitor.granted) {
      const newest = this.#tokens.get(key)
      if (newest === undefined || newest.visitor === visitor || newest.token <= token) continue
      return `it held '${key}' no more: ${newest.visitor.name} has held it since, and was here`
    }
    return undefined
  }
}
