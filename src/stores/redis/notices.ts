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
 * Tells listeners what other processes did to our holds. The connection for it is opened when somebody listens and a hold
 * has lasted for 50 ms: short holds and short scripts never pay for it. Failures are silent and tried again: notices
 * speed things up, and the `resync` after each opening makes up for what was missed.
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
  /** Tells an opening that has been overtaken by `#stop`. */
  #epoch = 0

  constructor(options: NoticesOptions) {
    this.#options = options
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

  stop(): void {
    this.#epoch++
    this.#wanted = false
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
    if (leftMs > 0) {
      this.#timer = this.#later(leftMs, () => this.#look())
      return
    }
    this.#wanted = true
    this.#young.clear()
    this.#start()
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
    this.emit({ type: 'resync' })
  }

  /** `revoked \n owner \n key`, the key as Redis knows it. What is not understood comes from a later version. */
  #read(text: string): void {
    const typeEnd = text.indexOf('\n')
    const ownerEnd = text.indexOf('\n', typeEnd + 1)
    const name = text.slice(ownerEnd + 1)
    const { keyPrefix } = this.#options
    if (ownerEnd === -1 || text.slice(0, typeEnd) !== 'revoked' || !name.startsWith(keyPrefix)) return
    this.emit({ type: 'revoked', key: name.slice(keyPrefix.length), owner: text.slice(typeEnd + 1, ownerEnd) })
  }

  #later(delayMs: number, run: () => void): Timer {
    const fire = (): void => {
      this.#timer = undefined
      run()
    }
    return this.#options.env.setTimer(fire, delayMs, false)
  }
}

const youngMs = 50
const retryMinMs = 50
const retryMaxMs = 5_000
