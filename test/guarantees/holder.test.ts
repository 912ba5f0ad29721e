/** docs/guarantees.md: what happens to a holder on Redis, and to its key. */
import { describe, expect, test } from 'vitest'
import { until } from '../support/until.js'
import { distantProcess, FencedValue, processOn, server } from './support.js'

describe('a holder on Redis', () => {
  test('that is cut off knows of its loss before another is granted', async () => {
    const redis = await server()
    const { holdfast, proxy } = await distantProcess(redis)
    const there = processOn(redis)
    await there.lock('report').isLocked()
    const first = await holdfast.lock('report', { ttl: '1s' }).acquire()
    proxy.blackhole(true)
    const waiting = there.lock('report', { wait: '5s' }).acquire()
    let activeAtGrant = true
    const second = await waiting.finally(() => (activeAtGrant = first.active))
    expect(activeAtGrant).toBe(false)
    expect(second.active).toBe(true)
  })

  test('that does not look at its lease writes all the same: only the fence refuses it', async () => {
    const redis = await server()
    const { holdfast, proxy } = await distantProcess(redis)
    const first = await holdfast.lock('report', { ttl: '500ms' }).acquire()
    proxy.blackhole(true)
    const second = await processOn(redis).lock('report', { wait: '5s' }).acquire()
    const [unfenced, fenced] = [{ value: '' }, new FencedValue()]
    for (const [name, lease] of [
      ['first', first],
      ['second', second],
      ['first, late', first],
    ] as const) {
      unfenced.value = name
      fenced.write(name, lease)
    }
    expect(unfenced.value).toBe('first, late') // this is what is not promised
    expect(fenced.value).toBe('second')
  })

  test('that is cut off for less than its lease goes on as if nothing had been', async () => {
    const redis = await server()
    const { holdfast, proxy } = await distantProcess(redis)
    const lease = await holdfast.lock('report', { ttl: '3s' }).acquire()
    proxy.blackhole(true)
    await until(() => lease.remainingMs < 1_500)
    proxy.blackhole(false)
    await until(() => lease.remainingMs > 1_600) // renewed
    expect(await lease.release()).toBe(true)
  })
})
