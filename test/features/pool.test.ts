import { createHoldfast, DeadlockError, InvalidOptionError, LockLostError, PoolFullError } from 'holdfast'
import { describe, expect, expectTypeOf, test } from 'vitest'
import { rejection, world } from '../support/world.js'

describe('a pool', () => {
  test('is held by as many as it has permits, and says who when it is full', async () => {
    const { pool } = createHoldfast()
    const api = pool('api', { max: 2, label: 'importer' })
    const first = await api.acquire()
    await api.acquire()
    const error = await rejection(api.acquire())
    expect(error).toBeInstanceOf(PoolFullError)
    expect(error).toMatchObject({ code: 'POOL_FULL', key: 'api', max: 2, waitedMs: 0 })
    expect(error).toHaveProperty('holders.length', 2)
    expect(error).toMatchObject({ holders: [{ pid: process.pid, label: 'importer' }, { pid: process.pid }] })
    expect(error.message).toMatch(
      /^api is full: it has 2 permits: held by "importer" pid \d+ .* and by 1 more\. Wait for a place/,
    )
    expect(await api.tryAcquire()).toBeUndefined()
    await first.release()
    expect(await api.size()).toBe(1)
    expect((await api.acquire()).active).toBe(true)
  })

  test('says the same in sync code, and in the log', () => {
    const warnings: string[] = []
    const { pool } = createHoldfast({ logger: { warn: (text) => warnings.push(text) } })
    const api = pool('api', { max: 1 })
    const lease = api.acquireSync()
    expect(() => api.acquireSync()).toThrow(PoolFullError)
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toMatch(/^api is full/)
    expect(api.sizeSync()).toBe(1)
    lease.release()
    expect(api.sizeSync()).toBe(0)
  })

  test('counts the permits of each request', async () => {
    const { pool } = createHoldfast()
    const heavy = pool('cpu', { max: 4, permits: 3 })
    const light = pool('cpu', { max: 4 })
    const lease = await heavy.acquire()
    await light.acquire()
    expect(await light.size()).toBe(4)
    expect(await light.tryAcquire()).toBeUndefined()
    await lease.release()
    expect(await heavy.tryAcquire()).toBeDefined()
  })

  test('names both numbers where programs disagree', async () => {
    const { pool } = createHoldfast()
    await pool('api', { max: 2 }).acquire()
    const error = await rejection(pool('api', { max: 5 }).acquire())
    expect(error).toBeInstanceOf(InvalidOptionError)
    expect(error.message).toMatch(/\b2\b.*\b5\b/)
  })

  test.each([
    [{}, /give \{ max: 10 \}/],
    [{ max: 0 }, /max is 0/],
    [{ max: 1.5 }, /max is 1\.5/],
    [{ max: 2 ** 30 }, /2\^30/],
    [{ max: 2, permits: 3 }, /could never be granted/],
    [{ max: 2, onFull: 'no' }, /a function/],
    [{ max: 2, onful: 1 }, /did you mean 'onFull'/],
  ])('refuses %o', (options, text) => {
    const { pool } = createHoldfast()
    expect(() => pool('api', options as { max: number })).toThrow(text)
  })

  test('serves those who wait in order, on a store across the network too', async () => {
    const { holdfast, other } = world()
    const served: number[] = []
    const api = holdfast.pool('api', { max: 2, wait: '1m', ttl: '10s' })
    const [first, second] = [await api.acquire(), await api.acquire()]
    const waits = Array.from({ length: 6 }, async (_, index) => {
      const lease = await api.acquire()
      served.push(index)
      await lease.release()
    })
    expect(await other().pool('api', { max: 2 }).tryAcquire()).toBeUndefined()
    await first.release()
    await Promise.all(waits)
    expect(served).toEqual([0, 1, 2, 3, 4, 5])
    await second.release()
    expect(await api.size()).toBe(0)
  })

  test('gives tokens that grow, in memory', async () => {
    const { pool } = createHoldfast()
    const api = pool('api', { max: 2, wait: true })
    const tokens: number[] = []
    await Promise.all(Array.from({ length: 20 }, () => api.run(({ token }) => void tokens.push(token))))
    expect(tokens).toEqual([...new Set(tokens)].sort((a, b) => a - b))
  })

  test('tells who waited in vain how long', async () => {
    const { time, holdfast } = world()
    const api = holdfast.pool('api', { max: 1, ttl: '1m', wait: '2s' })
    await api.acquire()
    const failing = rejection(api.acquire())
    await time.advance(2_100)
    expect(await failing).toMatchObject({ code: 'POOL_FULL', waitedMs: expect.closeTo(2_000, -2) as number })
  })

  test('passes over who gives up, wherever it stands', async () => {
    const { pool } = createHoldfast()
    const api = pool('api', { max: 2, wait: true })
    const held = [await api.acquire(), await api.acquire()]
    const controllers = Array.from({ length: 5 }, () => new AbortController())
    const waits = controllers.map(({ signal }) => pool('api', { max: 2, wait: true, signal }).acquire())
    const outcomes = waits.map((wait) =>
      wait.then(
        () => 'held',
        () => 'gave up',
      ),
    )
    controllers[0]?.abort()
    controllers[3]?.abort()
    for (const lease of held) await lease.release()
    await (await waits[1])?.release()
    expect(await Promise.all(outcomes)).toEqual(['gave up', 'held', 'held', 'gave up', 'held'])
    expect(await api.size()).toBe(2)
  })
})

