import type { KeptValue, NewValue } from '../../src/core/store.js'
import type { Reference } from './reference-store.js'

export interface Value extends NewValue {
  readonly setAtMs: number
  gone: boolean
}

/** What the contract says of values; every decision a method of its own, as in {@link Reference}. */
export class ReferenceValues {
  readonly kept = new Map<string, Value>()
  /** The token of the last deletion of each key. */
  readonly deleted = new Map<string, number>()
  readonly records: Reference

  constructor(records: Reference) {
    this.records = records
  }

  nowMs(): number {
    return performance.now()
  }

  fold(key: string): string {
    return key
  }

  isStale({ token }: NewValue, before: number | undefined): boolean {
    return before !== undefined && before > token
  }

  tokenOfDeletion(): number {
    return this.records.lastToken + 5
  }

  staleMs({ setAtMs, freshMs, staleMs, gone }: Value): number {
    const lateMs = this.nowMs() - setAtMs - (freshMs ?? Infinity)
    return gone || lateMs >= staleMs ? Infinity : Math.max(lateMs, 0)
  }

  find(key: string): Value | undefined {
    const value = this.kept.get(this.fold(key))
    return value === undefined || this.staleMs(value) === Infinity ? undefined : value
  }

  get(key: string, _exactly?: boolean): KeptValue | undefined {
    const value = this.find(key)
    return value && { content: value.content, token: value.token, staleMs: this.staleMs(value) }
  }

  liveOne(key: string): KeptValue | undefined {
    const value = this.find(key)
    if (value === undefined) return undefined
    const staleMs = (): number => this.staleMs(value)
    return {
      token: value.token,
      get content() {
        return value.gone ? undefined : value.content
      },
      get staleMs() {
        return staleMs()
      },
    }
  }

  set(key: string, value: NewValue): boolean {
    const before = this.find(key)
    if (this.isStale(value, before?.token) || this.isStale(value, this.deleted.get(key))) return false
    this.end(before)
    this.kept.set(this.fold(key), { ...value, setAtMs: this.nowMs(), gone: false })
    return true
  }

  delete(key: string): boolean {
    const before = this.find(key)
    if (this.records.inspect(key) !== undefined) {
      this.records.lastToken = this.tokenOfDeletion()
      this.deleted.set(key, this.records.lastToken)
    }
    this.end(before)
    this.kept.delete(this.fold(key))
    return before !== undefined
  }

  end(value: Value | undefined): void {
    if (value) value.gone = true
  }
}
