import { PoolFullError } from 'holdfast'
import { describe, expect, it } from 'vitest'
import { until } from '../support/until.js'
import { beBusy, elsewhere, freshKey, open, openAsync, thrownBy, url } from './support.js'

describe('more than a lock, in sync calls on Redis', () => {
  it('is a pool: as many hold as it has permits, and the next is told who', () => {
    const { pool } = open()
    const api = pool(freshKey(), { max: 2, label: 'importer' })
    const first = api.acquireSync()
    api.acquireSync()
    const error = thrownBy(() => api.acquireSync())
    expect(error).toBeInstanceOf(PoolFullError)
    expect(error).toMatchObject({ max: 2, holders: [{ pid: process.pid, label: 'importer' }, {}] })
    expect(api.sizeSync()).toBe(2)
    first.release()
    expect(api.runSync(() => api.sizeSync())).toBe(2)
    expect(api.sizeSync()).toBe(1)
  })

  it('is a pool that is resized by another process, and resizes', async () => {
    const [{ pool }, remote] = [open(), openAsync()]
    const key = freshKey()
    const api = pool(key, { max: 2 })
    api.acquireSync()
    api.acquireSync()
    await remote.pool(key, { max: 2 }).resize(3)
    const third = api.acquireSync()
    api.resizeSync(1)
    third.release()
    expect(api.tryAcquireSync()).toBeUndefined()
    expect((await remote.pool(key, { max: 2 }).inspect())?.limit).toBe(1)
  })

  it('is a pool in a wrapped function, with onFull', () => {
    const { pool } = open()
    const load = pool(`api-${freshKey()}-{user}`, { max: 1, onFull: (user: string) => `${user} is full` })(
      (user: string): string => `${user}, and then: ${load(user)}`,
    )
    expect(load('anna')).toBe('anna, and then: anna is full')
    expect(load.size('anna')).toBe(0)
  })

  it('waits for a permit while the thread is blocked', async () => {
    const { pool } = open()
    const key = freshKey()
    const api = pool(key, { max: 2, wait: '10s' })
    api.acquireSync()
    api.acquireSync()
    const { done } = await elsewhere(url, 100, `DEL holdfast:${key}`)
    expect(api.runSync(({ active }) => active)).toBe(true)
    await done
  })

  it('has readers that share, and a writer alone that goes on as a reader', async () => {
    const [{ rwLock }, remote] = [open(), openAsync()]
    const key = freshKey()
    const { read, write } = rwLock(key)
    const readers = [read.acquireSync(), read.acquireSync()]
    expect(write.tryAcquireSync()).toBeUndefined()
    for (const lease of readers) lease.release()
    const writer = write.acquireSync()
    expect(await remote.rwLock(key).read.tryAcquire()).toBeUndefined()
    const reader = writer.downgrade()
    expect(writer.active).toBe(false)
    expect(reader.token).toBe(writer.token)
    const other = await remote.rwLock(key).read.acquire()
    expect(await remote.rwLock(key).write.tryAcquire()).toBeUndefined()
    reader.release()
    await other.release()
    expect(write.runSync(({ active }) => active)).toBe(true)
  })

  it('runs once, and gives otherwise where it is running', async () => {
    const [{ once }, remote] = [open(), openAsync()]
    const key = freshKey()
    const job = once(key, { otherwise: 'runs elsewhere' })
    let ran = 0
    const report = once(key, { otherwise: 'runs elsewhere' })((): string => `${String(++ran)}: ${report()}`)
    expect(report()).toBe('1: runs elsewhere')
    const held = await remote.lock(key).acquire()
    expect(job.runSync(() => 'ran')).toBe('runs elsewhere')
    expect(() => once(key, { throwIfLocked: true }).runSync(() => 'ran')).toThrow(/already locked/)
    await held.release()
    expect(job.runSync(() => 'ran')).toBe('ran')
    expect(ran).toBe(1)
  })

  it('renews a permit while the thread is busy', async () => {
    const [{ pool }, remote] = [open(), openAsync()]
    const key = freshKey()
    const lease = pool(key, { max: 2, ttl: 1_000 }).acquireSync()
    beBusy(1_500)
    expect(lease.active).toBe(true)
    const there = remote.pool(key, { max: 2 })
    expect(await there.size()).toBe(1)
    lease.release()
    await until(async () => (await there.size()) === 0)
  })
})
