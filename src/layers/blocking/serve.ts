import type { Env } from '../../core/env.js'
import type { AcquireRequest, AnyStore, Answer, Handoff } from '../../core/store.js'
import { packError } from './failure.js'
import {
  type Call,
  type CallOf,
  nameOf,
  type Operation,
  type Order,
  type Results,
  type ToMain,
  type ToWorker,
} from './messages.js'
import { type LeaseGrant, Renewals } from './renewals.js'
import { Slots } from './slots.js'

export interface ServeOptions {
  readonly store: AnyStore
  readonly env: Env
  readonly post: (message: ToMain) => void
}

/** The worker's side: makes the calls that come in on `store`, posts the answers, and renews what was granted. */
export function serve(options: ServeOptions): (message: ToWorker) => void {
  const server = new Server(options)
  return (message) => server.take(message)
}

interface Queued {
  readonly request: AcquireRequest
  readonly ttlMs: number
  readonly untilMs: number
}

class Server {
  readonly #options: ServeOptions
  readonly #slots = new Slots()
  readonly #renewals: Renewals
  /** Calls whose grants somebody waits for. */
  readonly #awaited = new Set<number>()
  /** Requests that stand in a queue of the store, those that leave it first in front. */
  readonly #queued = new Map<string, Queued>()
  #unlisten: (() => void) | undefined = undefined

  constructor(options: ServeOptions) {
    this.#options = options
    this.#renewals = new Renewals({ ...options, slots: this.#slots })
  }

  take(message: ToWorker): void {
    if (!('id' in message)) {
      this.#obey(message)
      return
    }
    const { id, op } = message
    const { post } = this.#options
    this.#answer(message).then(
      (value) => post({ id, value }),
      (error: unknown) => post({ id, error: packError(error, op === 'wasRevoked' ? 'inspect' : op) }),
    )
  }

  #obey(order: Order): void {
    switch (order.op) {
      case 'slots':
        this.#slots.add(order.words)
        break
      case 'stop':
        this.#renewals.stop(order.key, order.owner)
        break
      case 'abandon':
        this.#awaited.delete(order.call)
        this.#renewals.stop(order.key, order.owner)
        break
      case 'adopt':
        this.#adopt(order)
        break
      case 'listen':
        this.#listen(order.on)
    }
  }

  async #answer(call: Call): Promise<Results[Operation]> {
    const { store, env } = this.#options
    switch (call.op) {
      case 'clock':
        return env.nowMs()
      case 'acquire':
        return this.#acquire(call)
      case 'renew':
        return this.#renew(call)
      case 'release':
        return this.#release(call)
      case 'inspect':
        return store.inspect(call.key)
      case 'list':
        return store.list(call.prefix, call.limit, call.cursor)
      case 'forceRelease':
        return store.forceRelease(call.key)
      case 'wasRevoked':
        return (await store.wasRevoked?.(call.key, call.owner)) ?? false
      case 'resize':
        await store.resize?.(call.key, call.from, call.to)
        return undefined
      case 'get':
        return store.values?.get(call.key, call.exactly)
      case 'set':
        return (await store.values?.set(call.key, call.value)) ?? false
      case 'delete':
        return (await store.values?.delete(call.key)) ?? false
    }
  }

  #acquire({ id, request, slot }: CallOf<'acquire'>): Promise<Answer> {
    return this.#granting(id, { request, slot }, async () => this.#options.store.acquire(request))
  }

  async #renew({ key, owner, ttlMs }: CallOf<'renew'>): Promise<boolean> {
    const { store, env } = this.#options
    const sentMs = env.nowMs()
    const renewed = await store.renew(key, owner, ttlMs)
    if (renewed) this.#renewals.extended(key, owner, { sentMs, ttlMs })
    else this.#renewals.stop(key, owner)
    return renewed
  }

  async #release({ id, key, owner, next, slot }: CallOf<'release'>): Promise<boolean | Handoff> {
    const { store } = this.#options
    this.#renewals.stop(key, owner)
    this.#queued.delete(nameOf(key, owner))
    if (next === undefined) return store.release(key, owner)
    let released = false
    const answer = await this.#granting(id, { request: next, slot }, async () => {
      const handoff = await store.release(key, owner, next)
      released = handoff.released
      return handoff.next
    })
    return { released, next: answer }
  }

  /** Makes a call that may grant `request`, and renews from then on. */
  async #granting(
    id: number,
    { request, slot }: { request: AcquireRequest; slot: number },
    call: () => Promise<Answer>,
  ): Promise<Answer> {
    const { env } = this.#options
    const { ttlMs } = request
    const sentMs = env.nowMs()
    this.#slots.clear(slot)
    if (ttlMs === null) return call()
    this.#awaited.add(id)
    try {
      const answer = await call()
      if (!this.#awaited.has(id)) return answer
      if (answer.granted) {
        this.#granted({ request, ttlMs, slot, sentMs })
        return answer
      }
      this.#renewals.stop(request.key, request.owner)
      if (request.queueMs > 0) this.#remember({ request, ttlMs, untilMs: sentMs + request.queueMs })
      return answer
    } finally {
      this.#awaited.delete(id)
    }
  }

  #granted(grant: LeaseGrant): void {
    this.#queued.delete(nameOf(grant.request.key, grant.request.owner))
    this.#renewals.begin(grant)
  }

  #remember(queued: Queued): void {
    const nowMs = this.#options.env.nowMs()
    for (const [name, { untilMs }] of this.#queued) {
      if (untilMs > nowMs) break
      this.#queued.delete(name)
    }
    const name = nameOf(queued.request.key, queued.request.owner)
    this.#queued.delete(name)
    this.#queued.set(name, queued)
  }

  /** Not at the notice itself: a main thread that never gets to hear it has no lease that it could end. */
  #adopt({ key, owner, slot }: Extract<Order, { op: 'adopt' }>): void {
    this.#slots.clear(slot)
    const queued = this.#queued.get(nameOf(key, owner))
    if (queued !== undefined) this.#granted({ ...queued, slot, sentMs: this.#options.env.nowMs() })
  }

  #listen(on: boolean): void {
    const { store, post } = this.#options
    if (on) this.#unlisten ??= store.onNotice?.((notice) => post({ notice }))
    else {
      this.#unlisten?.()
      this.#unlisten = undefined
    }
  }
}
