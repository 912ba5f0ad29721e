import { type Fault, faulty, type FaultyStore } from 'holdfast/testing'
import type { AnyStore } from '../../../src/core/store.js'
import type { Random } from '../random.js'

const LATE_MS = 1500

/** A store that, as long as it is told to, loses, repeats, delays and refuses calls. */
export function failingStore(
  records: AnyStore,
  random: Random,
): { store: FaultyStore; failStore: (on: boolean) => void } {
  let fails = false
  const ms = (): number => random.whole(1, LATE_MS)
  const kinds: readonly (() => Fault | undefined)[] = [
    () => undefined,
    () => ({ delayMs: ms() }),
    () => ({ replyDelayMs: ms() }),
    () => ({ request: 'lost', rejectAfterMs: ms() }),
    () => ({ reply: 'lost', rejectAfterMs: ms() }),
    () => ({ repeat: true }),
    () => ({ echoAfterMs: ms() }),
    () => ({ fail: 'not-applied' }),
    () => ({ fail: 'unknown' }),
  ]
  const store = faulty(records, ({ operation }) => (fails && operation !== 'close' ? random.pick(kinds)() : undefined))
  return { store, failStore: (on) => void (fails = on) }
}
