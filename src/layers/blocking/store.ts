import type { Env } from '../../core/env.js'
import { storeTimeoutMs } from '../../core/plan.js'
import type {
  AcquireRequest,
  Answer,
  Handoff,
  KeyPage,
  KeyRecord,
  Notice,
  NoticeListener,
  SelfRenewal,
  SyncStore,
  ValuesOf,
} from '../../core/store.js'
import { type Held, Holds } from './holds.js'
import type { Link } from './link.js'
import { Notices } from './notices.js'
import { noSlot } from './slots.js'
import { Thread } from './thread.js'

export interface BlockingStoreOptions {
  readonly url: string
  readonly env: Env
  readonly name: string
  readonly capabilities: SyncStore['capabilities']
  /** undefined: by the ttl. */
  readonly storeTimeoutMs: number | undefined
  /** What stands behind it keeps values, as text. */
  readonly keepsValues: boolean
  readonly resizes: boolean
}

/**
 * How long a release may block after a failed call of the same owner: it mostly comes from the core's clean-up, which
 * tries again in the background, and a silent store is not to stop the thread for it.
 */
const cleanUpMs = 100

/** The main thread's side: each call is one message to the worker, and sleep until its answer. */
export class BlockingStore implements SyncStore {
  readonly name: string
  readonly capabilities: SyncStore['capabilities']
  readonly selfRenewal: SelfRenewal
  readonly values?: ValuesOf<'sync'>
  readonly resize?: (key: string, from: number, to: number) => void
  readonly #options: BlockingStoreOptions
  readonly #thread: Thread
  readonly #holds = new Holds()
  readonly #notices: Notices
  /** Ended by the core, which the worker has to be told. */
  readonly #stopped: Held[] = []
  #stopping = false

