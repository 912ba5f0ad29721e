import { setTimeout as sleep } from 'node:timers/promises'
import {
  type AsyncLock,
  createHoldfast,
  DeadlockError,
  type LockOptions,
  LockTimeoutError,
  memory,
  type SyncStore,
} from 'holdfast'
import { describe, expect, it } from 'vitest'
import { rejection, world } from '../support/world.js'
import { failureOf, freshKey, latch, thrownBy } from './support/tools.js'

const wait = true

/** What each of these comes to: 'done', or the error. */
async function outcomes(bodies: readonly Promise<unknown>[]): Promise<unknown[]> {
  return await Promise.all(
    bodies.map((body) =>
      body.then(
        () => 'done',
        (error: unknown) => error,
      ),
    ),
  )
}

/** Bodies that each hold a key, wait for all others to hold theirs, then for the key of the next. */
function circle(
  holdfast: { lock(key: string, options: LockOptions): AsyncLock },
  keys: readonly string[],
): Promise<unknown>[] {
  const all = latch()
  let missing = keys.length
  return keys.map((key, index) => {
    const next = keys[(index + 1) % keys.length] ?? key
    return holdfast.lock(key, { wait, label: `holder of ${key}` }).run(async () => {
      if (--missing === 0) all.open()
      await all.promise
      await holdfast.lock(next, { wait }).run(() => undefined)
    })
  })
}

/** Is everything still waiting after a long time? */
async function stays(time: { advance(ms: number): Promise<void> }, ...waits: Promise<unknown>[]): Promise<boolean> {
  let settled = 0
  for (const one of waits) one.catch(() => undefined).finally(() => settled++)
  await time.advance(60_000)
  return settled === 0
}

