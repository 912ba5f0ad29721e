import type { Machine } from './machine.js'
import type { Marks } from './marks.js'
import type { MessageFaults, Options } from './options.js'
import type { Random } from './random.js'
import type { World } from './world.js'

/** What stands at the other end. */
export interface Node {
  readonly name: string
  /** It runs, and is not frozen. */
  readonly up: boolean
  /** What reached it while it was frozen; undefined: it is not. */
  readonly backlog: (() => void)[] | undefined
  /** When it has done what came before: one thing at a time. */
  freeAtMs: number
}

/** A connection for notices. */
export interface Socket {
  goneAtServer(): void
  gone(): void
}

export interface NetworkOptions extends Pick<Options, 'delayMs' | 'jitterMs' | 'ordered' | 'ttlMs'> {
  readonly messageFaults: MessageFaults
}

interface Caller<T> {
  readonly resolve: (value: T) => void
  readonly reject: (error: unknown) => void
  readonly fail: (error: Error) => void
  readonly told: boolean
}

/** How long a server takes for one call: two never bear the same microsecond. */
const serviceMs = 0.02

const reset = (): Error => Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })
/** Copies of what was sent before the faults were over come until then. */
const lateMs = 2_000
/** No message is on its way for longer than this. */
const slowestMs = 4_000

/** What ioredis says when it refuses to send. */
const notConnected = (): Error => new Error("Stream isn't writeable and enableOfflineQueue options is false")

/** One client's connection to a server, with everything that can befall it. */
export class Wire<N extends Node> {
  node: N
  readonly #world: World
  readonly #machine: Machine
  readonly #options: NetworkOptions
  readonly #random: Random
  readonly #marks: Marks
  readonly #pending = new Set<(error: Error) => void>()
  readonly #sockets = new Set<Socket>()
  #requestsLostUntilMs = 0
  #repliesLostUntilMs = 0
  #noticesLostUntilMs = 0
  #slowUntilMs = 0
  #downUntilMs = 0
  /** How often it was cut: what was sent before does not arrive on a connection of now. */
  cuts = 0
  #lastArrivalMs = 0
  #lastReplyMs = 0
  #healedMs = Infinity
  #isAbandoned = false

  constructor(world: World, machine: Machine, node: N, options: NetworkOptions, marks: Marks) {
    this.#world = world
    this.#machine = machine
    this.node = node
    this.#options = options
    this.#random = world.random.fork()
    this.#marks = marks
  }

  /** Sends a call; `run` happens at the server, its answer comes back, or not; `told`: a loss is noticed, sooner or later. */
  call<T>(run: (node: N) => T, told = false): Promise<T> {
    if (this.#world.nowMs < this.#downUntilMs) return Promise.reject(notConnected())
    return new Promise<T>((resolve, reject) => {
      const fail = (error: Error): void => {
        if (this.#pending.delete(fail)) this.#machine.receive(() => reject(error))
      }
      this.#pending.add(fail)
      const { node } = this
      if (this.#isLost(this.#requestsLostUntilMs, 'loseRequest')) {
        this.#forget(fail, told)
        return
      }
      this.#arrive(node, (atMs) => {
        if (!node.up) {
          this.#world.after(this.#delay(), () => fail(reset()))
          return
        }
        this.#answer(atMs, run, { resolve, reject, fail, told })
      })
      if (!told && this.#chance('duplicate')) {
        this.#world.after(this.#random.between(0, 2.5) * this.#options.ttlMs, () => this.#repeat(node, run))
      }
    })
  }

  /** A message that the server sends of its own accord. */
  push(run: () => void): void {
    const { nowMs } = this.#world
    if (
      nowMs < this.#downUntilMs ||
      this.#isLost(Math.max(this.#noticesLostUntilMs, this.#repliesLostUntilMs), 'loseNotice')
    ) {
      this.#marks.hit('notice lost')
      return
    }
    this.#world.after(this.#delay(), () => this.#machine.receive(run))
  }

