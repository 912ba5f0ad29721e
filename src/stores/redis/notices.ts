import type { Env, Timer } from '../../core/env.js'
import type { Notice, NoticeListener } from '../../core/store.js'
import type { Driver, Shards, Subscriber } from './client.js'
import { shardChannel } from './keys.js'
import { readToken } from './record.js'
import { ShardNotices } from './shard-notices.js'

export interface NoticesOptions {
  readonly env: Env
  /** Our channel is `holdfast:` and this; nobody else can guess it, and no two databases share it. */
  readonly wakeId: string
  readonly keyPrefix: string
  /** Rejects while there is no connection. */
  readonly driver: () => Promise<Driver>
  /** Of a Cluster only. */
  readonly shards: Shards | undefined
}

/** How a request can be told of its grant: by our channel, or by the sharded channel of its key. */
export type Way = 'channel' | 'shard'

/**
 * Tells listeners what other processes did to our holds and for our waiters. The connection for it is opened when a
 * request has to wait, or when somebody listens and a hold has lasted for 50 ms: short holds and short scripts never pay
 * for it. Failures are silent and tried again: notices speed things up, and the `resync` after each opening makes up for
 * what was missed.
 *
 * On a Cluster grants come by sharded channels, where there are any. Forced releases are rare, and stay on our one channel,
 * which every node forwards: a sharded channel for each hold would cost more than it saves.
 */
export class Notices {
  readonly #options: NoticesOptions
  readonly #listeners = new Set<NoticeListener>()
  /** When they were granted, oldest first: the young holds, until the connection is wanted. */
  readonly #young = new Map<string, number>()
  #wanted = false
  #timer: Timer | undefined = undefined
  #subscriber: Subscriber | undefined = undefined
  #failures = 0
  #isOpen = false
  #heardAtMs = Number.NEGATIVE_INFINITY
  #closed = false
  /** Those that wait for the first try to succeed or fail. */
  readonly #openings = new Set<(isOpen: boolean) => void>()
  /** Tells an opening that has been overtaken by `#stop`. */
  #epoch = 0
  readonly #shards: ShardNotices | undefined

  constructor(options: NoticesOptions) {
    this.#options = options
    const { env, shards } = options
    const onMessage = (text: string): void => this.#read(text)
    const onResync = (): void => this.emit({ type: 'resync' })
    this.#shards = shards && new ShardNotices({ env, shards, onMessage, onResync })
  }

