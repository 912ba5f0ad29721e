import { setTimeout as sleep } from 'node:timers/promises'
import { InvalidOptionError, LockedError, LockTimeoutError, StoreError, SyncUnsupportedError } from 'holdfast'
import { blocking } from 'holdfast/blocking'
import { describe, expect, it } from 'vitest'
import { redisCommand } from '../support/servers/redis-command.js'
import { until } from '../support/until.js'
import { beBusy, elsewhere, freshKey, open, openAsync, thrownBy, url, warmLock } from './support.js'

/** The channel of notices opens when a hold has lasted 50 ms. */
const listeningMs = 400

describe('sync calls on Redis', () => {
  it('hold from using to the end of the block', () => {
    const { lock } = open()
    const key = freshKey()
    {
      using lease = lock(key).acquireSync()
      expect(lease.active).toBe(true)
      expect(lease.token).toBeGreaterThan(0)
      expect(lock(key).isLockedSync()).toBe(true)
    }
    expect(lock(key).isLockedSync()).toBe(false)
  })

  it('give each grant a larger token', () => {
    const { lock } = open()
    const key = freshKey()
    const tokens = [1, 2, 3].map(() => lock(key).runSync(({ token }) => token))
    expect([...tokens].sort((a, b) => a - b)).toEqual(tokens)
    expect(new Set(tokens).size).toBe(3)
  })

  it('run a body under the lock and give its result', () => {
    const { lock } = open()
    const key = freshKey()
    expect(lock(key).runSync(() => lock(key).tryAcquireSync())).toBeUndefined()
    expect(lock(key).runSync(({ active }) => active)).toBe(true)
    expect(() => lock(key).runSync(() => Promise.resolve())).toThrow(SyncUnsupportedError)
  })

  it('tell who holds', () => {
    const { lock } = open()
    const key = freshKey()
    using _ = lock(key, { label: 'the nightly import' }).acquireSync()
    const error = thrownBy(() => lock(key).acquireSync())
    expect(error).toBeInstanceOf(LockedError)
    expect(error).toMatchObject({ key, holder: { pid: process.pid, label: 'the nightly import' } })
    expect(lock(key).inspectSync()).toMatchObject({ key, limit: 1, holders: [{ label: 'the nightly import' }] })
  })

  it('work in wrapped functions', () => {
    const { lock } = open()
    const charge = lock(`bill-${freshKey()}-{id}`)((id: number) => `charged ${String(id)}`)
    expect(charge(7)).toBe('charged 7')
    expect(charge.isLocked(7)).toBe(false)
  })

  it('release only what is held', () => {
    const { lock } = open()
    const lease = lock(freshKey()).acquireSync()
    expect(lease.release()).toBe(true)
    expect(lease.release()).toBe(false)
    expect(lease.active).toBe(false)
  })

  it('work in async style too', async () => {
    const { lock } = open()
    const key = freshKey()
    await using lease = await lock(key).acquire()
    expect(lease.active).toBe(true)
    expect(await lock(key).tryAcquire()).toBeUndefined()
    const waiting = lock(key, { wait: '5s' }).run(({ token }) => token)
    expect(await lease.release()).toBe(true)
    expect(await waiting).toBeGreaterThan(lease.token)
  })
})

describe('waiting in sync', () => {
  it('succeeds when another process releases meanwhile', async () => {
    const holdfast = open()
    const key = freshKey()
    const held = await openAsync().lock(key).acquire()
    const waiting = warmLock(holdfast, { wait: '10s' }, key)
    const { done } = await elsewhere(url, 200, `DEL holdfast:${key}`)
    const startMs = performance.now()
    using lease = waiting.acquireSync()
    expect(performance.now() - startMs).toBeGreaterThan(100)
    expect(lease.token).toBeGreaterThan(held.token)
    await done
  })

  it('succeeds when the lease of a crashed holder ends', async () => {
    const { lock } = open()
    const key = freshKey()
    await redisCommand(url, ['SET', `holdfast:${key}`, 'another program', 'PX', '400'])
    const startMs = performance.now()
    using lease = lock(key, { wait: '10s' }).acquireSync()
    expect(lease.active).toBe(true)
    expect(performance.now() - startMs).toBeLessThan(5000)
  })

  it('ends with its time', async () => {
    const holdfast = open()
    const key = freshKey()
    await openAsync().lock(key, { label: 'slow' }).acquire()
    const waiting = warmLock(holdfast, { wait: 300 }, key)
    const startMs = performance.now()
    const error = thrownBy(() => waiting.acquireSync())
    expect(error).toBeInstanceOf(LockTimeoutError)
    expect(error).toMatchObject({ code: 'LOCK_TIMEOUT', holder: { label: 'slow' } })
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(299)
    expect(performance.now() - startMs).toBeLessThan(3000)
    expect(waiting.tryAcquireSync()).toBeUndefined()
  })
})

