import type { Driver, Shards } from './client.js'
import { isErrorReply, messageOf } from './failure.js'
import { slotOf } from './keys.js'
import { type ScriptCall, send } from './script-call.js'
import { scripts } from './scripts.js'

/** A request for one key. */
export interface Ask {
  readonly driver: Driver
  readonly key: string
  readonly keys: readonly string[]
  /** Those of acquirePool, also for a mutex. */
  readonly args: readonly string[]
}

export interface TogetherOptions {
  readonly keyPrefix: string
  readonly shards: Shards | undefined
}

interface Pending {
  readonly ask: Ask
  readonly resolve: (reply: unknown) => void
  readonly reject: (error: unknown) => void
}

/** So many keys cost a server 1.4 ms, in which it serves nobody else: 5.5 µs each, where one alone costs 30. */
const mostInOne = 250

/** Requests of one tick in one call; on a Cluster, one for each master. */
export class Together {
  readonly #options: TogetherOptions
  #batches = new Map<string, Pending[]>()
  #refused = false

  constructor(options: TogetherOptions) {
    this.#options = options
  }

  /** undefined: it has to be asked alone. Rejects with the client's error. */
  ask(ask: Ask): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#add({ ask, resolve, reject })
    })
  }

  /** Sends what was asked in this tick. */
  flush(): void {
    if (this.#batches.size === 0) return
    const batches = [...this.#batches.values()]
    this.#batches = new Map()
    for (const batch of batches) this.#send(batch)
  }

  #add(pending: Pending): void {
    const { shards, keyPrefix } = this.#options
    const owner = shards === undefined ? 'the only one' : shards.ownerOf(slotOf(keyPrefix + pending.ask.key))
    if (owner === undefined || this.#refused) {
      pending.resolve(undefined)
      return
    }
    if (this.#batches.size === 0) process.nextTick(() => this.flush())
    const batch = this.#batches.get(owner)
    if (batch === undefined) this.#batches.set(owner, [pending])
    else if (batch.push(pending) === mostInOne) {
      this.#batches.delete(owner)
      this.#send(batch)
    }
  }

  #send(batch: readonly Pending[]): void {
    const [first, second] = batch
    if (first === undefined) return
    if (second === undefined) {
      first.resolve(undefined)
      return
    }
    send(first.ask.driver, this.#callOf(batch)).then(
      (reply) => this.#answer(batch, reply),
      (error: unknown) => this.#fail(batch, error),
    )
  }

  #callOf(batch: readonly Pending[]): ScriptCall {
    const { shards, keyPrefix } = this.#options
    const script = scripts.acquireTogether
    const args = batch.flatMap(({ ask }) => ask.args)
    const keys = batch.flatMap(({ ask }) => ask.keys)
    if (shards === undefined) return { script, keys, args: ['KEYS', ...args] }
    return { script, keys: keys.slice(0, 1), args: ['ARGV', ...args, ...keys.map((name) => keyPrefix + name)] }
  }

  #answer(batch: readonly Pending[], reply: unknown): void {
    const replies: readonly unknown[] = Array.isArray(reply) ? reply : []
    const alone = batch.filter(({ resolve }, at) => {
      const failed = isFailed(replies[at])
      resolve(failed ? undefined : replies[at])
      return failed
    })
    if (alone.length > batch.length / 2) this.#refused = true
  }

  /** A server, or a proxy, that takes no such calls does not keep anybody from waiting. */
  #fail(batch: readonly Pending[], error: unknown): void {
    const answered = isErrorReply(error)
    if (answered && !isPassing(error)) this.#refused = true
    for (const { resolve, reject } of batch) {
      if (answered) resolve(undefined)
      else reject(error)
    }
  }
}

/** The server's state, not the form of the call. */
function isPassing(error: unknown): boolean {
  return /^(?:READONLY|LOADING|CLUSTERDOWN|MASTERDOWN|TRYAGAIN|BUSY|OOM|MOVED|ASK|NOREPLICAS|MISCONF)/.test(
    messageOf(error),
  )
}

function isFailed(reply: unknown): boolean {
  if (reply === undefined) return true
  const list: readonly unknown[] = Array.isArray(reply) ? reply : []
  const [first] = list
  return (first instanceof Uint8Array ? Buffer.from(first).toString() : first) === '#failed'
}
