import { realEnv } from '../core/env.js'
import type { Hold } from '../core/hold.js'
import { Holds } from '../core/holds.js'
import { Space } from '../core/space.js'
import type { AcquireRequest, AnyStore } from '../core/store.js'
import type { Terms } from '../core/terms.js'
import { Instance } from '../features/instance.js'
import type { HoldfastOptions, ParsedOptions } from '../features/options.js'

/** Hears of every hold in the moment in which it begins or ends. */
export interface Observer {
  acquired(hold: Hold): void
  /** `hold.ended` says how. */
  ended(hold: Hold): void
}

export type ObservedOptions = Omit<HoldfastOptions, 'store' | 'stores'> & { readonly store: AnyStore }

/** An instance whose holds are watched, whichever way they come about. Each alias of a store is the one store. */
export class ObservedInstance extends Instance {
  readonly #space: ObservedSpace
  readonly #given = new WeakMap<Terms, ParsedOptions>()

  constructor(options: ObservedOptions, observer: Observer) {
    super(options)
    this.#space = new ObservedSpace(options, observer)
  }

  override spaceOf(): Space {
    return this.#space
  }

  override termsOf(key: string, options: ParsedOptions, store: AnyStore): Terms {
    const terms = super.termsOf(key, options, store)
    this.#given.set(terms, options)
    return terms
  }

  /** What the user asked for; undefined: it was not asked for here. */
  optionsOf(terms: Terms): ParsedOptions | undefined {
    return this.#given.get(terms)
  }

  /** Whose request it is that came to the store. */
  termsBehind(request: AcquireRequest): Terms | undefined {
    return this.#space.termsBehind(request)
  }

  /** What is held now. */
  holds(): Hold[] {
    return this.#space.holds.all()
  }

  protected override spaces(): Space[] {
    return [...super.spaces(), this.#space]
  }
}

class ObservedSpace extends Space {
  override readonly holds: Holds<Hold>
  readonly #requests = new WeakMap<AcquireRequest, Terms>()

  constructor({ env = realEnv, store, logger }: ObservedOptions, observer: Observer) {
    super(env, store, logger)
    this.holds = new ObservedHolds(observer)
  }

  override requestOf(...args: Parameters<Space['requestOf']>): AcquireRequest {
    const request = super.requestOf(...args)
    this.#requests.set(request, args[0])
    return request
  }

  termsBehind(request: AcquireRequest): Terms | undefined {
    return this.#requests.get(request)
  }
}

class ObservedHolds extends Holds<Hold> {
  readonly #observer: Observer

  constructor(observer: Observer) {
    super()
    this.#observer = observer
  }

  override push(hold: Hold): void {
    super.push(hold)
    this.#observer.acquired(hold)
  }

  override remove(hold: Hold): void {
    super.remove(hold)
    this.#observer.ended(hold)
  }
}
