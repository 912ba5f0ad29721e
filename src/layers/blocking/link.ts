import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads'
import type { Env } from '../../core/env.js'
import { StoreError } from '../../core/errors.js'
import type { Notice } from '../../core/store.js'
import { hiderOf, textOf, unpackError } from './failure.js'
import type { Call, CallOf, Operation, Order, Results, ToMain, WorkerInput } from './messages.js'
import { Signal } from './signal.js'
import { SlotPool } from './slots.js'
import { workerUrl } from './worker-url.js'

export interface LinkOptions {
  readonly url: string
  readonly env: Env
  /** Told in the middle of a call too: it is to remember the notice, and to do nothing else. */
  readonly heard: (notice: Notice) => void
}

/** A thread takes 40 ms to start. */
const startLimitMs = 5_000
/** The first call has at least that long: the driver has to be loaded, which takes 0.1 s, and to connect. */
const firstCallMs = 1_000
/** A worker that does not even take a call is given up after that. */
const deafMs = 2_000

/** The main thread's way to one worker. Neither the worker nor its port keeps the process alive. */
export class Link {
  readonly slots: SlotPool
  readonly #env: Env
  readonly #heard: LinkOptions['heard']
  readonly #hide: (text: string) => string
  readonly #signal = new Signal()
  readonly #port: MessagePort
  readonly #worker: Worker
  #lastId = 0
  #served = false
  #deafSinceMs: number | undefined = undefined
  #clockOffsetMs = 0
  #ended = false
  /** Why it ended, as far as is known. */
  #failure: string | undefined = undefined

  /** @throws Error when there can be no thread */
  constructor({ url, env, heard }: LinkOptions) {
    this.#env = env
    this.#heard = heard
    this.#hide = hiderOf(url)
    const { port1, port2 } = new MessageChannel()
    this.#port = port1
    this.slots = new SlotPool((words) => this.order({ op: 'slots', words }))
    const workerData: WorkerInput = { url, port: port2, words: this.#signal.words }
    this.#worker = new Worker(workerUrl, { workerData, transferList: [port2], name: 'holdfast', ...ownArguments() })
    this.#worker.on('error', (error) => this.#fail(textOf(error)))
    this.#worker.on('exit', () => this.#fail('it ended'))
    port1.on('message', (message: ToMain) => void this.#read(message))
    this.#worker.unref()
    port1.unref() // after `on`, which refs it
  }

  get ended(): boolean {
    if (!this.#ended && this.#signal.hasEnded()) this.#fail('it ended')
    return this.#ended
  }

  get failure(): string {
    return this.#failure ?? 'it ended'
  }

  /**
   * Waits until the worker is up, and reads its clock. `performance.now()` counts from another origin in each thread, but
   * both read CLOCK_MONOTONIC: their difference never changes, so once is enough. The worker's clock was read after ours,
   * so that a time of the worker's comes out right or, by a message's flight (0.03 ms), too early, which ends a lease
   * early; never too late.
   * @throws StoreError
   */
  open(): void {
    this.#ask({ op: 'clock', id: 0 }, startLimitMs)
    const sentMs = this.#env.nowMs()
    this.#clockOffsetMs = sentMs - this.#ask({ op: 'clock', id: 0 }, startLimitMs)
  }

  /** Sleeps until the worker answers. @throws StoreError, InvalidOptionError */
  call<O extends Operation>(call: CallOf<O>, limitMs: number): Results[O] {
    const result = this.#ask(call, this.#served ? limitMs : Math.max(limitMs, firstCallMs))
    this.#served = true
    return result
  }

  order(order: Order): void {
    this.#port.postMessage(order)
  }

  /** When the worker renewed the hold of a slot last, by this thread's clock. */
  renewedAtMs(slot: number): number | undefined {
    const renewedMs = this.slots.read(slot)
    return renewedMs === undefined ? undefined : renewedMs + this.#clockOffsetMs
  }

  end(): void {
    this.#ended = true
    this.#port.close()
    void this.#worker.terminate()
  }

  #ask<O extends Operation>(call: CallOf<O>, limitMs: number): Results[O] {
    const id = (call.id = ++this.#lastId)
    const untilMs = this.#env.nowMs() + limitMs
    let count = this.#signal.count()
    this.#port.postMessage(call)
    for (;;) {
      const leftMs = untilMs - this.#env.nowMs()
      if (leftMs > 0) this.#signal.sleep(count, leftMs)
      count = this.#signal.count()
      const reply = this.#receive(id)
      if (reply !== undefined) {
        this.#deafSinceMs = undefined
        if ('error' in reply) throw unpackError(reply.error, this.#hide)
        return reply.value as Results[O] // the worker's answer to this call: `serve` gives what Results says
      }
      if (this.ended) throw this.#lost(call as Call)
      if (leftMs <= 0) throw this.#late(call as Call, limitMs)
    }
  }

  /** The answer with this number, if it has come. Earlier ones came too late, and are dropped. */
  #receive(id: number): Extract<ToMain, { id: number }> | undefined {
    for (;;) {
      const received = receiveMessageOnPort(this.#port) as { message: ToMain } | undefined
      if (received === undefined) return undefined
      const reply = this.#read(received.message)
      if (reply?.id === id) return reply
    }
  }

  #read(message: ToMain): Extract<ToMain, { id: number }> | undefined {
    if ('notice' in message) this.#heard(message.notice)
    else if ('failure' in message) this.#failure ??= this.#hide(message.failure)
    else return message
    return undefined
  }

  #late(call: Call, limitMs: number): StoreError {
    const operation = nameInErrors(call.op)
    const taken = this.#signal.hasTaken(call.id)
    this.#abandon(call)
    this.#deafSinceMs = taken ? undefined : (this.#deafSinceMs ?? this.#env.nowMs() - limitMs)
    if (this.#deafSinceMs !== undefined && this.#env.nowMs() - this.#deafSinceMs >= deafMs) {
      this.#fail(`it did not react within ${String(Math.round(limitMs))} ms`)
      return this.#lost(call)
    }
    const text = `no answer within ${String(Math.round(limitMs))} ms. Is the store reachable, and not overloaded?`
    return new StoreError(operation, text, { outcome: 'unknown' })
  }

  #abandon(call: Call): void {
    const request = call.op === 'acquire' ? call.request : call.op === 'release' ? call.next : undefined
    if (request === undefined) return
    this.order({ op: 'abandon', call: call.id, key: request.key, owner: request.owner })
  }

  #lost({ op, id }: Call): StoreError {
    const text = `the worker thread that asks the store is gone: ${this.failure}`
    return new StoreError(nameInErrors(op), text, { outcome: this.#signal.hasTaken(id) ? 'unknown' : 'not-applied' })
  }

  #fail(failure: string): void {
    if (this.#ended) return
    this.#failure ??= this.#hide(failure)
    this.end()
  }
}

/** A worker inherits Node's arguments, and refuses to run a file under `--input-type` (of `node -e`). */
function ownArguments(): { execArgv?: string[] } {
  return process.execArgv.some((argument) => argument.startsWith('--input-type')) ? { execArgv: [] } : {}
}

function nameInErrors(op: Operation): string {
  if (op === 'wasRevoked') return 'inspect'
  return op === 'clock' ? 'open' : op
}
