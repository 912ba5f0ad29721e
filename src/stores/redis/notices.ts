import type { Env, Timer } from '../../core/env.js'
import type { Notice, NoticeListener } from '../../core/store.js'
import type { Driver, Subscriber } from './client.js'

export interface NoticesOptions {
  readonly env: Env
  /** Our channel is `holdfast:` and this; nobody else can guess it, and no two databases share it. */
  readonly wakeId: string
  readonly keyPrefix: string
  /** Rejects while there is no connection. */
  readonly driver: () => Promise<Driver>
}

/**
 * Tells listeners what other processes did to our holds and for our waiters. The connection for it is opened when a
 * request has to wait, or when somebody listens and a hold has lasted for 50 ms: short holds and short scripts never pay
 * for it. Failures are silent and tried again: notices speed things up, and the `resync` after each opening makes up for
 * what was missed.
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
  #closed = false
  /** Those that wait for the first try to succeed or fail. */
  readonly #openings = new Set<(isOpen: boolean) => void>()
  /** Tells an opening that has been overtaken by `#stop`. */
  #epoch = 0

  constructor(options: NoticesOptions) {
    this.#options = options
  }

  /** Subscribed: what is granted to a waiter of ours is told. */
  get isOpen(): boolean {
    return this.#isOpen
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

  /** Resolves when it is known whether it is open, `patienceMs` later at most; at once after a failure, while it is tried again. */
  opened(patienceMs: number): Promise<boolean> {
    this.want()
    if (this.#isOpen || this.#failures > 0 || this.#closed) return Promise.resolve(this.#isOpen)
    return new Promise((resolve) => {
      const settle = (isOpen: boolean): void => {
        this.#openings.delete(settle)
        timer.clear()
        resolve(isOpen)
      }
      const timer = this.#options.env.setTimer(
        () => {
          this.#failures++
          settle(false)
        },
        patienceMs,
        true,
      )
      this.#openings.add(settle)
    })
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
    this.#wanted = false
    this.#failures = 0
    this.#settle(false)
    this.#young.clear()
    this.#timer?.clear()
    this.#timer = undefined
    this.#subscriber?.close()
    this.#subscriber = undefined
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
    const [, revoked, granted, token, name] = messageForm.exec(text) ?? []
    const { keyPrefix } = this.#options
    if (!name?.startsWith(keyPrefix)) return
    const key = name.slice(keyPrefix.length)
    if (revoked !== undefined) this.emit({ type: 'revoked', key, owner: revoked })
    if (granted !== undefined) this.emit({ type: 'granted', key, owner: granted, token: Number(token) })
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
const retryMinMs = 50
const retryMaxMs = 5_000