describe('a deadlock', () => {
  it.each([2, 3, 5])('of %i bodies fails the youngest wait, and names all holders', async (count) => {
    const { time, holdfast, warnings } = world()
    const keys = Array.from({ length: count }, (_, index) => `k${index}`)
    const done = outcomes(circle(holdfast, keys))
    await time.advance(1000)
    const results = await done
    const failed = results.filter((one) => one !== 'done')
    expect(failed).toHaveLength(1)
    const error = failed[0] as DeadlockError
    expect(error).toBeInstanceOf(DeadlockError)
    expect(error).toMatchObject({ code: 'DEADLOCK', key: 'k0' })
    expect(error.holders.map(({ key }) => key)).toEqual(keys)
    for (const { key, label, since } of error.holders) {
      expect(label).toBe(`holder of ${key}`)
      expect(since).toBeInstanceOf(Date)
    }
    expect(error.message).toContain('k0 is held as "holder of k0" since ')
    expect(warnings.filter((text) => text.includes('never end'))).toHaveLength(1)
  })

  it('in the memory of this process is told within a quarter of a second', async () => {
    const holdfast = createHoldfast()
    const before = performance.now()
    const results = await outcomes(circle(holdfast, [freshKey(), freshKey()]))
    expect(results.filter((one) => one instanceof DeadlockError)).toHaveLength(1)
    expect(performance.now() - before).toBeLessThan(2000)
    await holdfast.close()
  })

  it('of a body with itself says how to let it in', async () => {
    const { time, holdfast } = world()
    const inner = async (): Promise<void> => await holdfast.lock('k', { wait }).run(() => undefined)
    const failed = rejection(holdfast.lock('k').run(inner))
    const waited = rejection(holdfast.lock('j').run(async () => await holdfast.lock('j', { wait }).acquire()))
    const wrapped = holdfast.lock('w', { wait })(async (left: number): Promise<unknown> => left && wrapped(left - 1))
    const recursive = rejection(wrapped(1))
    await time.advance(1000)
    for (const error of [await failed, await waited, await recursive]) {
      expect(error).toBeInstanceOf(DeadlockError)
      expect(error.message).toContain('reentrant: true')
    }
    expect(await holdfast.lock('k').isLocked()).toBe(false)
  })

  it('of a body with itself is none if the wait has an end: it is over then', async () => {
    const { time, holdfast } = world()
    const failed = rejection(holdfast.lock('k').run(async () => await holdfast.lock('k', { wait: '10s' }).acquire()))
    await time.advance(10_000)
    expect(await failed).toMatchObject({ code: 'LOCK_TIMEOUT' })
  })

  it('of a sync body with itself is told before the thread blocks for ever', () => {
    const records = memory()
    const elsewhere = { ...records.capabilities, scope: 'network' as const }
    const store = new Proxy(records, {
      get: (target, name: keyof SyncStore) => {
        const value: unknown = name === 'capabilities' ? elsewhere : target[name]
        return typeof value === 'function' ? (value.bind(target) as unknown) : value
      },
    })
    const { lock } = createHoldfast({ store })
    const key = freshKey()
    const plain = lock(key, { wait })((left: number): unknown => left && plain(left - 1))
    for (const call of [() => plain(1), () => lock(key).runSync(() => lock(key, { wait }).acquireSync())]) {
      expect(thrownBy(call)).toMatchObject({ code: 'DEADLOCK' })
      expect(thrownBy(call).message).toContain('reentrant: true')
    }
  })

  it('of a sync body with itself in memory is a wait that is over at once, like each wait there', () => {
    const { lock } = createHoldfast()
    const key = freshKey()
    const plain = lock(key, { wait: '1h' })((left: number): unknown => left && plain(left - 1))
    for (const call of [() => plain(1), () => lock(key).runSync(() => lock(key, { wait }).acquireSync())]) {
      expect(thrownBy(call)).toMatchObject({ code: 'LOCK_TIMEOUT' })
    }
    expect(lock(key).runSync(() => lock(key, { wait: '1h' }).tryAcquireSync())).toBeUndefined()
    const expiring = lock(key, { expire: 10 }).runSync(() => lock(key, { wait: '1m' }).acquireSync())
    expect(expiring.release()).toBe(true)
  })

  it('is found through helpers, promises of all, then and a limit of time', async () => {
    const { time, holdfast } = world()
    const ways: readonly ((call: () => Promise<unknown>) => Promise<unknown>)[] = [
      (call) => call(),
      async (call) => await Promise.all([call(), Promise.resolve()]),
      async (call) =>
        await Promise.allSettled([call()]).then(([one]) => Promise.reject((one as PromiseRejectedResult).reason)),
      (call) => call().then((value) => value),
      async (call) => {
        const started = call()
        await new Promise(setImmediate)
        return await started
      },
    ]
    for (const [index, way] of ways.entries()) {
      const lock = holdfast.lock(`k${index}`, { wait })
      const failed = rejection(lock.run(() => way(() => lock.run(() => undefined))))
      await time.advance(1000)
      expect(await failed).toBeInstanceOf(DeadlockError)
    }
  })

  it('is found where the wait is awaited only later', async () => {
    const { time, holdfast } = world()
    const lock = holdfast.lock('k', { wait })
    const go = latch()
    const failed = rejection(
      lock.run(async () => {
        const started = lock.run(() => undefined)
        await go.promise
        await started
      }),
    )
    expect(await stays(time, failed)).toBe(true)
    go.open()
    await time.advance(60_000)
    expect(await failed).toBeInstanceOf(DeadlockError)
  })

  it('is found among writers, and between a writer and the readers it keeps out', async () => {
    const { time, holdfast } = world()
    const a = holdfast.rwLock('a', { wait })
    const b = holdfast.rwLock('b', { wait })
    const both = latch()
    const done = outcomes([
      a.write.run(async () => {
        await both.promise
        await b.read.run(() => undefined)
      }),
      b.write.run(async () => {
        both.open()
        await a.write.run(() => undefined)
      }),
    ])
    await time.advance(1000)
    expect((await done).filter((one) => one instanceof DeadlockError)).toHaveLength(1)
  })

  it('is found between stores of one instance', async () => {
    const holdfast = createHoldfast({ stores: { other: 'memory:' } })
    const both = latch()
    const key = freshKey()
    const results = await outcomes([
      holdfast.lock(key).run(async () => {
        await both.promise
        await holdfast.lock(key, { store: 'other', wait }).run(() => undefined)
      }),
      holdfast.lock(key, { store: 'other' }).run(async () => {
        both.open()
        await holdfast.lock(key, { wait }).run(() => undefined)
      }),
    ])
    expect(results.filter((one) => one instanceof DeadlockError)).toHaveLength(1)
    await holdfast.close()
  })

  it('is not found where onDeadlock is ignore', async () => {
    const { time } = world()
    const holdfast = createHoldfast({ env: time, onDeadlock: 'ignore' })
    const lock = holdfast.lock(freshKey(), { wait: '2m' })
    const failed = rejection(lock.run(() => lock.run(() => undefined)))
    expect(await stays(time, failed)).toBe(true)
    await time.advance(120_000)
    expect(await failed).toBeInstanceOf(LockTimeoutError)
    expect(thrownBy(() => lock.runSync(() => lock.runSync(() => undefined))).code).toBe('LOCK_TIMEOUT')
    await holdfast.close()
  })
})

