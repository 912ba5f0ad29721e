import {
  DeadlockError,
  HoldfastError,
  InvalidKeyError,
  InvalidOptionError,
  KeyTemplateError,
  LockedError,
  LockLostError,
  LockTimeoutError,
  NotConfiguredError,
  PoolFullError,
  StaleTokenError,
  StoreError,
  SyncUnsupportedError,
  TooManyWaitersError,
} from 'holdfast'
import { describe, expect, test } from 'vitest'

const since = new Date('2026-01-02T03:04:05.678Z')
const holder = { host: 'web-1', pid: 42, label: undefined, since }
const by = 'held by pid 42 on web-1 since 2026-01-02T03:04:05.678Z'
const wait = "Wait for it ({ wait: '10s' }), or use tryAcquire()."
const stop = 'Another may hold it now: stop'

const errors: readonly [HoldfastError, code: string, key: string | undefined, message: string][] = [
  [new LockedError('k', undefined), 'LOCKED', 'k', `k is already locked. ${wait}`],
  [new LockedError('k', holder), 'LOCKED', 'k', `k is already locked: ${by}. ${wait}`],
  [
    new LockedError('k', { ...holder, label: 'report' }, 'So it is.', 'POOL_FULL'),
    'POOL_FULL',
    'k',
    `k is already locked: ${by.replace('by', 'by "report"')}. So it is.`,
  ],
  [
    new LockTimeoutError('k', holder, 999.4),
    'LOCK_TIMEOUT',
    'k',
    `k is already locked: ${by}. Gave up after waiting 999 ms; raise { wait } or find out what the holder does.`,
  ],
  [
    new LockTimeoutError('k', undefined, 1_000),
    'LOCK_TIMEOUT',
    'k',
    'k is already locked. Gave up after waiting 1.0 s; raise { wait } or find out what the holder does.',
  ],
  [
    new LockTimeoutError('k', undefined, 5, 'It is hopeless.'),
    'LOCK_TIMEOUT',
    'k',
    'k is already locked. It is hopeless.',
  ],
  [
    new StaleTokenError('k', 6, 7),
    'STALE_TOKEN',
    'k',
    'k: the token 6 is stale: 7 was seen, so another has held it since. Acquire it again before going on.',
  ],
  [
    new StaleTokenError('k', 6, undefined),
    'STALE_TOKEN',
    'k',
    'k: the token 6 is stale: a newer one was seen, so another has held it since. Acquire it again before going on.',
  ],
  [
    new StaleTokenError('k', 6, undefined, 'it is forgotten'),
    'STALE_TOKEN',
    'k',
    'k: the token 6 is stale: it is forgotten. Acquire it again before going on.',
  ],
  [
    new TooManyWaitersError('k', undefined, 100),
    'TOO_MANY_WAITERS',
    'k',
    'k is already locked. 100 requests of this process wait for it, and no more may: let them give up sooner ({ wait }), ' +
      'use tryAcquire(), or raise { maxWaiters } of the instance.',
  ],
  [
    new PoolFullError('k', 2, []),
    'POOL_FULL',
    'k',
    "k is full: it has 2 permits. Wait for a place ({ wait: '10s' }), use tryAcquire(), or give { onFull }.",
  ],
  [
    new PoolFullError('k', 1, [holder], { waitedMs: 1 }),
    'POOL_FULL',
    'k',
    `k is full: it has 1 permits: ${by}. Gave up after waiting 1 ms; raise { wait } or { max }.`,
  ],
  [
    new PoolFullError('k', 9, [holder, holder, holder], { waitedMs: 61_949 }),
    'POOL_FULL',
    'k',
    `k is full: it has 9 permits: ${by}, and by 2 more. Gave up after waiting 61.9 s; raise { wait } or { max }.`,
  ],
  [
    new DeadlockError('k', 'its holder waits for this one.'),
    'DEADLOCK',
    'k',
    'Waiting for k would never end: its holder waits for this one.',
  ],
  [
    new LockLostError('LOCK_EXPIRED', 'k'),
    'LOCK_EXPIRED',
    'k',
    `k reached its expire limit while held. ${stop}, or raise { expire }.`,
  ],
  [new LockLostError('LOCK_REVOKED', 'k'), 'LOCK_REVOKED', 'k', `k was released by force while held. ${stop}.`],
  [
    new LockLostError('LOCK_LOST', 'k', 'the store is gone'),
    'LOCK_LOST',
    'k',
    `k was lost while held (the store is gone). ${stop}, and check what was written since; lease.signal and lease.token help to prevent damage.`,
  ],
  [
    new LockLostError('LOCK_RELEASED', 'k'),
    'LOCK_RELEASED',
    'k',
    'k was already released. Acquire it again before going on.',
  ],
  [new StoreError('renew', 'it is gone', { key: 'k' }), 'STORE_FAILED', 'k', 'The store failed to renew: it is gone'],
  [
    new NotConfiguredError(),
    'NOT_CONFIGURED',
    undefined,
    'holdfast is not configured: call configure() for locks within this process, ' +
      "or configure({ store: 'redis://…' }) for locks across machines, before the first lock is taken.",
  ],
  [new InvalidOptionError('No such option.'), 'INVALID_OPTION', undefined, 'No such option.'],
  [new InvalidKeyError('No such key.', 'k'), 'INVALID_KEY', 'k', 'No such key.'],
  [new KeyTemplateError('No such name.', '{k}'), 'KEY_TEMPLATE', '{k}', 'No such name.'],
  [new SyncUnsupportedError('Not in sync.', 'k'), 'SYNC_UNSUPPORTED', 'k', 'Not in sync.'],
]