describe('a function in a pool', () => {
  test('runs beside others until the pool is full, and then gives what onFull gives for its arguments', async () => {
    const { pool } = createHoldfast()
    let finish = (): void => undefined
    const gate = new Promise<void>((resolve) => (finish = resolve))
    const fetchPage = pool('api-{user}', { max: 1, onFull: (user: string, page: number) => [user, page] as const })(
      async (user: string, page: number) => {
        await gate
        return `${user} ${page}`
      },
    )
    const first = fetchPage('anna', 1)
    expect(await fetchPage('anna', 2)).toEqual(['anna', 2])
    expect(await fetchPage.size('anna', 0)).toBe(1)
    expect(await fetchPage.size('ben', 0)).toBe(0)
    finish()
    expect(await first).toBe('anna 1')
    expectTypeOf(fetchPage).returns.resolves.toEqualTypeOf<string | readonly [string, number]>()
  })

  test('throws without onFull, in sync code too, and keeps `this` for onFull', async () => {
    const { pool } = createHoldfast()
    const outer: () => unknown = pool('one', { max: 1 })((): unknown => outer())
    expect(outer).toThrow(PoolFullError)
    class Api {
      readonly name = 'api'
      calls = 0
      load = pool('two', {
        max: 1,
        onFull(this: Api) {
          return this.name
        },
      })(function (this: Api): string {
        this.calls++
        return this.calls > 1 ? 'never' : this.load()
      })
    }
    expect(new Api().load()).toBe('api')
  })

  test('does not take the full pool of its own body for its own', async () => {
    const { pool } = createHoldfast()
    await pool('inner', { max: 1 }).acquire()
    const job = pool('outer', { max: 1, onFull: () => 'full' })(async () => {
      await pool('inner', { max: 1 }).acquire()
    })
    expect(await rejection(job())).toMatchObject({ code: 'POOL_FULL', key: 'inner' })
  })
})

