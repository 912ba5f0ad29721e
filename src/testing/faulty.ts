import { realEnv } from '../core/env.js'
import type { Env, Timer } from '../core/env.js'
import { StoreError } from '../core/errors.js'
import type { Outcome } from '../core/errors.js'
import type { AcquireRequest, AnyStore, Handoff, Notice, NoticeListener, Store, ValuesOf } from '../core/store.js'

/** The calls of a store that can be made to fail. `acquireAll` is one, told by its first request. `get`, `set` and `delete` are those of its values. */
export type Operation =
  | 'acquire'
  | 'acquireAll'
  | 'renew'
  | 'release'
  | 'inspect'
  | 'list'
  | 'forceRelease'
  | 'wasRevoked'
  | 'resize'
  | 'get'
  | 'set'
  | 'delete'
  | 'close'

/** What goes wrong with one call. Several parts may be combined; `{}` is a call that goes well. */
export interface Fault {
  /** The request reaches the store this many milliseconds late. */
  readonly delayMs?: number
  /** The answer reaches the caller this many milliseconds late. */
  readonly replyDelayMs?: number
  /** The request never reaches the store. The caller hears nothing, see `rejectAfterMs`. */
  readonly request?: 'lost'
  /** The store does what was asked, and the caller hears nothing, see `rejectAfterMs`. */
  readonly reply?: 'lost'
  /**
   * After a loss: reject with a `StoreError` of outcome `unknown` this many milliseconds later. Default: the call does
   * not settle before `close()`, as on a black-holed socket.
   */
  readonly rejectAfterMs?: number
  /** The store gets the call twice in a row; the caller gets the second answer, as of a client that sent it again. */
  readonly repeat?: true
  /** A copy of the call reaches the store this many milliseconds after the first; nobody hears the answer. */
  readonly echoAfterMs?: number
  /** Rejects with a `StoreError` of this outcome; the request does not reach the store. */
  readonly fail?: Outcome
}

/** A call as it reached the store. */
export interface FaultyCall {
  readonly operation: Operation
  /** The key, or the prefix of `list`; absent for `close`. */
  readonly key?: string
  readonly owner?: string
}

/**
 * Which fault each call meets; undefined: none. `nth` counts the calls of the same operation, 1 is the first. Asked once
 * for each call that no `next` or `always` concerns.
 *
 * @example
 * const plan: FaultPlan = ({ operation }, nth) => (operation === 'renew' && nth > 2 ? { fail: 'unknown' } : undefined)
 */
export type FaultPlan = (call: FaultyCall, nth: number) => Fault | undefined

export interface FaultyOptions {
  /** Clocks and timers of the delays; default: the real ones. */
  readonly env?: Env
  /** Default: everything goes well until told otherwise. */
  readonly plan?: FaultPlan
}

/** A store that misbehaves on command. */
export interface FaultyStore extends Store {
  /** The next call of this operation, or the next `times`, meets the fault. Faults queue up in order. */
  next(operation: Operation, fault: Fault, times?: number): void
  /** Every call of this operation meets the fault, after those of `next`, until `heal()`. */
  always(operation: Operation, fault: Fault): void
  /** Notices get lost until `heal()`. */
  loseNotices(): void
  /** From now on everything goes well, whatever `next`, `always`, `loseNotices` and `plan` said. What is lost stays lost. */
  heal(): void
  /** What reached the store, in order, repetitions included. */
  readonly calls: readonly FaultyCall[]
}

/**
 * Wraps a store so that it delays, drops, repeats and fails: as the plan says, or on command. It keeps what the inner store
 * can do, save that it always answers with promises.
 *
 * @example
 * const store = faulty(memory(), ({ operation }) => (operation === 'renew' ? { fail: 'unknown' } : undefined))
 * const { lock } = createHoldfast({ store })
 *
 * @example
 * const store = faulty(memory())
 * store.next('acquire', { reply: 'lost', rejectAfterMs: 50 })   // executed, but the caller does not learn it
 * store.always('renew', { fail: 'unknown' })
 * store.heal()
 * store.calls.filter((call) => call.operation === 'renew').length
 */
