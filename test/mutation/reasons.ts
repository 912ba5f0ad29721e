/** Why no test finds a mutant. The first that fits counts. */
export interface Reason {
  /** End of the path; default: any file. */
  readonly file?: string
  /** A part of the line that is changed. */
  readonly code: string
  /** What is changed; default: anything in the line. */
  readonly from?: string
  /** What it is changed to; default: anything. */
  readonly to?: string
  readonly why: string
}

const types = 'asked for by the types alone: it is never so here'
const cost = 'a saving only: the outcome is the same, a little later or dearer'
const same = 'no difference: both lead to the same'

export const reasons: readonly Reason[] = [
  { code: "traced('holdfast:", to: 'true', why: 'a saving only: a message is built that nobody hears' },
  { code: '// a fault of ours', why: 'a fault of ours: it cannot be reached from outside' },
  { code: 'if (head === undefined', from: 'head === undefined', to: 'false', why: types },
  { code: 'if (first !== undefined)', to: 'true', why: types },

  { file: 'acquire.ts', code: 'space.gates.size > 0 && space.gates.has', why: cost },
  { file: 'acquire.ts', code: "trace('holdfast:acquired'", why: same },
  { file: 'acquire.ts', code: 'if (opening !== undefined)', to: 'true', why: cost },
  {
    file: 'acquire.ts',
    code: 'late.granted && seat.abandoned',
    why: 'whose time limit is over has given up: both are so',
  },
  { file: 'acquire.ts', code: 'return { holder: undefined }', why: 'the promise was rejected already: nobody hears' },
  {
    file: 'acquire.ts',
    code: 'seat.abandoned ? { holder: undefined }',
    why: 'the promise was rejected already: nobody hears',
  },
  { file: 'acquire.ts', code: '+ pauseMs < terms.storeTimeoutMs', why: 'at the very microsecond only' },
  { file: 'acquire-sync.ts', code: '+ pauseMs >= terms.storeTimeoutMs', why: 'at the very microsecond only' },
  { file: 'acquire-sync.ts', code: 'if (waitMs <= 0)', to: 'waitMs < 0', why: same },

  { file: 'gate.ts', code: 'const passed = head === undefined', why: types },
  { file: 'local-line.ts', code: '< grantedMs / 2', why: 'at the very microsecond only' },
  { file: 'waiter.ts', code: 'if (this.#abort !== undefined)', to: 'true', why: same },
  { file: 'waiter.ts', code: 'this.#signal?.removeEventListener', why: types },

  { file: 'hold.ts', code: 'this.deadline === undefined ? 0', why: types },
  { file: 'hold.ts', code: "this.ended ?? 'LOCK_LOST'", why: types },
  { file: 'hold.ts', code: 'if (deadline === undefined', from: 'deadline === undefined', to: 'false', why: types },
  {
    file: 'hold.ts',
    code: 'deadline === undefined || this.ended !== undefined',
    why: 'looked at again where the timer is set',
  },
  { file: 'hold.ts', code: 'mark.nowMs >= deadline.leased.nowMs', to: 'mark.nowMs > deadline.leased.nowMs', why: same },
  { file: 'hold.ts', code: '!space.local && space.held', why: cost },
  { file: 'hold.ts', code: 'this.ended !== undefined || this.#turns === 0', why: 'who asks has looked just before' },
  { file: 'hold.ts', code: 'return minHoldMs > 0 ?', why: 'saves a look at the clocks' },
  {
    file: 'hold.ts',
    code: '!this.isActive(true)) return',
    to: 'false',
    why: 'a renewal looks at the slow clock itself',
  },
  { file: 'hold.ts', code: 'this.space.env.nowMs() >= renewAtMs', why: 'no timer fires before its time' },
  {
    file: 'hold.ts',
    code: 'if (detail !== undefined) this.#lost',
    to: 'true',
    why: 'a saving only: the error that is made is the same as the one made later',
  },
  { file: 'holds.ts', code: 'this.#byOwner?.size === 0', why: 'gives memory back: what is found is the same' },

  { file: 'release.ts', code: 'if (space.syncStore !== undefined)', to: 'false', why: cost },
  { file: 'release.ts', code: 'gates.size === 0', why: cost },
  { file: 'renewal.ts', code: 'if (ttlMs === null) return', why: 'what has no lease is never due' },
  {
    file: 'renewal.ts',
    code: 'const mark = markOf(env, true)',
    why: 'for a wall clock that is set back by just the length of a suspend',
  },
  { file: 'renewal.ts', code: 'if (hold.space.syncStore !== undefined)', why: cost },
  { file: 'renewal.ts', code: "'inspect', false", why: 'nobody hears that this call failed' },
  {
    file: 'renewal.ts',
    code: 'space.syncStore?.wasRevoked?.',
    why: 'what it throws is caught: the hold is lost all the same',
  },
  { file: 'renewal.ts', code: 'hold.deadline?.refuse()', why: types },
  { file: 'renewal.ts', code: 'store.wasRevoked?.(', why: 'what it throws is caught: the hold is lost all the same' },
  { file: 'space.ts', code: "#block = ''", why: 'set before it is read' },
  { file: 'space.ts', code: 'if (this.closed) return', to: 'false', why: 'all that it does is done once by itself' },
  { file: 'space.ts', code: 'if (this.closed) throw closedError()', why: 'handles and lines refuse before' },
  { file: 'space.ts', code: '(while closing)', from: "'release'", why: 'what a release throws is named already' },
  { file: 'space.ts', code: 'notice.owner.startsWith', to: 'true', why: cost },
  { file: 'lease.ts', code: 'if (hold.space.syncStore === undefined)', to: 'true', why: cost },
  { file: 'lease.ts', code: "asHoldfastError(error, 'release'", why: 'what a release throws is named already' },
  { file: 'pulse.ts', code: 'this.#timer?.clear()', why: types },

  {
    file: 'deadline.ts',
    code: 'const renews =',
    from: 'leaseMs !== null',
    to: 'true',
    why: 'what has no lease does not end before its limit',
  },
  { file: 'deadline.ts', code: 'selfRenewal !== undefined', to: 'true', why: cost },
  { file: 'duration.ts', code: '!Number.isFinite(ms)', from: 'ms === undefined', to: 'false', why: types },
  { file: 'duration.ts', code: 'unit === undefined ?', why: types },
  {
    file: 'duration.ts',
    code: 'factor === undefined ?',
    to: 'false',
    why: 'what comes of it is no number, and is refused',
  },
  { file: 'duration.ts', code: 'pattern.exec(value) ?? []', to: '["Stryker was here"]', why: same },
  { file: 'duration.ts', code: 'ms < leastMs || ms < 0', why: 'no least is below 0' },
  { file: 'limited.ts', code: "{ outcome: 'unknown' }", to: '{}', why: same },
  { file: 'key.ts', code: 'key.length * 3 > maxKeyBytes', why: cost },
  { file: 'trace.ts', code: 'if (channels[event].hasSubscribers)', to: 'true', why: 'nobody hears what is published' },

  { file: 'entry.ts', code: 'mayExpire = false', why: cost },
  { file: 'entry.ts', code: 'this.head()?.request', why: types },
  { file: 'entry.ts', code: 'if (limit === 1) this.#sole = hold', why: cost },
  { file: 'entry.ts', code: 'this.#many?.delete(owner)', why: types },
  { file: 'entry.ts', code: 'this.#queue === undefined || this.#queue.size === 0', why: same },
  { file: 'entry.ts', code: 'let dropped = false', why: cost },
  { file: 'entry.ts', code: 'of this.#queue ?? []', why: same },
  { file: 'memory.ts', code: 'if (!entry.isEmpty()) return this.#acquireContended', why: cost },
  { file: 'memory.ts', code: 'entry === undefined || hold === undefined', why: types },
  { file: 'memory.ts', code: 'if (entry !== undefined && released)', why: types },
  {
    file: 'memory.ts',
    code: 'entry === undefined || entry.used === 0',
    why: 'a key that nobody holds and somebody waits for is granted at once',
  },
  { file: 'memory.ts', code: 'ttlMs !== null)', why: same },
  { file: 'memory.ts', code: 'entry.timerAtMs !== undefined && entry.timerAtMs <= expiresAtMs', why: cost },
  { file: 'memory.ts', code: 'if (entry.mayExpire)', why: cost },
  {
    file: 'memory.ts',
    code: 'before !== undefined && before !== entry && before.isEmpty()',
    to: 'false',
    why: 'found by the test that locks 100,000 keys, which takes too long here',
  },
  { file: 'memory.ts', code: 'before !== undefined && before !== entry && before.isEmpty()', why: cost },
  { file: 'memory.ts', code: 'if (entry.mayExpire) this.#expire', why: cost },
  {
    file: 'resizes.ts',
    code: 'found.to === limit',
    from: 'found.to === limit',
    why: 'what it has now is not among what it had before, or means itself there',
  },
  { file: 'resizes.ts', code: 'filter((limit) => limit !== to)', why: 'asked for what it has now, nobody looks there' },
  {
    file: 'resizes.ts',
    code: 'this.#byKey.size > mostKeys && first !== undefined',
    from: 'first !== undefined',
    why: types,
  },
  { file: 'hit-clock.ts', code: 'if (this.#left > 0 && !this.#awaitsEnd)', why: cost },
  { file: 'memory/values.ts', code: 'if (was) shelf?.drop(key)', why: types },
  { file: 'memory/values.ts', code: '=== Number.POSITIVE_INFINITY', why: 'saves a look at the clock' },
  { file: 'memory/values.ts', code: 'this.puts++', why: 'only that it is another one counts' },
  { file: 'memory/values.ts', code: 'if (this.#usedAt !== shelf.puts)', why: cost },
  { file: 'memory/values.ts', code: 'nowMs < this.#freshUntilMs', to: 'nowMs <= this.#freshUntilMs', why: same },
  {
    file: 'memory/values.ts',
    code: '} catch {',
    why: 'the library that is missing there is installed where the tests run',
  },
  {
    file: 'memory/values.ts',
    code: 'To keep values in memory',
    why: 'the library that is missing there is installed where the tests run',
  },

  { file: 'address.ts', code: 'url.hostname.replace(', why: 'a host has brackets at both ends, or none' },
  { file: 'failure.ts', code: 'secrets: readonly string[] = []', why: 'with an error come its secrets' },
  {
    file: 'keys.ts',
    code: "auxKey(key, 'token', keyPrefix)",
    from: "'token'",
    why: 'the tag is the same for all of them',
  },
  { file: 'keys.ts', code: "const [tag = '']", why: types },
  { file: 'keys.ts', code: 'auxForm.exec(name) ?? []', why: types },
  { file: 'keys.ts', code: 'tag === undefined || kind === undefined', why: types },
  {
    file: 'keys.ts',
    code: 'key === undefined && !tag.startsWith(keyPrefix)',
    why: 'a saving only: what is not below the prefix is not what auxKey gives',
  },
  { file: 'keys.ts', code: 'new Array<string | undefined>(slots)', why: same },
  { file: 'keys.ts', code: "tags[slot] ?? ''", why: types },
  { file: 'list.ts', code: "cursor ?? '0:0'", why: 'what cannot be read begins anew as well' },
  {
    file: 'notices.ts',
    code: 'if (!this.#wanted) this.#young.delete',
    why: 'none is young once the connection is wanted',
  },
  { file: 'notices.ts', code: 'this.#epoch++', why: 'only that it is another one counts' },
  { file: 'notices.ts', code: 'messageForm.exec(text) ?? []', why: types },
  { file: 'notices.ts', code: 'if (granted === undefined || token', from: 'granted === undefined', why: types },
  { file: 'record.ts', code: "let start = ''", why: 'set before it is read' },
  { file: 'record.ts', code: 'if (last === undefined ||', to: 'true', why: cost },
  {
    file: 'record.ts',
    code: 'ownerEnd < 1 || tokenEnd === -1',
    why: 'where a line is missing, what is read in its place is no token or no holder',
  },
  { file: 'replies.ts', code: 'listOf(reply) ?? []', why: 'what is no list is refused either way' },
  { file: 'replies.ts', code: 'holder !== undefined && { holder }', to: 'true', why: same },
  { file: 'redis/store.ts', code: 'this.#keys(key)[at] ?? []', why: types },
  { file: 'redis/store.ts', code: '#lastKeys: readonly string[] = []', why: 'no key has that name' },
  { file: 'redis/store.ts', code: "link.driver('subscribe')", why: 'nobody hears that it failed: it is tried again' },
  {
    file: 'replies.ts',
    code: 'value instanceof Uint8Array',
    from: "''",
    why: 'no text that means anything, either way',
  },
  { file: 'replies.ts', code: "isNumber ? '' : textOf(value)", from: "''", why: 'a number is not read from text' },
  { file: 'request.ts', code: 'ttlMs === null ||', from: 'ttlMs === null', why: types },
  { file: 'silence.ts', code: '#answered = false', why: 'set before it is read' },
  {
    file: 'redis/store.ts',
    code: 'return queueMs > 0 ? this.#notices.wayTo',
    why: 'a request that does not wait asks for no place',
  },
  { file: 'redis/store.ts', code: 'if (this.#lastKeys[0] === key)', to: 'false', why: cost },
]
