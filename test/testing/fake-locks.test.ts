import { close, lock, LockedError, LockLostError, LockTimeoutError, type LockOptions, StoreError } from 'holdfast'
import { type FakeLocks, fakeLocks } from 'holdfast/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

let locks: FakeLocks
beforeEach(() => (locks = fakeLocks()))
afterEach(() => locks.close())

/** Without tokens, which nobody knows beforehand. */
const story = (): string[] => locks.log.map(({ event, key }) => `${event} ${key}`)

describe('fake locks record', () => {
  it('each acquisition and release, with key and options', async () => {
    const options: LockOptions = { wait: '10s', ttl: '1m', label: 'test', onLost: 'warn' }
    const lease = await locks.lock('bill-42', options).acquire()
    await lease.release()
    const given = { wait: 10_000, ttl: 60_000, label: 'test', onLost: 'warn' }
    expect(locks.log).toEqual([
      { event: 'acquired', key: 'bill-42', options: given, token: lease.token },
      { event: 'released', key: 'bill-42', options: given, token: lease.token },
    ])
  })

  it('all ways to hold', async () => {
    await locks.lock('run').run(() => expect(locks.held).toEqual(['run']))
    locks.lock('run-sync').runSync(() => undefined)
    {
      await using _lease = await locks.lock('using').tryAcquire()
    }
    await locks.lock('wrapped-{id}')(async (id: number) => id)(7)
    const names = ['run', 'run-sync', 'using', 'wrapped-7']
    expect(story()).toEqual(names.flatMap((name) => [`acquired ${name}`, `released ${name}`]))
    expect(locks.held).toEqual([])
  })

  it('the turns of those who wait for each other, hand-overs included', async () => {
    const work = locks.lock('work', { wait: '1m' })
    await Promise.all([work.run(pause), work.run(pause), work.run(pause)])
    expect(story()).toEqual(Array.from({ length: 3 }, () => ['acquired work', 'released work']).flat())
  })

  it('a refusal by another holder, once', async () => {
    await locks.lock('a').acquire()
    locks.clear()
    expect(await locks.lock('a').tryAcquire()).toBeUndefined()
    await expect(locks.lock('a').acquire()).rejects.toBeInstanceOf(LockedError)
    expect(() => locks.lock('a', { wait: '1h' }).acquireSync()).toThrow(LockTimeoutError) // in no time
    expect(story()).toEqual(['refused a', 'refused a', 'refused a'])
  })

  it('other ends', async () => {
    await locks.lock('a').acquire()
    await locks.lock('a').forceRelease()
    const lease = await locks.lock('b', { expire: 1 }).acquire()
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect(lease.active).toBe(false)
    expect(story()).toEqual(['acquired a', 'revoked a', 'acquired b', 'expired b'])
  })

  it('locks on any named store', async () => {
    await locks.lock('a', { store: 'sessions' }).run(() => undefined)
    expect(locks.log[0]).toMatchObject({ key: 'a', options: { store: 'sessions' } })
  })
})

describe('fake locks refuse on command', () => {
  it('a key, as if another held it', async () => {
    locks.refuse('a')
    await expect(locks.lock('a').acquire()).rejects.toMatchObject({ code: 'LOCKED' })
    expect(await locks.lock('a').tryAcquire()).toBeUndefined()
    expect(() => locks.lock('a').acquireSync()).toThrow(LockedError)
    await locks.lock('b').run(() => undefined)
    expect(story()).toEqual(['refused a', 'refused a', 'refused a', 'acquired b', 'released b'])
  })

  it('those who would wait too, at once', async () => {
    locks.refuse()
    const error: unknown = await locks
      .lock('a', { wait: '1h' })
      .acquire()
      .catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(LockTimeoutError)
    expect(error).toMatchObject({ key: 'a', waitedMs: 3_600_000 })
    expect(await locks.lock('a', { wait: true }).tryAcquire()).toBeUndefined()
    expect(story()).toEqual(['refused a', 'refused a'])
  })

  it('until it is taken back', async () => {
    locks.refuse('a')
    locks.refuse()
    locks.allow('a')
    expect(await locks.lock('a').tryAcquire()).toBeUndefined()
    locks.allow()
    expect(await locks.lock('a').tryAcquire()).toBeDefined()
  })
})

describe('fake locks fail on command', () => {
  it.each([{ wait: undefined }, { wait: '1h' } as const])('as a store that fails: wait $wait', async ({ wait }) => {
    locks.fail('a')
    const acquiring = locks.lock('a', wait === undefined ? {} : { wait }).acquire()
    await expect(acquiring).rejects.toBeInstanceOf(StoreError)
    expect(story()[0]).toBe('failed a')
  })
})

describe('fake locks lose on command', () => {
  it('what is held: its signal aborts, and another may have it', async () => {
    const running = locks.lock('a').run(async (lease) => {
      locks.lose('a')
      expect(lease.active).toBe(false)
      expect(lease.signal.aborted).toBe(true)
      expect(await locks.lock('a').tryAcquire()).toBeDefined()
      return 'done'
    })
    await expect(running).rejects.toBeInstanceOf(LockLostError)
    await expect(running).rejects.toMatchObject({ code: 'LOCK_LOST', result: 'done' })
    expect(story()).toEqual(['acquired a', 'lost a', 'acquired a'])
  })

  it('and say so when there is nothing to lose', async () => {
    await locks.lock('b').acquire()
    expect(() => locks.lose('a')).toThrow(/Nobody holds 'a'.*held now: 'b'/)
  })
})

describe('fake locks in place of the global ones', () => {
  it('serve functions that were wrapped before, until they are closed', async () => {
    const charge = lock('bill-{id}')(async (id: string) => `charged ${id}`)
    await expect(charge('42')).rejects.toMatchObject({ code: 'NOT_CONFIGURED' })
    locks.install()
    expect(await charge('42')).toBe('charged 42')
    expect(story()).toEqual(['acquired bill-42', 'released bill-42'])
    await locks.close()
    await expect(charge('42')).rejects.toMatchObject({ code: 'NOT_CONFIGURED' })
    await close()
  })
})

function pause(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
