import { outcomeOf } from '../../../src/core/limited.js'
import { queueMs } from '../../../src/core/plan.js'
import type { AcquireRequest, Answer, AnswerToAll, AnyStore, Handoff, Store } from '../../../src/core/store.js'
import type { World } from '../world.js'
import { type Call, isLinearizable } from './linear.js'

/** Leases are longer than this, the first one of a waiter too, so that none ends by itself before. */
export const recordedMs = queueMs('network') - 100

/** Writes down what callers of the store saw during the first part of a world, to look for an order that explains it. */
export class Recorder {
  readonly #world: World
  readonly #calls = new Map<string, Call[]>()
  /** Requests that may be granted at any time: they stand in the queue, or nobody knows. */
  readonly #open = new Map<string, Call>()
  readonly #granted = new Set<string>()
  /** A release of theirs was answered. */
  readonly #letGo = new Set<string>()

  constructor(world: World) {
    this.#world = world
  }

  /** A key whose history no lock could have; undefined: none. */
  impossibleKey(): string | undefined {
    for (const [key, calls] of this.#calls) if (!isLinearizable(cut(calls))) return key
    return undefined
  }

  get calls(): number {
    let count = 0
    for (const calls of this.#calls.values()) count += calls.length
    return count
  }

  wrap(store: AnyStore): AnyStore {
    const inner = store as Store // only distant stores are recorded
    const release = async (key: string, owner: string, next?: AcquireRequest): Promise<boolean | Handoff> => {
      const entry = this.#begin(key, { owner, type: 'release' })
      if (next === undefined) return this.#settle(entry, inner.release(key, owner), (ok) => ok)
      const asked = this.#ask(next)
      const handoff = await this.#settle(entry, inner.release(key, owner, next), ({ released }) => released).catch(
        (error: unknown) => {
          this.#failed(asked, error)
          throw error
        },
      )
      this.#answered(asked, handoff.next, next)
      return handoff
    }
    const recorded: Partial<Record<keyof Store, unknown>> = {
      acquire: async (request: AcquireRequest) => {
        const asked = this.#ask(request)
        try {
          const answer = await inner.acquire(request)
          this.#answered(asked, answer, request)
          return answer
        } catch (error) {
          this.#failed(asked, error)
          throw error
        }
      },
      acquireAll: async (requests: readonly AcquireRequest[]) => {
        const asked = requests.map((request) => this.#ask(request))
        try {
          const answer = await inner.acquireAll?.(requests)
          for (const [at, call] of asked.entries())
            this.#answeredTogether(call, answer, { at, key: requests[at]?.key ?? '' })
          return answer
        } catch (error) {
          for (const call of asked) this.#failed(call, error)
          throw error
        }
      },
      renew: (key: string, owner: string, ttlMs: number) =>
        this.#settle(this.#begin(key, { owner, type: 'renew' }), inner.renew(key, owner, ttlMs), (ok) => ok),
      release,
      forceRelease: (key: string) =>
        this.#settle(this.#begin(key, { owner: '', type: 'force' }), inner.forceRelease(key), (ok) => ok),
      onNotice: (listener: Parameters<NonNullable<Store['onNotice']>>[0]) =>
        inner.onNotice?.((notice) => {
          if (notice.type === 'granted') this.#isGranted(notice.key, notice.owner, notice.token)
          listener(notice)
        }),
    }
    return new Proxy(inner, {
      get: (target, name: keyof Store) => {
        if (name in recorded) return recorded[name]
        const value: unknown = target[name]
        return typeof value === 'function' ? (value.bind(target) as unknown) : value
      },
    })
  }

  #begin(key: string, { owner, type }: Pick<Call, 'owner' | 'type'>, calledMs = this.#world.nowMs): Call {
    const call: Call = { owner, type, calledMs, returnedMs: Infinity, ok: undefined, token: 0 }
    if (call.calledMs > recordedMs) return call
    const calls = this.#calls.get(key)
    if (calls === undefined) this.#calls.set(key, [call])
    else calls.push(call)
    return call
  }

  async #settle<T>(call: Call, answer: Promise<T>, read: (value: T) => boolean): Promise<T> {
    const value = await answer
    call.returnedMs = this.#world.nowMs
    // who was never told that it holds, or let go before, may have left the queue, or held
    const sure = call.type === 'force' || (this.#granted.has(call.owner) && !this.#letGo.has(call.owner))
    if (call.type === 'release') this.#letGo.add(call.owner)
    call.ok = sure ? read(value) : undefined
    return value
  }

  #ask({ key, owner }: AcquireRequest): Call {
    return this.#begin(key, { owner, type: 'acquire' })
  }

  #answered(call: Call, answer: Answer, { key, queueMs: placeMs }: AcquireRequest): void {
    if (answer.granted) this.#know(call, answer.token)
    else if (placeMs === 0) {
      call.ok = false
      call.returnedMs = this.#world.nowMs
    } else if (this.#open.has(call.owner)) this.#drop(key, call)
    else this.#open.set(call.owner, call)
  }

  /** Where another key was in the way, nothing is known of this one. */
  #answeredTogether(call: Call, answer: AnswerToAll | undefined, { at, key }: { at: number; key: string }): void {
    if (answer?.granted === true) this.#know(call, answer.tokens[at] ?? 0)
    else if (answer?.index === at) {
      call.ok = false
      call.returnedMs = this.#world.nowMs
    } else this.#drop(key, call)
  }

  /** A notice tells of a grant to a request that stood in the queue. It may have been granted before that, too. */
  #isGranted(key: string, owner: string, token: number): void {
    const open = this.#open.get(owner)
    const calledMs = open?.calledMs
    if (calledMs === undefined || this.#granted.has(owner)) return
    const call = this.#begin(key, { owner, type: 'acquire' }, calledMs)
    this.#know(call, token)
  }

  #know(call: Call, token: number): void {
    this.#granted.add(call.owner)
    call.ok = true
    call.token = token
    call.returnedMs = this.#world.nowMs
  }

  #drop(key: string, call: Call): void {
    const calls = this.#calls.get(key) ?? []
    const at = calls.indexOf(call)
    if (at !== -1) calls.splice(at, 1)
  }

  #failed(call: Call, error: unknown): void {
    if (outcomeOf(error) === 'not-applied' && call.ok === undefined) call.ok = undefined
  }
}

/** What had not returned by the end is unknown. */
function cut(calls: readonly Call[]): Call[] {
  return calls
    .map((call) => (call.returnedMs <= recordedMs ? call : { ...call, ok: undefined, returnedMs: Infinity }))
    .filter(({ type, ok }) => type !== 'renew' || ok !== undefined)
}