export function faulty(inner: AnyStore, plan: FaultPlan | FaultyOptions = {}): FaultyStore {
  const faults = new Faults(typeof plan === 'function' ? { plan } : plan)
  // A sync store answers at once and is only ever awaited here.
  const store = inner as Store
  return {
    name: `faulty ${store.name}`,
    capabilities: { ...store.capabilities, sync: false },
    acquire: (request) => faults.call(callOf('acquire', request.key, request.owner), () => store.acquire(request)),
    renew: (key, owner, ttlMs) => faults.call(callOf('renew', key, owner), () => store.renew(key, owner, ttlMs)),
    release: releaseThrough(store, faults),
    inspect: (key) => faults.call(callOf('inspect', key), () => store.inspect(key)),
    list: (prefix, limit, cursor) => faults.call(callOf('list', prefix), () => store.list(prefix, limit, cursor)),
    forceRelease: (key) => faults.call(callOf('forceRelease', key), () => store.forceRelease(key)),
    close: () => {
      faults.endPending()
      return faults.call({ operation: 'close' }, () => store.close())
    },
    next: (operation, fault, times = 1) => faults.next(operation, fault, times),
    always: (operation, fault) => faults.always(operation, fault),
    loseNotices: () => faults.loseNotices(),
    heal: () => faults.heal(),
    calls: faults.calls,
    ...optionalParts(store, faults),
  }
}

/** What a store may leave out is left out here too. */
function optionalParts(store: Store, faults: Faults): Partial<Store> {
  const parts: { -readonly [Part in keyof Store]?: Store[Part] } = {}
  if (store.ready) parts.ready = (operation) => store.ready?.(operation)
  if (store.acquireAll) {
    parts.acquireAll = ([first, ...rest]) =>
      first === undefined
        ? Promise.resolve(undefined)
        : faults.call(callOf('acquireAll', first.key, first.owner), async () => store.acquireAll?.([first, ...rest]))
  }
  if (store.wasRevoked) {
    parts.wasRevoked = (key, owner) =>
      faults.call(callOf('wasRevoked', key, owner), async () => (await store.wasRevoked?.(key, owner)) ?? false)
  }
  if (store.resize) {
    parts.resize = (key, from, to) => faults.call(callOf('resize', key), async () => store.resize?.(key, from, to))
  }
  if (store.onNotice) {
    parts.onNotice = (listener) => store.onNotice?.((notice) => faults.tell(listener, notice)) ?? (() => undefined)
  }
  if (store.selfRenewal) parts.selfRenewal = store.selfRenewal
  if (store.values) parts.values = valuesThrough(store.values, faults)
  return parts
}

/** As over a wire: what was kept is answered with as it was then. */
function valuesThrough(values: ValuesOf<'async'>, faults: Faults): ValuesOf<'async'> {
  return {
    live: false,
    get: (key, exactly) =>
      faults.call(callOf('get', key), async () => {
        const found = await values.get(key, exactly)
        return found && { content: found.content, token: found.token, staleMs: found.staleMs }
      }),
    set: (key, value) => faults.call(callOf('set', key), async () => values.set(key, value)),
    delete: (key) => faults.call(callOf('delete', key), async () => values.delete(key)),
  }
}

function callOf(operation: Operation, key: string, owner?: string): FaultyCall {
  return owner === undefined ? { operation, key } : { operation, key, owner }
}

function releaseThrough(store: Store, faults: Faults): Store['release'] {
  function release(key: string, owner: string): Promise<boolean>
  function release(key: string, owner: string, next: AcquireRequest): Promise<Handoff>
  function release(key: string, owner: string, next?: AcquireRequest): Promise<boolean | Handoff> {
    return faults.call<boolean | Handoff>(callOf('release', key, owner), () =>
      next === undefined ? store.release(key, owner) : store.release(key, owner, next),
    )
  }
  return release
}

