import { types, cost, same, type Reasons } from './reasons.js'

export const memory: Reasons = {
  'memory/entry.ts': {
    [cost]: [
      'mayExpire = false',
      'if (limit === 1) this.#sole = hold',
      'let dropped = false',
      'if (permits >= hold.permits) return false',
    ],
    [types]: ['this.head()?.request', 'this.#many?.delete(owner)', 'this.#many?.delete(before.owner)'],
    [same]: ['this.#queue === undefined || this.#queue.size === 0', 'of this.#queue ?? []'],
  },
  'memory/memory.ts': {
    'found by the test that locks 100,000 keys, which takes too long here': [
      { code: 'before !== undefined && before !== entry && before.isEmpty()', to: 'false' },
    ],
    [cost]: [
      'if (!entry.isEmpty()) return this.#acquireContended',
      'entry.timerAtMs !== undefined && entry.timerAtMs <= expiresAtMs',
      'if (entry.mayExpire)',
      'before !== undefined && before !== entry && before.isEmpty()',
    ],
    [types]: [
      'entry === undefined || hold === undefined',
      'if (entry !== undefined && released)',
      { code: 'if (entry === undefined || given === undefined', from: 'entry === undefined' },
    ],
    'a key that nobody holds and somebody waits for is granted at once': [
      'entry === undefined || entry.used === 0',
      { code: 'entry !== undefined && entry.used > 0', from: 'entry.used > 0' },
    ],
    [same]: ['ttlMs !== null)'],
  },
  'memory/resizes.ts': {
    'what it has now is not among what it had before, or means itself there': [
      { code: 'found.to === limit', from: 'found.to === limit' },
    ],
    'asked for what it has now, nobody looks there': ['filter((limit) => limit !== to)'],
    [types]: [{ code: 'this.#byKey.size > mostKeys && first !== undefined', from: 'first !== undefined' }],
  },
  'memory/values.ts': {
    [types]: ['if (was) shelf?.drop(key)'],
    'saves a look at the clock': ['=== Number.POSITIVE_INFINITY'],
    'only that it is another one counts': ['this.puts++'],
    [cost]: ['if (this.#usedAt !== shelf.puts)'],
    [same]: [{ code: 'nowMs < this.#freshUntilMs', to: 'nowMs <= this.#freshUntilMs' }],
    'the library that is missing there is installed where the tests run': ['} catch {', 'To keep values in memory'],
  },
}
