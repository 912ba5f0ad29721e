import type {
  AcquireRequest,
  Answer,
  Handoff,
  KeyPage,
  KeyRecord,
  NoticeListener,
  SyncStore,
  ValuesOf,
} from '../core/store.js'

export interface Judge {
  /** Asked before each request. May throw instead. */
  judge(request: AcquireRequest): 'refused' | undefined
  /** A request was refused that does not queue up. */
  refused(request: AcquireRequest): void
}

/** A store whose grants need the consent of a test. */
export class FakeStore implements SyncStore {
  readonly name = 'fake'
  readonly capabilities: SyncStore['capabilities']
  readonly values?: ValuesOf<'sync'>
  readonly #records: SyncStore
  readonly #judge: Judge

  constructor(records: SyncStore, judge: Judge) {
    this.#records = records
    this.#judge = judge
    if (records.values) this.values = records.values
    // Not the process's own memory, as far as the core can tell: so each request comes here, and comes once.
    this.capabilities = { ...records.capabilities, scope: 'machine' }
  }

  acquire(request: AcquireRequest): Answer {
    const answer: Answer =
      this.#judge.judge(request) === undefined ? this.#records.acquire(request) : { granted: false }
    if (!answer.granted && request.queueMs === 0) this.#judge.refused(request)
    return answer
  }

  renew(key: string, owner: string, ttlMs: number): boolean {
    return this.#records.renew(key, owner, ttlMs)
  }

  release(key: string, owner: string): boolean
  release(key: string, owner: string, next: AcquireRequest): Handoff
  release(key: string, owner: string, next?: AcquireRequest): boolean | Handoff {
    const released = this.#records.release(key, owner)
    return next === undefined ? released : { released, next: this.acquire(next) }
  }

  inspect(key: string): KeyRecord | undefined {
    return this.#records.inspect(key)
  }

  list(prefix: string, limit: number, cursor?: string): KeyPage {
    return this.#records.list(prefix, limit, cursor)
  }

  forceRelease(key: string): boolean {
    return this.#records.forceRelease(key)
  }

  resize(key: string, from: number, to: number): void {
    this.#records.resize?.(key, from, to)
  }

  onNotice(listener: NoticeListener): () => void {
    return this.#records.onNotice?.(listener) ?? (() => undefined)
  }

  close(): void {
    this.#records.close()
  }
}
