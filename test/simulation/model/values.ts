import type { ScriptCall } from './call.js'
import type { LockRecord } from './record.js'

/** What the server answers; the scripts of values give no lists of lists. */
type ValueReply = number | string | null | (number | string)[]

/** A text that stands beside the record of a lock. */
export interface Value {
  readonly text: string
  /** Infinity: it stays. */
  readonly endsMs: number
}

const largestToken = 9007199254740991

/** GET of a value. */
export function getValue(record: LockRecord, nowMs: number): string | null {
  record.expire(nowMs)
  return record.value?.text ?? null
}

/** The scripts of src/stores/redis/lua-values.ts, said once more. */
export function runValueScript(record: LockRecord, call: ScriptCall, micros: number): ValueReply {
  const nowMs = Math.floor(micros / 1000)
  record.expire(nowMs)
  const { value } = record
  switch (call.name) {
    case 'getValue':
      return value === undefined ? null : [value.text, value.endsMs === Infinity ? -1 : value.endsMs - nowMs]
    case 'setValue': {
      const { token, text, lastsMs } = call.value
      const last = Number(/^\d+/.exec(value?.text ?? '')?.[0] ?? 0)
      if ((record.token?.last ?? 0) > token || (last > token && last <= largestToken)) return 0
      record.value = { text, endsMs: nowMs + (lastsMs ?? Infinity) }
      return 1
    }
    default: {
      const { token } = record
      const had = value?.text.includes('\n') === true
      if (token === undefined) {
        if (had) record.value = undefined
        return had ? 1 : 0
      }
      const next = Math.max(micros, token.last + 1)
      record.token = { ...token, last: next, endsMs: nowMs + call.tokenTtl }
      record.value = { text: String(next), endsMs: nowMs + call.tokenTtl }
      return had ? 1 : 0
    }
  }
}