describe('a lock for readers and writers', () => {
  test('lets readers share, and a writer be alone', async () => {
    const { rwLock } = createHoldfast()
    const { read, write } = rwLock('config')
    const readers = [await read.acquire(), await read.acquire()]
    expect(await write.tryAcquire()).toBeUndefined()
    for (const lease of readers) await lease.release()
    const writer = await write.acquire()
    expect(await read.tryAcquire()).toBeUndefined()
    expect((await rejection(read.acquire())).message).toMatch(/^config is already locked/)
    await writer.release()
    expect(await read.tryAcquire()).toBeDefined()
  })

  test.each(['memory', 'network'] as const)('serves in order of arrival: %s', async (where) => {
    const { rwLock } = where === 'memory' ? createHoldfast() : world().holdfast
    const { read, write } = rwLock('config', { wait: true, ttl: '10s' })
    const events: string[] = []
    const first = await read.acquire()
    const take = async (name: string, lock: typeof read | typeof write): Promise<void> => {
      const lease = await lock.acquire()
      events.push(`+${name}`)
      await Promise.resolve()
      events.push(`-${name}`)
      await lease.release()
    }
    const all = [take('w1', write), take('r1', read), take('r2', read), take('w2', write), take('r3', read)]
    await first.release()
    await Promise.all(all)
    expect(events[0]).toBe('+w1')
    expect(events[1]).toBe('-w1')
    expect(events.slice(2, 6).sort()).toEqual(['+r1', '+r2', '-r1', '-r2'])
    expect(events.slice(6)).toEqual(['+w2', '-w2', '+r3', '-r3'])
  })

  test.each(['memory', 'network'] as const)('goes from writing to reading without a gap: %s', async (where) => {
    const { rwLock } = where === 'memory' ? createHoldfast() : world().holdfast
    const { read, write } = rwLock('config', { wait: true, ttl: '10s' })
    const writer = await write.acquire()
    const order: string[] = []
    const later = [
      read.acquire().then((lease) => (order.push('reader'), lease)),
      write.acquire().then((lease) => (order.push('writer'), lease)),
    ]
    const reader = await writer.downgrade()
    expect(writer.active).toBe(false)
    expect(reader).toMatchObject({ active: true, token: writer.token })
    await (await later[0])?.release()
    expect(order).toEqual(['reader'])
    await reader.release()
    await (await later[1])?.release()
    expect(order).toEqual(['reader', 'writer'])
  })

  test('goes from writing to reading in sync code', () => {
    const { rwLock } = createHoldfast()
    const { read, write } = rwLock('config')
    using reader = write.acquireSync().downgrade()
    expect(read.tryAcquireSync()?.release()).toBe(true)
    expect(write.tryAcquireSync()).toBeUndefined()
    expect(reader.active).toBe(true)
  })

  test('does not go on reading what it lost while it wrote', async () => {
    const { records, holdfast } = world()
    const writer = await holdfast.rwLock('config', { ttl: '10s' }).write.acquire()
    records.forceRelease('holdfast:config')
    expect(await rejection(writer.downgrade())).toBeInstanceOf(LockLostError)
    expect(writer.active).toBe(false)
  })

  test('has no way from reading to writing, and says why', async () => {
    const { rwLock } = createHoldfast()
    const lease = await rwLock('config').read.acquire()
    expect(() => lease.upgrade()).toThrow(DeadlockError)
    expect(() => lease.upgrade()).toThrow(/two such readers.*Release it, acquire \.write/)
  })
})

describe('once', () => {
  test('runs unless it is running already', async () => {
    const { once } = createHoldfast()
    let finish = (): void => undefined
    const gate = new Promise<void>((resolve) => (finish = resolve))
    const report = once('report-{day}')(async (day: number) => {
      await gate
      return day
    })
    const first = report(1)
    expect(await report(1)).toBeUndefined()
    const second = report(2)
    finish()
    expect(await first).toBe(1)
    expect(await second).toBe(2)
    expect(await report(1)).toBe(1)
    expectTypeOf(report).returns.resolves.toEqualTypeOf<number | undefined>()
  })

  test('gives otherwise, or throws, where it is running', async () => {
    const { once, lock } = createHoldfast()
    await lock('report').acquire()
    expect(await once('report', { otherwise: 'busy' }).run(() => 1)).toBe('busy')
    expect(once('report', { otherwise: 'busy' }).runSync(() => 1)).toBe('busy')
    expect(await rejection(once('report', { throwIfLocked: true }).run(() => 1))).toMatchObject({ code: 'LOCKED' })
    expect(once('report', { otherwise: 0 })(() => 1)()).toBe(0)
    expect(once('report', { throwIfLocked: true })(() => 1)).toThrow('report is already locked')
    expect(() => once('report', { throwIfLocked: 'yes' as unknown as boolean })).toThrow('true or false')
  })

  test('lets ten instances that start at the same second run one job, though it is short', async () => {
    const { time, other } = world()
    let runs = 0
    const start = (): Promise<unknown> =>
      other()
        .once('report', { minHold: '10s' })
        .run(() => {
          runs++
        })
    await Promise.all(Array.from({ length: 10 }, start))
    await time.advance(5_000)
    await start()
    expect(runs).toBe(1)
    await time.advance(6_000)
    await start()
    expect(runs).toBe(2)
  })
})
