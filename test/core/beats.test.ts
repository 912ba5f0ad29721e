import { LockTimeoutError } from 'holdfast'
import { virtualEnv } from 'holdfast/testing'
import { expect, test } from 'vitest'
import { Pulse } from '../../src/core/pulse.js'
import { rejection, world } from '../support/world.js'

test('those who wait for many keys ask again at the same moments, every second at the latest', async () => {
  const { holdfast, other, store, time } = world({}, { wake: 'push' })
  const keys = Array.from({ length: 20 }, (_, index) => `k${index}`)
  const holder = other()
  const leases = await Promise.all(keys.map((key) => holder.lock(key, { ttl: '60s' }).acquire()))
  const waits: Promise<unknown>[] = []
  for (const key of keys) {
    waits.push(holdfast.lock(key, { wait: true, ttl: '60s' }).acquire())
    await time.advance(77)
  }
  await time.advance(1_000)
  const lastAskedMs = new Map(keys.map((key) => [`holdfast:${key}`, time.nowMs()]))
  const moments = new Set<number>()
  for (let step = 0; step < 400; step++) {
    const before = store.calls.length
    await time.advance(10)
    for (const { key = '' } of store.calls.slice(before)) {
      expect(time.nowMs() - (lastAskedMs.get(key) ?? 0)).toBeLessThanOrEqual(1_010)
      lastAskedMs.set(key, time.nowMs())
      moments.add(time.nowMs())
    }
  }
  expect(moments.size).toBeLessThanOrEqual(5)
  for (const lease of leases) await lease.release()
  await time.advance(100)
  await Promise.all(waits)
})

test('a wait that ends leaves no timer behind', async () => {
  const { holdfast, other, time } = world({}, { wake: 'push' })
  await other().lock('k', { ttl: '60s' }).acquire()
  await time.advance(100)
  const before = time.pendingTimers
  const waits = [1, 2].map(() => rejection(holdfast.lock('k', { wait: '3s' }).acquire()))
  await time.advance(2_500)
  expect(time.pendingTimers).toBeGreaterThan(before)
  await time.advance(600)
  for (const wait of waits) expect(await wait).toBeInstanceOf(LockTimeoutError)
  expect(time.pendingTimers).toBe(before)
})

test('a beat of more than 500 takes several turns of the event loop, and who has left is not called', async () => {
  const time = virtualEnv()
  const pulse = new Pulse(time, 1_000)
  const called: number[] = []
  let inFirstTurn = 0
  const members = Array.from({ length: 1_200 }, (_, index) =>
    pulse.join(() => {
      called.push(index)
      if (index === 1) members[900]?.clear()
      if (index === 1) time.setImmediate(() => (inFirstTurn = called.length))
    }),
  )
  members[0]?.clear()
  await time.advance(999)
  expect(called).toEqual([])
  await time.advance(1)
  expect(inFirstTurn).toBe(500)
  expect(called).toHaveLength(1_198)
  expect(called).not.toContain(0)
  expect(called).not.toContain(900)
  await time.advance(2_000)
  expect(called).toHaveLength(1_198)
})