  /** undefined: what would be granted to a waiter of ours would not be told. */
  wayTo(key: string): Way | undefined {
    const shards = this.#sharded()
    if (shards === undefined) return this.#isOpen ? 'channel' : undefined
    return shards.hears(this.#channelOf(key)) ? 'shard' : undefined
  }

  /** Opens the way to a waiter of `key`. */
  wantWay(key: string): void {
    const shards = this.#sharded()
    if (shards === undefined) this.want()
    else shards.want(this.#channelOf(key))
  }

  /** Resolves when it is known whether there is a way, `patienceMs` later at most; at once after a failure, while it is tried again. */
  async wayOpened(key: string, patienceMs: number): Promise<boolean> {
    const isOpen = await this.#sharded()?.opened(this.#channelOf(key), patienceMs)
    return this.#sharded() === undefined ? this.#opened(patienceMs) : isOpen === true
  }

  /** A message came of late, so the server that takes the calls is the one where we are subscribed. */
  get isHeard(): boolean {
    return this.#options.env.nowMs() - this.#heardAtMs < heardMs
  }

  /** Opens, if nothing is open or being opened. */
  want(): void {
    if (this.#wanted || this.#closed) return
    this.#wanted = true
    this.#young.clear()
    this.#timer?.clear()
    this.#timer = undefined
    this.#start()
  }

  listen(listener: NoticeListener): () => void {
    const own: NoticeListener = (notice) => listener(notice)
    this.#listeners.add(own)
    return () => {
      this.#listeners.delete(own)
      if (this.#listeners.size === 0) this.stop()
    }
  }

  granted(owner: string): void {
    if (this.#wanted || this.#listeners.size === 0) return
    this.#young.set(owner, this.#options.env.nowMs())
    this.#timer ??= this.#later(youngMs, () => this.#look())
  }

  ended(owner: string): void {
    if (!this.#wanted) this.#young.delete(owner)
  }

  emit(notice: Notice): void {
    for (const listener of this.#listeners) listener(notice)
  }

  /** For good: the answer to a call that was under way opens nothing any more. */
  close(): void {
    this.#closed = true
    this.stop()
  }

  stop(): void {
    this.#epoch++
    this.#shards?.stop()
    this.#wanted = false
    this.#failures = 0
    this.#settle(false)
    this.#young.clear()
    this.#timer?.clear()
    this.#timer = undefined
    this.#subscriber?.close()
    this.#subscriber = undefined
  }

  /** The sharded channels, where there are any and the servers know them. */
  #sharded(): ShardNotices | undefined {
    return this.#shards?.refused === true ? undefined : this.#shards
  }

  #channelOf(key: string): string {
    return shardChannel(key, this.#options.keyPrefix, this.#options.wakeId)
  }

  #opened(patienceMs: number): Promise<boolean> {
    this.want()
    if (this.#isOpen || this.#failures > 0 || this.#closed) return Promise.resolve(this.#isOpen)
    return new Promise((resolve) => {
      const settle = (isOpen: boolean): void => {
        this.#openings.delete(settle)
        timer.clear()
        resolve(isOpen)
      }
      const giveUp = (): void => {
        this.#failures++
        settle(false)
      }
      const timer = this.#options.env.setTimer(giveUp, patienceMs, true)
      this.#openings.add(settle)
    })
  }

  #look(): void {
    const [oldestMs] = this.#young.values()
    if (oldestMs === undefined) return
    const leftMs = oldestMs + youngMs - this.#options.env.nowMs()
    if (leftMs > 0) this.#timer = this.#later(leftMs, () => this.#look())
    else this.want()
  }

  #settle(isOpen: boolean): void {
    this.#isOpen = isOpen
    this.#heardAtMs = Number.NEGATIVE_INFINITY
    for (const settle of this.#openings) settle(isOpen)
  }

  #start(): void {
    const epoch = this.#epoch
    this.#open(epoch).catch(() => {
      if (epoch === this.#epoch) this.#startLater()
    })
  }

  #startLater(): void {
    this.#subscriber?.close()
    this.#subscriber = undefined
    const pauseMs = Math.min(retryMinMs * 2 ** this.#failures++, retryMaxMs)
    this.#settle(false)
    this.#timer = this.#later(pauseMs * (1 - this.#options.env.random() / 2), () => this.#start())
  }

  async #open(epoch: number): Promise<void> {
    const { wakeId, driver } = this.#options
    const found = await driver()
    const subscriber = await found.subscriber(() => this.#startLater())
    if (epoch !== this.#epoch) return
    this.#subscriber = subscriber
    await subscriber.open(`holdfast:${wakeId}`, (text) => this.#read(text))
    if (epoch !== this.#epoch) return
    this.#failures = 0
    this.#settle(true)
    this.emit({ type: 'resync' })
  }

  /** `revoked \n owner \n key` or `granted \n owner \n token \n key`, the key as Redis knows it. What is not understood comes from a later version. */
  #read(text: string): void {
    const [, revoked, granted, given = '', name] = messageForm.exec(text) ?? []
    const { keyPrefix } = this.#options
    if (!name?.startsWith(keyPrefix)) return
    const key = name.slice(keyPrefix.length)
    if (revoked !== undefined) this.emit({ type: 'revoked', key, owner: revoked })
    const token = readToken(given)
    if (granted === undefined || token === undefined) return
    this.#heardAtMs = this.#options.env.nowMs()
    this.granted(granted)
    this.emit({ type: 'granted', key, owner: granted, token })
  }

  #later(delayMs: number, run: () => void): Timer {
    const fire = (): void => {
      this.#timer = undefined
      run()
    }
    return this.#options.env.setTimer(fire, delayMs, false)
  }
}

const messageForm = /^(?:revoked\n([^\n]+)|granted\n([^\n]+)\n(\d+))\n([^]*)$/
const youngMs = 50
/** After a failover the other end may be silent for long, without an end of the connection. */
const heardMs = 5_000
const retryMinMs = 50
const retryMaxMs = 5_000
