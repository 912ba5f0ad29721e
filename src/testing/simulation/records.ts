import type {
  AcquireRequest,
  Answer,
  Handoff,
  KeyPage,
  KeyRecord,
  Notice,
  NoticeListener,
  SyncStore,
  ValuesOf,
} from '../../core/store.js'
import { memory } from '../../stores/memory/memory.js'
import type { VirtualEnv } from '../virtual-env.js'

/** What a modelled server knows. It can forget: one key, or everything. Its tokens grow all the same, by its clock. */
export class Records implements SyncStore {
  readonly name = 'records'
  readonly capabilities: SyncStore['capabilities']
  readonly values: ValuesOf<'sync'> = {
    live: false,
    get: (key, exactly) => this.#kept.values?.get(key, exactly),
    set: (key, value) => this.#kept.values?.set(key, value) ?? false,
    delete: (key) => this.#kept.values?.delete(key) ?? false,
  }
  /** The longest lease that was asked for. */
  longestTtlMs = 0
  readonly #time: VirtualEnv
  readonly #listeners = new Set<NoticeListener>()
  #kept: SyncStore
  #forgetting = false

  constructor(time: VirtualEnv) {
    this.#time = time
    this.#kept = this.#empty()
    this.capabilities = this.#kept.capabilities
  }

  /** Forgets who holds the key and tells nobody, as an eviction does. false: nobody held it. */
  forget(key: string): boolean {
    this.#forgetting = true
    const forgotten = this.#kept.forceRelease(key)
    this.#forgetting = false
    return forgotten
  }

  /** Forgets everything, as a restart without data does. */
  restart(): void {
    this.#kept.close()
    this.#kept = this.#empty()
  }

  /** Tells its clients that they may have missed something, as a new connection does. */
  resync(): void {
    this.#tell({ type: 'resync' })
  }

  acquire(request: AcquireRequest): Answer {
    this.longestTtlMs = Math.max(this.longestTtlMs, request.ttlMs ?? 0)
    return this.#kept.acquire(request)
  }

  renew(key: string, owner: string, ttlMs: number): boolean {
    return this.#kept.renew(key, owner, ttlMs)
  }

  release(key: string, owner: string): boolean
  release(key: string, owner: string, next: AcquireRequest): Handoff
  release(key: string, owner: string, next?: AcquireRequest): boolean | Handoff {
    return next === undefined ? this.#kept.release(key, owner) : this.#kept.release(key, owner, next)
  }

  inspect(key: string): KeyRecord | undefined {
    return this.#kept.inspect(key)
  }

  list(prefix: string, limit: number, cursor?: string): KeyPage {
    return this.#kept.list(prefix, limit, cursor)
  }

  forceRelease(key: string): boolean {
    return this.#kept.forceRelease(key)
  }

  resize(key: string, from: number, to: number): void {
    this.#kept.resize?.(key, from, to)
  }

  onNotice(listener: NoticeListener): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  close(): void {
    this.#kept.close()
    this.#listeners.clear()
  }

  #empty(): SyncStore {
    const records = memory({ env: this.#time })
    records.onNotice?.((notice) => {
      if (!(this.#forgetting && notice.type === 'revoked')) this.#tell(notice)
    })
    return records
  }

  #tell(notice: Notice): void {
    for (const listener of this.#listeners) listener(notice)
  }
}
