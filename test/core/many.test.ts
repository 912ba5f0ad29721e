import { createHoldfast, memory } from 'holdfast'
import { describe, expect, test } from 'vitest'
import { rejection, world } from '../support/world.js'

test('30,000 waiters on one key: a third time out, the others are served in order, nothing remains', async () => {
  const { holdfast, time } = world()
  const first = await holdfast.lock('k').acquire()
  const patient = holdfast.lock('k', { wait: true })
  const hasty = holdfast.lock('k', { wait: 1000 })
  const served: number[] = []
  let timedOut = 0
  const all = Array.from({ length: 30_000 }, async (_, index) => {
    const lease = index % 3 === 0 ? await hasty.tryAcquire() : await patient.acquire()
    if (lease === undefined) timedOut++
    else {
      served.push(index)
      await lease.release()
    }
  })
  await time.advance(1001)
  await first.release()
  await Promise.all(all)
  expect(timedOut).toBe(10_000)
  expect(served).toHaveLength(20_000)
  expect(served).toEqual([...served].sort((a, b) => a - b))
  expect(time.pendingTimers).toBe(0)
})

test('100,000 distinct keys locked and freed leave the heap where it was', async () => {
  const { lock } = createHoldfast({ store: memory() })
  const churn = async (from: number): Promise<void> => {
    for (let i = from; i < from + 100_000; i++) await (await lock(`key-${String(i)}`).acquire()).release()
  }
  await churn(0) // compiles the code, grows the tables
  const before = heap()
  await churn(100_000)
  expect((heap() - before) / 100_000).toBeLessThan(5)
})

function heap(): number {
  const { gc } = globalThis
  if (gc === undefined) throw new Error('run the tests with --expose-gc')
  gc()
  gc()
  return process.memoryUsage().heapUsed
}

describe('those who wait for a key', () => {
  test('are many: 100,000 wait where nothing else was said, and the next one does not', async () => {
    const { time, records } = world()
    const { lock, close } = createHoldfast({ store: records, env: time })
    const holder = await lock('key').acquire()
    const handle = lock('key', { wait: true })
    let served = 0
    const waits = Array.from({ length: 100_000 }, () => handle.run(() => (served += 1)))
    expect(await rejection(handle.acquire())).toMatchObject({ code: 'TOO_MANY_WAITERS' })
    await holder.release()
    await Promise.all(waits)
    expect(served).toBe(100_000)
    await close()
  })

  test('are as many as come, with Infinity', async () => {
    const { time, records } = world()
    const { lock, close } = createHoldfast({ store: records, env: time, maxWaiters: Number.POSITIVE_INFINITY })
    const holder = await lock('key').acquire()
    const waits = Array.from({ length: 100_001 }, () => lock('key', { wait: true }).run(() => undefined))
    await holder.release()
    expect(await Promise.all(waits)).toHaveLength(100_001)
    await close()
  })
})