describe('no deadlock', () => {
  it('is what is started within a body and not awaited', async () => {
    const { time, holdfast } = world()
    const lock = holdfast.lock('k', { wait })
    const free = latch()
    let next: Promise<string> | undefined
    const first = lock.run(async () => {
      next = lock.run(() => 'its turn')
      await free.promise
      return 'ended'
    })
    expect(await stays(time, first, next ?? first)).toBe(true)
    free.open()
    await time.advance(100)
    expect(await first).toBe('ended')
    expect(await next).toBe('its turn')
  })

  it('are two bodies of which one goes on by itself', async () => {
    const { time, holdfast } = world()
    const free = latch()
    let detached: Promise<void> | undefined
    const a = holdfast.lock('a').run(async () => {
      detached = holdfast.lock('b', { wait }).run(() => undefined)
      await free.promise
    })
    const b = holdfast.lock('b').run(async () => await holdfast.lock('a', { wait }).run(() => undefined))
    expect(await stays(time, a, b)).toBe(true)
    free.open()
    await time.advance(100)
    await Promise.all([a, b, detached])
  })

  it('are siblings: one waits for what the other holds', async () => {
    const { time, holdfast } = world()
    const free = latch()
    const done = holdfast.lock('x').run(async () => {
      await Promise.all([
        holdfast.lock('a').run(async () => await free.promise),
        holdfast.lock('b').run(async () => await holdfast.lock('a', { wait }).run(() => undefined)),
      ])
    })
    expect(await stays(time, done)).toBe(true)
    free.open()
    await time.advance(100)
    await done
  })

  it('is a holder that ends by its expire, a pool, a reader, or one that only tries', async () => {
    const { time, holdfast } = world()
    const lock = holdfast.lock('k', { expire: '30s', wait })
    const expiring = lock.run(async () => await lock.run(() => 'after it'))
    const pool = holdfast.pool('p', { max: 2, wait: '2m' })
    const pooled = rejection(pool.run(() => pool.run(() => pool.run(() => undefined))))
    const { read, write } = holdfast.rwLock('rw', { wait: '2m' })
    const reading = rejection(read.run(() => write.run(() => undefined)))
    const tried = holdfast.lock('t').run(() => holdfast.lock('t', { wait: '1m' }).tryAcquire())
    expect(await stays(time, pooled, reading)).toBe(true)
    expect(await expiring).toBe('after it')
    expect(await tried).toBeUndefined()
    await time.advance(120_000)
    expect(await pooled).toMatchObject({ code: 'POOL_FULL' })
    expect(await reading).toMatchObject({ code: 'LOCK_TIMEOUT' })
  })

  it('is a reentrant lock in itself', async () => {
    const { time, holdfast } = world()
    const lock = holdfast.lock('k', { wait, reentrant: true })
    const free = latch()
    const done = lock.run(async () => await Promise.all([lock.run(() => free.promise), lock.run(() => 'second')]))
    expect(await stays(time, done)).toBe(true)
    free.open()
    expect(await done).toEqual([undefined, 'second'])
  })

  it('is contention, however long: the stack is left as it was', async () => {
    const { time, holdfast } = world()
    const { prepareStackTrace, stackTraceLimit } = Error
    const free = latch()
    const lock = holdfast.lock('k', { wait })
    const all = Promise.all(Array.from({ length: 300 }, () => lock.run(() => free.promise)))
    expect(await stays(time, all)).toBe(true)
    expect(Error.prepareStackTrace).toBe(prepareStackTrace)
    expect(Error.stackTraceLimit).toBe(stackTraceLimit)
    free.open()
    await time.advance(1000)
    await all
  })

  it('is told of a wait that ends meanwhile, by its grant or its signal', async () => {
    const { lock, close } = createHoldfast()
    const stop = new AbortController()
    const key = freshKey()
    const stopped = lock(key).run(() => lock(key, { wait, signal: stop.signal }).run(() => undefined))
    await sleep(20)
    stop.abort(new Error('stopped'))
    await expect(stopped).rejects.toThrow('stopped')
    expect(await failureOf(() => lock(key).run(() => lock(key, { wait: 20 }).acquire()))).toBeInstanceOf(
      LockTimeoutError,
    )
    await close()
  })
})
