/** docs/guarantees.md: a replica takes over. Promoted by hand, as Sentinel, Cluster and managed services do it. */
import { describe, expect, test } from 'vitest'
import type { RedisServer } from '../support/servers/redis.js'
import { until } from '../support/until.js'
import { distantProcess, expectTwoHoldersAndAFence, processOn, server } from './support.js'

/** A server and a replica of it that has caught up. */
async function pair(): Promise<{ primary: RedisServer; replica: RedisServer }> {
  const primary = await server('--repl-diskless-sync-delay', '0')
  const replica = await server('--replicaof', '127.0.0.1', String(primary.port))
  await until(async () => String(await replica.command('INFO', 'replication')).includes('master_link_status:up'))
  return { primary, replica }
}

async function promote(replica: RedisServer): Promise<void> {
  await replica.command('REPLICAOF', 'NO', 'ONE')
}

describe('a failover to a replica', () => {
  test('that has not heard of the grant: two hold the key, and the fence refuses the first', async () => {
    const { primary, replica } = await pair()
    const { holdfast, proxy } = await distantProcess(primary)
    await holdfast.lock('warm').isLocked()
    replica.pause()
    await primary.command('CLIENT', 'KILL', 'TYPE', 'replica') // else the kernel delivers what was sent
    const first = await holdfast.lock('report').acquire()
    proxy.blackhole(true)
    await primary.kill()
    replica.resume()
    await promote(replica)
    const second = await processOn(replica).lock('report').acquire()
    expectTwoHoldersAndAFence(first, second)
  })

  test('that has heard of the grant: the key stays held, until its lease is over', async () => {
    const { primary, replica } = await pair()
    const { token } = await processOn(primary).lock('report', { ttl: '2s' }).acquire()
    await primary.command('WAIT', '1', '5000')
    await primary.kill()
    await promote(replica)
    const there = processOn(replica)
    expect(await there.lock('report').tryAcquire()).toBeUndefined()
    const next = await there.lock('report', { wait: '5s' }).acquire()
    expect(next.token).toBeGreaterThan(token)
  })

  test('whose old primary goes on: both grant, and the fence tells whose grant is the later one', async () => {
    const { primary, replica } = await pair()
    primary.pause()
    await promote(replica)
    const second = await processOn(replica).lock('report').acquire()
    primary.resume()
    const first = await processOn(primary).lock('report').acquire() // it believes that it is the primary still
    expect([first.active, second.active]).toEqual([true, true])
    // the later grant wins, though nobody should have made it: writes do not interleave, and that is all
    expect(first.token).toBeGreaterThan(second.token)
  })
})