describe('beside an async store on the same Redis', () => {
  it('exclude each other', async () => {
    const [sync, other] = [open(), openAsync()]
    const key = freshKey()
    const lease = sync.lock(key).acquireSync()
    expect(await other.lock(key).tryAcquire()).toBeUndefined()
    lease.release()
    const theirs = await other.lock(key).acquire()
    expect(() => sync.lock(key).acquireSync()).toThrow(LockedError)
    expect(sync.lock(key).tryAcquireSync()).toBeUndefined()
    await theirs.release()
    expect(sync.lock(key).runSync(() => 'ours')).toBe('ours')
  })

  it('learn of a forced release by another, while the loop runs', async () => {
    const [sync, other] = [open(), openAsync()]
    const key = freshKey()
    const lease = sync.lock(key).acquireSync()
    const ended = new Promise((resolve) => lease.signal.addEventListener('abort', resolve))
    await sleep(listeningMs)
    await other.lock(key).forceRelease()
    await ended
    expect(lease.signal.reason).toMatchObject({ code: 'LOCK_REVOKED' })
  })

  it('learn of a forced release that came while they were busy', async () => {
    const [sync, other] = [open(), openAsync()]
    const key = freshKey()
    const lease = sync.lock(key).acquireSync()
    await other.lock(key).isLocked()
    await sleep(listeningMs)
    const released = other.lock(key).forceRelease() // sent by now
    await new Promise((resolve) => setImmediate(resolve))
    beBusy(200)
    sync.lock(freshKey()).isLockedSync() // takes the notice out of the port
    await released
    await until(() => !lease.active)
    expect(lease.signal.reason).toMatchObject({ code: 'LOCK_REVOKED' })
  })

  it('know that they were released by force in this process, before the call returns', () => {
    const { lock } = open()
    const key = freshKey()
    const lease = lock(key).acquireSync()
    expect(lock(key).forceReleaseSync()).toBe(true)
    expect(lease.active).toBe(false)
    expect(lease.signal.reason).toMatchObject({ code: 'LOCK_REVOKED' })
    expect(lock(key).forceReleaseSync()).toBe(false)
  })
})

describe('blocking()', () => {
  it('can what its store can, and answers at once', () => {
    const store = blocking(url)
    expect(store.name).toBe('blocking(redis)')
    expect(store.capabilities).toEqual({
      scope: 'network',
      crashRelease: 'lease',
      fair: true,
      wake: 'push',
      token: 'clock',
      consistency: 'single-node',
      sync: true,
      adopts: true,
    })
    store.close()
  })

  it.each(['junk', 'http://somewhere', '', 'redis'])('refuses the URL %j', (junk) => {
    expect(() => blocking(junk)).toThrow(InvalidOptionError)
  })

  it('refuses a store that blocks by itself, another thing than a URL, and unknown options', () => {
    expect(() => blocking('memory:')).toThrow('use it as it is')
    expect(() => blocking(42 as never)).toThrow(InvalidOptionError)
    expect(() => blocking(url, { storeTimeOut: 5 } as never)).toThrow("Unknown option 'storeTimeOut'")
    expect(() => blocking(url, { storeTimeout: '5 s' as never })).toThrow(InvalidOptionError)
    expect(() => blocking(url, { storeTimeout: 0 })).toThrow(InvalidOptionError)
  })

  it('refuses what its store refuses, as the same error', () => {
    expect(thrownBy(() => blocking(`${url}/?junk=1`).inspect('k'))).toBeInstanceOf(InvalidOptionError)
  })

  it('can be closed twice, and then says so', async () => {
    const store = blocking(url)
    expect(store.inspect(freshKey())).toBeUndefined()
    store.close()
    store.close()
    const error = thrownBy(() => store.inspect(freshKey()))
    expect(error).toBeInstanceOf(StoreError)
    expect(error).toMatchObject({ outcome: 'not-applied', operation: 'inspect' })
    expect(String(error)).toContain('closed')
  })

  it('can be closed before it was used', () => {
    const store = blocking(url)
    store.close()
    expect(() => store.inspect('k')).toThrow(StoreError)
  })
})
