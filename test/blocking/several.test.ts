import { describe, expect, it } from 'vitest'
import { beBusy, freshKey, open, openAsync, thrownBy } from './support.js'

const ttlMs = 500

describe('several keys on a store that blocks', () => {
  it('are had all or none, and released', async () => {
    const { lock } = open()
    const elsewhere = openAsync()
    const [a, b] = [freshKey(), freshKey()]
    const busy = await elsewhere.lock(b).acquire()
    expect(thrownBy(() => lock([a, b]).acquireSync())).toMatchObject({ code: 'LOCKED', key: b })
    expect(await elsewhere.lock(a).isLocked()).toBe(false)
    await busy.release()
    const lease = lock([a, b]).acquireSync()
    expect(await elsewhere.lock([b, a]).tryAcquire()).toBeUndefined()
    expect(lease.release()).toBe(true)
    expect(lock([a, b]).inspectSync()).toEqual([])
  })

  it.each([
    ['', {}],
    [' with a limit', { expire: '1m' } as const],
  ])('are kept while the thread is busy%s', (_, options) => {
    const { lock } = open()
    const lease = lock([freshKey(), freshKey(), freshKey()], { ttl: ttlMs, ...options }).acquireSync()
    beBusy(ttlMs * 3)
    expect(lease.active).toBe(true)
    expect(lock([...lease.keys]).inspectSync().map(({ holders }) => holders[0]?.token)).toEqual([...lease.tokens.values()]) // prettier-ignore
    expect(lease.release()).toBe(true)
  })

  it('are waited for one after the other', async () => {
    const { lock } = open()
    const keys = [freshKey(), freshKey()]
    await openAsync()
      .lock(keys[0] ?? '', { expire: 300 })
      .acquire()
    await openAsync()
      .lock(keys[1] ?? '', { expire: 900 })
      .acquire()
    const lease = lock(keys, { wait: '10s', ttl: ttlMs, minHold: 100 }).acquireSync()
    expect(lease.active).toBe(true)
    expect(lease.release()).toBe(true)
  })
})
