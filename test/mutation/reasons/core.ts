import { types, cost, same, type Reasons } from './reasons.js'

export const core: Reasons = {
  '*': {
    'a saving only: a message is built that nobody hears': [{ code: "traced('holdfast:", to: 'true' }],
    'a fault of ours: it cannot be reached from outside': ['// a fault of ours'],
    [types]: [
      { code: 'if (head === undefined', from: 'head === undefined', to: 'false' },
      { code: 'if (first !== undefined)', to: 'true' },
    ],
  },
  'acquire.ts': {
    [cost]: ['space.gates.size > 0 && space.gates.has'],
    'it is asked for properly then, and fails just so': ['} catch (error) {'],
    'whose time limit is over has given up: both are so': ['late.granted && seat.abandoned'],
    'the promise was rejected already: nobody hears': [
      'return { holder: undefined }',
      'seat.abandoned ? { holder: undefined }',
    ],
    'at the very microsecond only': ['+ pauseMs < terms.storeTimeoutMs'],
    [types]: [{ code: 'space.syncStore?.renew', from: 'space.syncStore?.renew' }],
  },
  'acquire-sync.ts': {
    'at the very microsecond only': ['+ pauseMs >= terms.storeTimeoutMs'],
  },
  'contender.ts': {
    'set before it is read': ['#askAgain = false'],
    'what was never asked for is granted to nobody': [
      { code: 'seat?.owner !== owner || mark === undefined', from: 'mark === undefined', to: 'false' },
    ],
    [types]: [
      'this.#space.syncStore?.acquire',
      { code: 'if (answer !== undefined)', to: 'true' },
      'terms === undefined || before === undefined',
    ],
    'who asks looks whether somebody waits': [{ code: 'if (!this.#idle()) return', to: 'false' }],
    'at the very microsecond only': ['>= shortestMs', 'this.#failingSince) >= terms.storeTimeoutMs'],
    'with the last who waits the seat is given up: both are so': [
      { code: 'terms === undefined || seat !== this.#seat', from: 'terms === undefined', to: 'false' },
    ],
  },
  'export.ts': {
    [types]: ['space.syncStore?.renew'],
  },
  'gate.ts': {
    [types]: ['const passed = head === undefined'],
    'who makes this line asks for a mutex': [
      { code: 'waiter.terms.limit === 1 &&', from: 'waiter.terms.limit === 1', to: 'true' },
    ],
    'no record has such an owner': ['owner === undefined ? []'],
  },
  'local-line.ts': {
    [types]: [{ code: 'this.space.watch?.(waiter)', to: 'this.space.watch(waiter)' }],
  },
  'waiter.ts': {
    [same]: [{ code: 'if (this.#abort !== undefined)', to: 'true' }],
    [types]: ['this.#signal?.removeEventListener'],
  },
  'hold.ts': {
    [types]: [
      "this.ended ?? 'LOCK_LOST'",
      { code: 'if (deadline === undefined', from: 'deadline === undefined', to: 'false' },
    ],
    'looked at again where the timer is set': ['deadline === undefined || this.ended !== undefined'],
    [same]: [{ code: 'mark.nowMs >= deadline.leased.nowMs', to: 'mark.nowMs > deadline.leased.nowMs' }],
    'who asks has looked just before': ['this.ended !== undefined || this.#turns === 0'],
    'a renewal looks at the slow clock itself': [{ code: '!this.isActive(true)) return', to: 'false' }],
    'no timer fires before its time': ['this.space.env.nowMs() >= renewAtMs'],
    'a saving only: the error that is made is the same as the one made later': [
      { code: 'if (detail !== undefined) this.#lost', to: 'true' },
    ],
  },
  'holds.ts': {
    'gives memory back: what is found is the same': ['this.#byOwner?.size === 0'],
    'who is called looks for himself': [{ code: 'if (this.size === 0) this.whenEmpty', to: 'true' }],
  },
  'timers.ts': {
    'gives memory back: what fires is the same': ['() => lists.delete(wholeMs)'],
  },
  'space.ts': {
    'nobody hears that this call failed: it is tried again': ["storeTimeoutMs, 'release', false"],
    'set before it is read': ["#block = ''"],
    'all that it does is done once by itself': [{ code: 'if (this.closed) return', to: 'false' }],
    'what a release throws is named already': [{ code: '(while closing)', from: "'release'" }],
    [cost]: [{ code: 'notice.owner.startsWith', to: 'true' }],
  },
  'release.ts': {
    [cost]: ['gates.size === 0'],
  },
  'renewal.ts': {
    'what has no lease is never due': ['if (ttlMs === null) return'],
    'for a wall clock that is set back by just the length of a suspend': ['const mark = markOf(env, true)'],
    [cost]: ['if (hold.space.syncStore !== undefined)', { code: 'const heir = hold.ended === undefined', to: 'false' }],
    'nobody hears that this call failed': ["'inspect', keepAlive"],
    'what it throws is caught: the hold is lost all the same': ['space.syncStore?.wasRevoked?.', 'store.wasRevoked?.('],
    [types]: ['hold.deadline?.refuse()'],
  },
  'lease.ts': {
    [cost]: [{ code: 'if (hold.space.syncStore === undefined)', to: 'true' }],
    'what a release throws is named already': ["asHoldfastError(error, 'release'"],
  },
  'pulse.ts': {
    [types]: ['this.#timer?.clear()'],
  },
  'deadline.ts': {
    [cost]: [{ code: 'selfRenewal !== undefined', to: 'true' }],
  },
  'duration.ts': {
    [types]: [{ code: '!Number.isFinite(ms)', from: 'ms === undefined', to: 'false' }, 'unit === undefined ?'],
    'what comes of it is no number, and is refused': [{ code: 'factor === undefined ?', to: 'false' }],
    [same]: [{ code: 'pattern.exec(value) ?? []', to: '["Stryker was here"]' }],
    'no least is below 0': ['ms < leastMs || ms < 0'],
  },
  'limited.ts': {
    [same]: [{ code: "{ outcome: 'unknown' }", to: '{}' }],
  },
  'trace.ts': {
    'nobody hears what is published': [{ code: 'if (channels[event].hasSubscribers)', to: 'true' }],
  },
}
