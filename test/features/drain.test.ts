import { describe, expect, it } from 'vitest'
import { close, configure, createHoldfast, lock, memory } from 'holdfast'
import { world } from '../support/world.js'
import { onEachBackend } from './support/backends.js'
import { failureOf, freshKey, latch, until } from './support/tools.js'

describe('close({ drainMs })', () => {
  onEachBackend(({ open }) => {
    it('waits for the bodies, whose leases stay active, and has released when it resolves', async () => {
      const [holdfast, other] = [open(), open()]
      const key = freshKey()
      const [started, finish] = [latch(), latch()]
      const body = holdfast.lock(key).run(async (lease) => {
        started.open()
        await finish.promise
        lease.assertActive()
        return lease.signal.aborted
      })
      await started.promise
      let closed = false
      const closing = holdfast.close({ drainMs: '30s' }).then(() => (closed = true))
      expect(await other.lock(key).isLocked()).toBe(true)
      expect(closed).toBe(false)
      finish.open()
      expect(await body).toBe(false)
      await closing
      expect(await other.lock(key).isLocked()).toBe(false)
    })

    it('tells those who hold by lease.closing, and not by lease.signal', async () => {
      const holdfast = open()
      const [before, after] = await Promise.all([
        holdfast.lock(freshKey()).acquire(),
        holdfast.lock(freshKey()).acquire(),
      ])
      const { closing } = before
      expect(closing.aborted).toBe(false)
      const done = holdfast.close({ drainMs: '30s' })
      expect(closing.aborted).toBe(true)
      expect(after.closing.aborted).toBe(true)
      expect(closing.reason).toMatchObject({ code: 'CLOSING', key: before.key })
      for (const lease of [before, after]) {
        expect([lease.active, lease.signal.aborted]).toEqual([true, false])
        expect(await lease.release()).toBe(true)
      }
      await done
    })

    it('grants nothing any more, and ends the waits at once', async () => {
      const [holdfast, other] = [open(), open()]
      const [held, waited] = [freshKey(), freshKey()]
      const lease = await holdfast.lock(held).acquire()
      const theirs = await other.lock(waited).acquire()
      const wait = failureOf(() => holdfast.lock(waited, { wait: true }).acquire())
      await until('it waits', async () => ((await holdfast.lock(waited).inspect())?.waiters.length ?? 0) > 0)
      const done = holdfast.close({ drainMs: '30s' })
      expect((await wait).message).toContain('closed')
      expect((await failureOf(() => holdfast.lock(freshKey()).acquire())).message).toContain('closed')
      expect(lease.active).toBe(true)
      await lease.release()
      await done
      await theirs.release()
    })

    it('hands a key to a waiter of another process when its body is done', async () => {
      const [holdfast, other] = [open(), open()]
      const key = freshKey()
      const lease = await holdfast.lock(key).acquire()
      const next = other.lock(key, { wait: '30s' }).acquire()
      await until('it waits', async () => ((await other.lock(key).inspect())?.waiters.length ?? 0) > 0)
      const done = holdfast.close({ drainMs: '30s' })
      await lease.release()
      expect((await next).active).toBe(true)
      await done
    })

    it('tells whoever is not done in time, warns by name, and releases', async () => {
      const warnings: string[] = []
      const [holdfast, other] = [open({ logger: { warn: (text) => warnings.push(text) } }), open()]
      const [slow, quick] = [freshKey('slow'), freshKey('quick')]
      const cutOff = await holdfast.lock(slow).acquire()
      const done = await holdfast.lock(quick).acquire()
      const aborted = new Promise((resolve) => cutOff.signal.addEventListener('abort', resolve))
      const closing = holdfast.close({ drainMs: 100 })
      await done.release()
      await closing
      await aborted
      expect(cutOff.active).toBe(false)
      expect(cutOff.signal.reason).toMatchObject({ code: 'LOCK_REVOKED', key: slow })
      expect(await other.lock(slow).isLocked()).toBe(false)
      expect(warnings).toEqual([
        expect.stringMatching(new RegExp(`^${slow} was released by force .*not done \\d+ ms later`)),
      ])
    })

    it('is cut short by close()', async () => {
      const [holdfast, other] = [open(), open()]
      const lease = await holdfast.lock(freshKey()).acquire()
      const draining = holdfast.close({ drainMs: '1h' })
      await holdfast.close()
      await draining
      expect(lease.signal.reason).toMatchObject({ code: 'LOCK_REVOKED' })
      expect(await other.lock(lease.key).isLocked()).toBe(false)
    })

    it('keeps a body’s result, though it was cut off', async () => {
      const holdfast = open()
      const [started, finish] = [latch(), latch()]
      const body = holdfast.lock(freshKey()).run(async () => {
        started.open()
        await finish.promise
        return 'done'
      })
      await started.promise
      await holdfast.close({ drainMs: 1 })
      finish.open()
      expect(await body).toBe('done')
    })

    it('has nothing to wait for where nothing is held', async () => {
      const holdfast = open()
      await holdfast.lock(freshKey()).run(() => undefined)
      await holdfast.close({ drainMs: '1h' })
    })

    it('waits for all kinds of holds', async () => {
      const holdfast = open()
      const key = freshKey()
      const leases = await Promise.all([
        holdfast.pool(`${key}-pool`, { max: 2 }).acquire(),
        holdfast.rwLock(`${key}-rw`).read.acquire(),
        holdfast.rwLock(`${key}-rw`).read.acquire(),
        holdfast.once(`${key}-once`).acquire(),
      ])
      let closed = false
      const closing = holdfast.close({ drainMs: '30s' }).then(() => (closed = true))
      for (const lease of leases) {
        expect([lease.active, closed]).toEqual([true, false])
        await lease.release()
      }
      await closing
    })
  })

  it('renews while it drains', async () => {
    const { time, holdfast, records } = world()
    const lease = await holdfast.lock('a', { ttl: '3s' }).acquire()
    const closing = holdfast.close({ drainMs: '1m' })
    await time.advance(50_000)
    expect(lease.active).toBe(true)
    expect(records.inspect('holdfast:a')?.holders).toHaveLength(1)
    await time.advance(10_000)
    await closing
    expect(lease.active).toBe(false)
    expect(records.inspect('holdfast:a')).toBeUndefined()
    expect(time.pendingTimers).toBe(0)
  })

  it('keeps the process alive until it is over, and leaves no timer behind when it is done before', async () => {
    const { time, holdfast } = world()
    const lease = await holdfast.lock('a').acquire()
    const closing = holdfast.close({ drainMs: '1m' })
    expect(time.keepAliveTimers).toBe(1)
    await lease.release()
    await closing
    expect(time.pendingTimers).toBe(0)
  })

  it('takes the shortest of several times, and every call resolves at the end', async () => {
    const { time, holdfast } = world()
    const lease = await holdfast.lock('a').acquire()
    let closed = 0
    const calls = ['1m', '10s', '30s'] as const
    const all = Promise.all(calls.map((drainMs) => holdfast.close({ drainMs }).then(() => closed++)))
    await time.advance(9_900)
    expect([closed, lease.active]).toEqual([0, true])
    await time.advance(200)
    await all
    expect(lease.active).toBe(false)
  })

  it('is waited for by `await using`, however long that takes', async () => {
    const { time, holdfast } = world()
    const lease = await holdfast.lock('a').acquire()
    void holdfast.close({ drainMs: '10s' })
    let disposed = false
    const disposing = holdfast[Symbol.asyncDispose]().then(() => (disposed = true))
    await time.advance(9_900)
    expect([disposed, lease.active]).toEqual([false, true])
    await time.advance(200)
    await disposing
  })

  it('keeps a key held for its minHold, whose body was cut off', async () => {
    const { time, holdfast, records } = world()
    await holdfast.lock('a', { minHold: '1m' }).acquire()
    const closing = holdfast.close({ drainMs: '1s' })
    await time.advance(30_000)
    await closing
    expect(records.inspect('holdfast:a')?.holders).toHaveLength(1)
    await time.advance(31_000)
    expect(records.inspect('holdfast:a')).toBeUndefined()
  })

  it('waits for what is held in every store', async () => {
    const holdfast = createHoldfast({ store: memory(), stores: { other: memory() } })
    const [first, second] = [holdfast.lock('a').acquireSync(), holdfast.lock('a', { store: 'other' }).acquireSync()]
    let closed = false
    const closing = holdfast.close({ drainMs: '30s' }).then(() => (closed = true))
    first.release()
    await new Promise((resolve) => setImmediate(resolve))
    expect([second.active, closed]).toEqual([true, false])
    second.release()
    await closing
  })

  it('ends, and warns, though the store fails', async () => {
    const { time, holdfast, store, warnings } = world()
    await holdfast.lock('a').acquire()
    store.always('release', { fail: 'unknown' })
    const closing = holdfast.close({ drainMs: '1s' })
    await time.advance(60_000)
    await closing
    expect(warnings.join('\n')).toContain('failed to release')
  })

  it('frees what the store grants while it drains', async () => {
    const { time, holdfast, store, records } = world()
    const lease = await holdfast.lock('a').acquire()
    store.next('acquire', { replyDelayMs: 2_000 })
    const late = failureOf(() => holdfast.lock('b').acquire())
    const closing = holdfast.close({ drainMs: '10s' })
    await time.advance(2_500)
    expect((await late).message).toContain('closed')
    expect(records.inspect('holdfast:b')).toBeUndefined()
    await lease.release()
    await closing
  })

  it('is an option of the global close() too', async () => {
    configure({ store: memory() })
    const lease = await lock(freshKey()).acquire()
    const closing = close({ drainMs: '10s' })
    expect(lease.closing.aborted).toBe(true)
    expect(lease.active).toBe(true)
    await lease.release()
    await closing
  })

  it.each([{ drainMs: '10 s' }, { drainMs: -1 }, { drainMs: null }, { drain: 5 }])(
    'refuses %j, and closes nothing',
    async (options) => {
      const holdfast = createHoldfast()
      const wrong = options as { drainMs: number }
      expect((await failureOf(() => holdfast.close(wrong))).code).toBe('INVALID_OPTION')
      expect(await holdfast.lock(freshKey()).tryAcquire()).toBeDefined()
      configure()
      expect((await failureOf(() => close(wrong))).code).toBe('INVALID_OPTION')
      expect(await lock(freshKey()).tryAcquire()).toBeDefined()
      await Promise.all([holdfast.close(), close()])
    },
  )
})

describe('close()', () => {
  onEachBackend(({ open }) => {
    it('waits for a release that is under way', async () => {
      const [holdfast, other] = [open(), open()]
      const lease = await holdfast.lock(freshKey()).acquire()
      const released = lease.release()
      await holdfast.close()
      expect(await other.lock(lease.key).isLocked()).toBe(false)
      expect(await released).toBe(true)
    })

    it('tells those who hold that it closes', async () => {
      const holdfast = open()
      const lease = await holdfast.lock(freshKey()).acquire()
      const { closing } = lease
      await holdfast.close()
      expect(closing.aborted).toBe(true)
      expect(lease.signal.aborted).toBe(false)
    })
  })

  it.each([['SIGTERM'], [15], [new Event('abort')], [() => undefined], [null]])(
    'may be a listener, called with %s',
    async (argument) => {
      const holdfast = createHoldfast()
      const listener = holdfast.close as (argument: unknown) => Promise<void>
      const lease = await holdfast.lock(freshKey()).acquire()
      await listener(argument)
      expect(lease.active).toBe(false)
    },
  )
})