/** Which faults are due, which calls hang, and what reached the store. */
class Faults {
  readonly calls: FaultyCall[] = []
  readonly #env: Env
  #plan: FaultPlan | undefined
  readonly #asked = new Map<Operation, number>()
  readonly #queued = new Map<Operation, Fault[]>()
  readonly #standing = new Map<Operation, Fault>()
  /** Ends each call that waits for a timer or for ever. */
  readonly #pending = new Set<(reason: StoreError) => void>()
  readonly #echoes = new Set<Timer>()
  #losesNotices = false

  constructor(options: FaultyOptions) {
    this.#env = options.env ?? realEnv
    this.#plan = options.plan
  }

  next(operation: Operation, fault: Fault, times: number): void {
    const queue = this.#queued.get(operation) ?? []
    for (let count = 0; count < times; count += 1) queue.push(fault)
    this.#queued.set(operation, queue)
  }

  always(operation: Operation, fault: Fault): void {
    this.#standing.set(operation, fault)
  }

  loseNotices(): void {
    this.#losesNotices = true
  }

  heal(): void {
    this.#queued.clear()
    this.#standing.clear()
    this.#losesNotices = false
    this.#plan = undefined
  }

  tell(listener: NoticeListener, notice: Notice): void {
    if (!this.#losesNotices) listener(notice)
  }

  endPending(): void {
    for (const echo of this.#echoes) echo.clear()
    this.#echoes.clear()
    for (const end of [...this.#pending])
      end(new StoreError('close', 'the faulty store was closed', { outcome: 'unknown' }))
  }

  async call<T>(call: FaultyCall, send: () => Promise<T>): Promise<T> {
    const fault = this.#faultFor(call)
    if (fault.fail !== undefined) throw errorOf(call, 'failed on command', fault.fail)
    if (fault.delayMs !== undefined) await this.#pause(fault.delayMs)
    if (fault.request === 'lost') return this.#hang(call, fault)
    let answer = await this.#send(call, send)
    if (fault.repeat) answer = await this.#send(call, send)
    if (fault.echoAfterMs !== undefined) this.#echo(call, send, fault.echoAfterMs)
    if (fault.reply === 'lost') return this.#hang(call, fault)
    if (fault.replyDelayMs !== undefined) await this.#pause(fault.replyDelayMs)
    return answer
  }

  #faultFor(call: FaultyCall): Fault {
    const nth = (this.#asked.get(call.operation) ?? 0) + 1
    this.#asked.set(call.operation, nth)
    const told = this.#queued.get(call.operation)?.shift() ?? this.#standing.get(call.operation)
    return told ?? this.#plan?.(call, nth) ?? {}
  }

  #send<T>(call: FaultyCall, send: () => Promise<T>): Promise<T> {
    this.calls.push(call)
    return send()
  }

  #echo(call: FaultyCall, send: () => Promise<unknown>, afterMs: number): void {
    const timer = this.#env.setTimer(
      () => {
        this.#echoes.delete(timer)
        // Nobody is there to hear the answer, nor an error.
        new Promise((resolve) => resolve(this.#send(call, send))).catch(() => undefined)
      },
      afterMs,
      false,
    )
    this.#echoes.add(timer)
  }

  async #hang(call: FaultyCall, fault: Fault): Promise<never> {
    await this.#pause(fault.rejectAfterMs)
    throw errorOf(call, 'the answer was lost on command', 'unknown')
  }

  /** Without a time: until `close()`. */
  #pause(ms?: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = (settle: () => void): void => {
        timer?.clear()
        this.#pending.delete(end)
        settle()
      }
      const end = (reason: StoreError): void => done(() => reject(reason))
      // An answer under way on a socket keeps a process alive; one that never comes does not.
      const timer = ms === undefined ? undefined : this.#env.setTimer(() => done(resolve), ms, true)
      this.#pending.add(end)
    })
  }
}

function errorOf(call: FaultyCall, detail: string, outcome: Outcome): StoreError {
  return new StoreError(call.operation, detail, call.key === undefined ? { outcome } : { key: call.key, outcome })
}