  constructor(options: BlockingStoreOptions) {
    this.name = options.name
    this.capabilities = options.capabilities
    this.#options = options
    this.#notices = new Notices((notice) => this.#adopt(notice))
    this.#thread = new Thread({ ...options, heard: (notice) => this.#notices.heard(notice) })
    this.selfRenewal = {
      renewedAtMs: (key, owner) => renewedAtMs(this.#holds.get(key, owner)),
      stop: (key, owner) => this.#stop(key, owner),
    }
    if (options.keepsValues) this.values = this.#values()
    if (options.resizes) {
      this.resize = (key, from, to) => {
        this.#link('resize').call({ op: 'resize', id: 0, key, from, to }, this.#limitMs())
      }
    }
  }

  acquire(request: AcquireRequest): Answer {
    const link = this.#link('acquire')
    const limitMs = this.#limitMs(request.ttlMs)
    return this.#granting(link, request, {
      ask: (slot) => link.call({ op: 'acquire', id: 0, request, slot }, limitMs),
      answerOf: (answer) => answer,
    })
  }

  renew(key: string, owner: string, ttlMs: number): boolean {
    const held = this.#holds.get(key, owner)
    const limitMs = this.#limitMs(held?.ttlMs)
    const link = this.#link('renew')
    const sentMs = this.#options.env.nowMs()
    const leftMs = held?.ttlMs === undefined ? 0 : leasedMs(held) + held.ttlMs - sentMs
    // Not beyond the end of the lease: the loop has to be free to tell the loss.
    const shortMs = leftMs > 0 ? Math.min(limitMs, leftMs) : limitMs
    try {
      const renewed = link.call({ op: 'renew', id: 0, key, owner, ttlMs }, shortMs)
      this.#holds.trust(key, owner)
      if (renewed && held !== undefined) {
        held.ttlMs = ttlMs
        held.leasedMs = sentMs
      }
      return renewed
    } catch (error) {
      this.#holds.doubt(key, owner)
      throw error
    }
  }

  release(key: string, owner: string): boolean
  release(key: string, owner: string, next: AcquireRequest): Handoff
  release(key: string, owner: string, next?: AcquireRequest): boolean | Handoff {
    const held = this.#holds.get(key, owner)
    const longestMs = this.#limitMs(held?.ttlMs)
    const limitMs = this.#holds.isDoubtful(key, owner) ? Math.min(longestMs, cleanUpMs) : longestMs
    if (held !== undefined) this.#forget(held) // a release ends the renewals without being told
    try {
      const link = this.#link('release')
      const result =
        next === undefined
          ? link.call({ op: 'release', id: 0, key, owner, next, slot: noSlot }, limitMs)
          : this.#granting(link, next, {
              ask: (slot) => link.call({ op: 'release', id: 0, key, owner, next, slot }, limitMs),
              answerOf: (handoff) => (handoff as Handoff).next, // what a release with `next` is answered
            })
      this.#holds.trust(key, owner)
      return result
    } catch (error) {
      this.#holds.doubt(key, owner)
      throw error
    }
  }

  inspect(key: string): KeyRecord | undefined {
    return this.#link('inspect').call({ op: 'inspect', id: 0, key }, this.#limitMs())
  }

  list(prefix: string, limit: number, cursor?: string): KeyPage {
    return this.#link('list').call({ op: 'list', id: 0, prefix, limit, cursor }, this.#limitMs())
  }

  forceRelease(key: string): boolean {
    const released = this.#link('forceRelease').call({ op: 'forceRelease', id: 0, key }, this.#limitMs())
    this.#notices.deliver() // holders of this process are told before the call returns
    return released
  }

  wasRevoked(key: string, owner: string): boolean {
    const limitMs = this.#limitMs(this.#holds.get(key, owner)?.ttlMs)
    return this.#link('inspect').call({ op: 'wasRevoked', id: 0, key, owner }, limitMs)
  }

  onNotice(listener: NoticeListener): () => void {
    const unlisten = this.#notices.listen(listener)
    this.#thread.current?.order({ op: 'listen', on: true })
    return () => {
      unlisten()
      if (!this.#notices.listening) this.#thread.current?.order({ op: 'listen', on: false })
    }
  }

  close(): void {
    this.#thread.close()
  }

  #values(): ValuesOf<'sync'> {
    const limitMs = this.#limitMs()
    return {
      live: false,
      get: (key, exactly) => this.#link('get').call({ op: 'get', id: 0, key, exactly }, limitMs),
      set: (key, value) => this.#link('set').call({ op: 'set', id: 0, key, value }, limitMs),
      delete: (key) => this.#link('delete').call({ op: 'delete', id: 0, key }, limitMs),
    }
  }

  /** @throws StoreError */
  #link(operation: string): Link {
    this.#flush()
    return this.#thread.link(operation, (link) => {
      if (this.#notices.listening) link.order({ op: 'listen', on: true })
    })
  }

  #limitMs(ttlMs?: number | null): number {
    return this.#options.storeTimeoutMs ?? storeTimeoutMs(ttlMs ?? null)
  }

  /** Makes a call that may grant `request`; if it does, the worker writes its renewals into a slot. */
  #granting<T>(link: Link, request: AcquireRequest, how: { ask(slot: number): T; answerOf(result: T): Answer }): T {
    const { key, owner, ttlMs } = request
    if (ttlMs === null) return how.ask(noSlot)
    const before = this.#holds.get(key, owner)
    const again = before?.link === link
    const slot = again ? before.slot : link.slots.take()
    const sentMs = this.#options.env.nowMs()
    let result: T
    try {
      result = how.ask(slot)
    } catch (error) {
      if (!again) link.slots.giveBack(slot)
      this.#holds.doubt(key, owner)
      throw error
    }
    this.#holds.trust(key, owner)
    if (how.answerOf(result).granted) {
      if (before !== undefined && !again) this.#holds.remove(before)
      this.#holds.add({ key, owner, link, slot, ttlMs, leasedMs: sentMs })
    } else {
      if (before !== undefined) this.#holds.remove(before)
      if (!again) link.slots.giveBack(slot)
    }
    return result
  }

  /** The hold was granted out of a queue; the worker knows what it asked for. */
  #adopt(notice: Notice): void {
    const link = this.#thread.current
    if (notice.type !== 'granted' || link === undefined) return
    const { key, owner } = notice
    if (this.#holds.get(key, owner) !== undefined) return
    const slot = link.slots.take()
    this.#holds.add({ key, owner, link, slot, ttlMs: undefined, leasedMs: this.#options.env.nowMs() })
    link.order({ op: 'adopt', key, owner, slot })
  }

  /** Mostly a release follows at once, which says it too. */
  #stop(key: string, owner: string): void {
    const held = this.#holds.get(key, owner)
    if (held === undefined) return
    this.#stopped.push(held)
    if (this.#stopping) return
    this.#stopping = true
    queueMicrotask(() => {
      this.#stopping = false
      this.#flush()
    })
  }

  #flush(): void {
    for (let held = this.#stopped.pop(); held !== undefined; held = this.#stopped.pop()) {
      if (!held.link.ended) held.link.order({ op: 'stop', key: held.key, owner: held.owner })
      this.#holds.remove(held)
    }
  }

  #forget(held: Held): void {
    const at = this.#stopped.indexOf(held)
    if (at !== -1) this.#stopped.splice(at, 1)
    this.#holds.remove(held)
  }
}

function renewedAtMs(held: Held | undefined): number | undefined {
  return held?.link.renewedAtMs(held.slot)
}

function leasedMs(held: Held): number {
  return Math.max(held.leasedMs, renewedAtMs(held) ?? 0)
}
