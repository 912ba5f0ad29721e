import { createHoldfast } from 'holdfast'
import { redis } from 'holdfast/redis'
import { Redis } from 'ioredis'
import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { startRedis } from '../support/servers/redis.js'

test('commands of one tick travel in one write', async () => {
  const server = await startRedis()
  const client = new Redis(server.url)
  const { lock, close } = createHoldfast({ store: redis(client) })
  const readsOf = async (use: () => Promise<unknown>): Promise<number> => {
    const before = await reads()
    await use()
    return (await reads()) - before
  }
  const reads = async (): Promise<number> => {
    const [, count] = /total_reads_processed:(\d+)/.exec(await client.info('stats')) ?? []
    return Number(count)
  }
  const locks = Array.from({ length: 64 }, () => lock(randomUUID(), { wait: 5000 }))
  const leases = await Promise.all(locks.map((one) => one.acquire())) // scripts are loaded now
  await Promise.all(leases.map((lease) => lease.release()))

  const together = await readsOf(() => Promise.all(locks.map((one) => one.acquire())))
  const alone = await readsOf(async () => {
    for (const one of locks) await one.release()
  })
  expect(together).toBeLessThan(10)
  expect(alone).toBeGreaterThanOrEqual(64)
  await close()
  client.disconnect()
  await server.stop()
})