describe('an error', () => {
  test.each(errors)('%s', (error, code, key, message) => {
    expect(error).toMatchObject({ code, key, message })
    expect(error).toBeInstanceOf(HoldfastError)
    expect(error.name).toBe(error.constructor.name)
  })

  test('of a lock tells who holds and how long it waited', () => {
    expect(new LockTimeoutError('k', holder, 1_234)).toMatchObject({ holder, waitedMs: 1_234 })
    expect(new LockedError('k', undefined).holder).toBeUndefined()
  })

  test('of a pool tells who holds and how long it waited', () => {
    expect(new PoolFullError('k', 2, [holder], { waitedMs: 7 })).toMatchObject({
      max: 2,
      holders: [holder],
      waitedMs: 7,
    })
    expect(new PoolFullError('k', 2, [])).toMatchObject({ holders: [], waitedMs: 0 })
  })

  test('of a deadlock tells who holds what', () => {
    const held = { key: 'other', label: undefined, since }
    expect(new DeadlockError('k', 'for good.', [held]).holders).toEqual([held])
    expect(new DeadlockError('k', 'for good.').holders).toEqual([])
  })

  test('keeps its cause', () => {
    const cause = new Error('why')
    expect(new LockedError('k', undefined, undefined, undefined, { cause }).cause).toBe(cause)
    expect(new PoolFullError('k', 2, [], { cause }).cause).toBe(cause)
    expect(new LockLostError('LOCK_LOST', 'k', undefined, { cause }).cause).toBe(cause)
  })

  test('of a token that is stale tells it, and the newest', () => {
    expect(new StaleTokenError('k', 6, 7)).toMatchObject({ token: 6, latest: 7 })
  })

  test('of a store tells the call, whether it may have had its effect, and the cause', () => {
    const cause = new Error('ECONNRESET')
    expect(new StoreError('renew', 'it is gone', { cause })).toMatchObject({
      operation: 'renew',
      outcome: 'unknown',
      cause,
    })
    expect(new StoreError('renew', 'no', { outcome: 'not-applied' }).outcome).toBe('not-applied')
  })

  test('has no result before there is one', () => {
    expect(new LockLostError('LOCK_LOST', 'k')).toHaveProperty('result', undefined)
  })
})
