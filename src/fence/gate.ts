import { show } from '../core/duration.js'
import { InvalidOptionError, StaleTokenError } from '../core/errors.js'
import { checkHeld, checkNames, type Held } from './held.js'

export interface FenceGateOptions {
  /**
   * How many keys it remembers at most. Default 100,000. Beyond that it forgets the quarter with the oldest tokens; from then on a
   * key that it does not know is refused if its token is older than those forgotten. So nothing stale gets through, and a holder
   * that is refused in error gets through once it has acquired the key again.
   */
  readonly max?: number
}

/** Remembers the largest token of each key, in the memory of this process. */
export interface FenceGate {
  /**
   * Lets pass what is not older than the largest token seen of its key, and remembers it. Write in the same tick; a write that
   * takes longer belongs into {@link run}.
   * @throws StaleTokenError; InvalidOptionError when the token is none
   */
  admit(held: Held): void
  admit(key: string, token: number): void
  /**
   * Admits, and does the work once no work with an older token of the key is going on, which may come to an end first, but begin
   * no more. `signal` aborts with a StaleTokenError when a newer token comes.
   * @throws StaleTokenError as {@link admit}, and what the work throws
   */
  run<T>(held: Held, work: (signal: AbortSignal) => T | PromiseLike<T>): Promise<T>
  /** The largest token that it remembers of the key. */
  latest(key: string): number | undefined
}

/**
 * The checking half of fencing, for what lives in the memory of this process: a device, a file, a connection, a cache. It knows what
 * came through it since the process started, and nothing else: data that outlasts the process needs a guard where the data is.
 *
 * @example
 * const gate = fenceGate()
 * gate.admit(lease)   // throws StaleTokenError when a newer holder was here
 * @throws InvalidOptionError
 */
export function fenceGate(options: FenceGateOptions = {}): FenceGate {
  checkNames(options, ['max'], 'fenceGate')
  const { max = 100_000 } = options
  if (max !== Number.POSITIVE_INFINITY && (!Number.isSafeInteger(max) || max < 1)) {
    throw new InvalidOptionError(`max is ${show(max)}: give a whole number of keys from 1 on, or Infinity.`)
  }
  return new Gate(max)
}

/** Work that goes on. */
interface Running {
  readonly token: number
  readonly controller: AbortController
  readonly ended: Promise<void>
}

class Gate implements FenceGate {
  readonly #max: number
  readonly #latest = new Map<string, number>()
  readonly #running = new Map<string, Set<Running>>()
  /** The largest token that was forgotten. */
  #floor = 0

  constructor(max: number) {
    this.#max = max
  }

  admit(held: Held | string, given?: number): void {
    const { key, token } = checkHeld(typeof held === 'string' ? { key: held, token: given ?? Number.NaN } : held)
    const latest = this.#latest.get(key)
    if (latest === undefined && token < this.#floor) throw forgotten(key, token, this.#floor)
    if (latest !== undefined && token < latest) throw new StaleTokenError(key, token, latest)
    if (latest === token) return
    this.#latest.set(key, token)
    for (const older of this.#olderThan(key, token)) {
      older.controller.abort(new StaleTokenError(key, older.token, token))
    }
    if (this.#latest.size > this.#max) this.#forget()
  }

  async run<T>(held: Held, work: (signal: AbortSignal) => T | PromiseLike<T>): Promise<T> {
    const { key, token } = held
    this.admit(key, token)
    for (let older = this.#olderThan(key, token); older.length > 0; older = this.#olderThan(key, token)) {
      await Promise.all(older.map(({ ended }) => ended))
      this.admit(key, token)
    }
    const { signal, end } = this.#begin(key, token)
    try {
      return await work(signal)
    } finally {
      end()
    }
  }

  latest(key: string): number | undefined {
    return this.#latest.get(key)
  }

  #begin(key: string, token: number): { signal: AbortSignal; end: () => void } {
    let tell = (): void => undefined
    const ended = new Promise<void>((resolve) => (tell = resolve))
    const running: Running = { token, controller: new AbortController(), ended }
    const all = this.#running.get(key) ?? new Set()
    this.#running.set(key, all.add(running))
    const end = (): void => {
      all.delete(running)
      if (all.size === 0) this.#running.delete(key)
      tell()
    }
    return { signal: running.controller.signal, end }
  }

  #olderThan(key: string, token: number): Running[] {
    const all = this.#running.get(key)
    return all === undefined ? [] : [...all].filter((running) => running.token < token)
  }

  /** A quarter at once, so that sorting costs little for each key. */
  #forget(): void {
    const tokens = Float64Array.from(this.#latest.values()).sort()
    this.#floor = tokens[Math.floor((tokens.length - 1) / 4)] ?? this.#floor
    for (const [key, token] of this.#latest) if (token <= this.#floor) this.#latest.delete(key)
  }
}

function forgotten(key: string, token: number, floor: number): StaleTokenError {
  const detail = `the gate has forgotten tokens up to ${String(floor)} ({ max }), and cannot tell that this one is no older`
  return new StaleTokenError(key, token, undefined, detail)
}