  /** Both sides learn that the connections are gone; new ones take `downMs`. */
  cut(downMs: number): void {
    this.#downUntilMs = this.#world.nowMs + downMs
    this.cuts++
    for (const fail of [...this.#pending]) fail(reset())
    for (const socket of [...this.#sockets]) this.drop(socket)
  }

  /** A second connection is open: both ends hear of its end, once. */
  open(socket: Socket): void {
    this.#sockets.add(socket)
    if (this.#isAbandoned) this.close(socket)
  }

  /** Our side closes it. */
  close(socket: Socket): void {
    if (this.#sockets.delete(socket)) socket.goneAtServer()
  }

  /** It breaks: the server knows at once, the client a delay later. */
  drop(socket: Socket): void {
    if (!this.#sockets.delete(socket)) return
    socket.goneAtServer()
    this.#world.after(this.#delay(), () => this.#machine.receive(() => socket.gone()))
  }

  /** Its process is gone for good: what the server still has of it goes too. */
  abandon(): void {
    this.#isAbandoned = true
    for (const socket of [...this.#sockets]) this.close(socket)
  }

  get isUp(): boolean {
    return this.#world.nowMs >= this.#downUntilMs
  }

  lose(what: 'requests' | 'replies' | 'notices' | 'both', durationMs: number): void {
    const untilMs = this.#world.nowMs + durationMs
    if (what === 'requests' || what === 'both') this.#requestsLostUntilMs = untilMs
    if (what === 'replies' || what === 'both') this.#repliesLostUntilMs = untilMs
    if (what === 'notices') this.#noticesLostUntilMs = untilMs
  }

  slowDown(durationMs: number): void {
    this.#slowUntilMs = this.#world.nowMs + durationMs
  }

  /** From now on nothing goes wrong any more. */
  heal(): void {
    this.#healedMs = this.#world.nowMs
    this.#downUntilMs = 0
    this.#requestsLostUntilMs = 0
    this.#repliesLostUntilMs = 0
    this.#noticesLostUntilMs = 0
    this.#slowUntilMs = 0
  }

  #answer<T>(atMs: number, run: (node: N) => T, { resolve, reject, fail, told }: Caller<T>): void {
    const { node } = this
    let settle: () => void
    try {
      const value = run(node)
      settle = () => resolve(value)
    } catch (error) {
      settle = () => reject(error)
    }
    if (this.#isLost(this.#repliesLostUntilMs, 'loseReply')) {
      this.#marks.hit('reply lost')
      this.#forget(fail, told)
      return
    }
    const delayMs = atMs - this.#world.nowMs + this.#delay()
    const dueMs = this.#inOrder(this.#world.nowMs + delayMs, this.#lastReplyMs)
    this.#lastReplyMs = dueMs
    this.#world.after(dueMs - this.#world.nowMs, () => {
      if (this.#pending.delete(fail)) this.#machine.receive(settle)
    })
  }

  #repeat(node: N, run: (node: N) => unknown): void {
    if (!node.up || node.backlog !== undefined || this.#world.nowMs > this.#healedMs + lateMs) return
    this.#marks.hit('duplicate')
    try {
      run(node)
    } catch {
      // nobody hears the second answer
    }
  }

  /** A request reaches the server, now or when the frozen one goes on. */
  #arrive(node: N, run: (atMs: number) => void): void {
    const dueMs = this.#inOrder(this.#world.nowMs + this.#delay(), this.#lastArrivalMs)
    this.#lastArrivalMs = dueMs
    const begin = (): void => {
      if (node.backlog !== undefined) {
        node.backlog.push(begin)
        return
      }
      const atMs = Math.max(this.#world.nowMs, node.freeAtMs)
      node.freeAtMs = atMs + serviceMs
      this.#world.after(atMs - this.#world.nowMs, () => run(this.#world.nowMs))
    }
    this.#world.after(dueMs - this.#world.nowMs, begin)
  }

  /** A lost message: the caller hears nothing for ever, or, half the time, of a reset connection later. */
  #forget(fail: (error: Error) => void, told: boolean): void {
    if (told || this.#random.chance(0.5)) {
      this.#world.after(this.#random.between(1, this.#options.ttlMs), () => fail(reset()))
    }
  }

  #isLost(untilMs: number, rate: keyof MessageFaults): boolean {
    return this.#world.nowMs < untilMs || this.#chance(rate)
  }

  #chance(rate: keyof MessageFaults): boolean {
    return this.#healedMs === Infinity && this.#random.chance(this.#options.messageFaults[rate])
  }

  #delay(): number {
    const { delayMs, jitterMs, ttlMs } = this.#options
    let ms = delayMs + (jitterMs === 0 ? 0 : this.#random.next() * jitterMs)
    if (this.#world.nowMs < this.#slowUntilMs || this.#chance('slow'))
      ms += this.#random.next() * Math.min(ttlMs * 0.8, slowestMs)
    return ms
  }

  #inOrder(dueMs: number, lastMs: number): number {
    return this.#options.ordered ? Math.max(dueMs, lastMs) : dueMs
  }
}
