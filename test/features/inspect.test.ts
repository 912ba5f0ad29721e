import { hostname } from 'node:os'
import { describe, expect, it } from 'vitest'
import { createHoldfast, type Inspection } from 'holdfast'
import { onEachBackend } from './support/backends.js'
import { freshKey, latch, until } from './support/tools.js'

const shortHash = /^[0-9a-f]{8}$/
const here = { host: hostname(), pid: process.pid }

function isAbout(date: Date, sinceMs: number): void {
  expect(date).toBeInstanceOf(Date)
  expect(date.getTime()).toBeGreaterThanOrEqual(Math.floor(sinceMs))
  expect(date.getTime()).toBeLessThanOrEqual(Date.now())
}

describe('inspect()', () => {
  onEachBackend(({ name, open }) => {
    it('is undefined while nobody holds or waits, and again afterwards', async () => {
      const { lock } = open()
      const key = freshKey()
      expect(await lock(key).inspect()).toBeUndefined()
      const lease = await lock(key).acquire()
      expect(await lock(key).inspect()).toBeDefined()
      await lease.release()
      expect(await lock(key).inspect()).toBeUndefined()
    })

    it('tells who holds: since when, where, for how long, by which token, and what for', async () => {
      const [mine, theirs] = [open(), open()]
      const key = freshKey()
      const startMs = Date.now()
      const lease = await mine.lock(key, { label: 'nightly "run" 🌙', ttl: '20s' }).acquire()
      const seen = (await theirs.lock(key).inspect()) as Inspection
      expect(Object.keys(seen).sort()).toEqual(['holders', 'key', 'limit', 'waiters'])
      expect(seen).toMatchObject({ key, limit: 1, waiters: [] })
      expect(seen.holders).toHaveLength(1)
      const [holder] = seen.holders
      expect(Object.keys(holder ?? {}).sort()).toEqual(
        ['host', 'id', 'label', 'permits', 'pid', 'remainingMs', 'since', 'token'].sort(),
      )
      expect(holder).toMatchObject({ ...here, label: 'nightly "run" 🌙', token: lease.token, permits: 1 })
      expect(holder?.id).toMatch(shortHash)
      expect(holder?.remainingMs).toBeGreaterThan(15_000)
      expect(holder?.remainingMs).toBeLessThanOrEqual(20_000)
      isAbout(holder?.since ?? new Date(0), startMs)
    })

    it('gives undefined for what is not there: no label, and on memory no limit', async () => {
      const { lock } = open()
      const key = freshKey()
      await lock(key).acquire()
      const holder = (await lock(key).inspect())?.holders[0]
      expect(holder?.label).toBeUndefined()
      if (name === 'memory') expect(holder?.remainingMs).toBeUndefined()
      else expect(holder?.remainingMs).toBeLessThanOrEqual(30_000)
    })

    it('gives each acquisition an id of its own, the same whoever asks', async () => {
      const [mine, theirs] = [open(), open()]
      const key = freshKey()
      const ids = new Set<string>()
      for (let times = 0; times < 3; times++) {
        const lease = await mine.lock(key).acquire()
        const id = (await mine.lock(key).inspect())?.holders[0]?.id
        expect((await theirs.lock(key).inspect())?.holders[0]?.id).toBe(id)
        ids.add(id ?? '')
        await lease.release()
      }
      expect(ids.size).toBe(3)
    })

    it('tells all who wait in this process, in their order', async () => {
      const { lock } = open()
      const key = freshKey()
      const startMs = Date.now()
      const lease = await lock(key).acquire()
      const waits: Promise<unknown>[] = []
      for (const label of ['first', 'second', 'third']) {
        waits.push(lock(key, { wait: '10s', label }).run(() => label))
        await until(`${label} waits`, async () => (await lock(key).inspect())?.waiters.length === waits.length)
      }
      const waiters = (await lock(key).inspect())?.waiters ?? []
      expect(waiters.map(({ label }) => label)).toEqual(['first', 'second', 'third'])
      for (const waiter of waiters) {
        expect(Object.keys(waiter).sort()).toEqual(['host', 'id', 'label', 'pid', 'since'])
        expect(waiter).toMatchObject(here)
        expect(waiter.id).toMatch(shortHash)
        isAbout(waiter.since, startMs)
      }
      expect(new Set(waiters.map(({ id }) => id)).size).toBe(3)
      await lease.release()
      expect(await Promise.all(waits)).toEqual(['first', 'second', 'third'])
      expect(await lock(key).inspect()).toBeUndefined()
    })

    it('of a wrapped function finds the key by the arguments', async () => {
      const { lock } = open()
      const prefix = freshKey()
      const gate = latch()
      const work = lock(`${prefix}-{id}`, { label: 'work' })(async (id: number) => {
        await gate.promise
        return id
      })
      const running = work(1)
      await until('it runs', () => work.isLocked(1))
      expect(await work.inspect(1)).toMatchObject({ key: `${prefix}-1`, holders: [{ label: 'work', ...here }] })
      expect(await work.inspect(2)).toBeUndefined()
      gate.open()
      await running
    })

    it('finds out what a refusal tells as well', async () => {
      const { lock } = open()
      const key = freshKey()
      await lock(key, { label: 'holder' }).acquire()
      const seen = (await lock(key).inspect())?.holders[0]
      const error: unknown = await lock(key)
        .acquire()
        .catch((error: unknown) => error)
      expect(error).toMatchObject({ holder: { ...here, label: 'holder', since: seen?.since } })
      expect(String(error)).toContain(
        `${key} is already locked: held by "holder" pid ${process.pid} on ${hostname()} since ${seen?.since.toISOString() ?? ''}`,
      )
    })
  })

  it('in sync tells the same', () => {
    const { lock } = createHoldfast()
    const key = freshKey()
    expect(lock(key).inspectSync()).toBeUndefined()
    const lease = lock(key, { label: 'sync', expire: '9s' }).acquireSync()
    const seen = lock(key).inspectSync()
    expect(seen).toMatchObject({
      key,
      limit: 1,
      waiters: [],
      holders: [{ token: lease.token, label: 'sync', ...here }],
    })
    expect(seen?.holders[0]?.remainingMs).toBeLessThanOrEqual(9_000)
  })
})
