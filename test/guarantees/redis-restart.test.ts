/** docs/guarantees.md: the server crashes. */
import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Holdfast, type Lease, StoreError } from 'holdfast'
import { describe, expect, test } from 'vitest'
import type { RedisServer } from '../support/servers/redis.js'
import { until } from '../support/until.js'
import { distantProcess, expectTwoHoldersAndAFence, processOn, server } from './support.js'

const aof = (fsync: string): string[] => ['--appendonly', 'yes', '--appendfsync', fsync]

/** As a crash of the process: what it had written to its files is there. */
async function crash(redis: RedisServer): Promise<void> {
  await redis.kill()
  await redis.restart({ keepData: false }) // the dump goes, the append-only file stays
}

/** It is connected, again or for the first time, and the server shows it the hold. */
function knows({ lock }: Holdfast<'async'>): Promise<boolean> {
  return lock('report')
    .isLocked()
    .catch((error: unknown) => {
      if (error instanceof StoreError) return false
      throw error
    })
}

describe('a Redis that crashes', () => {
  test('without AOF forgets the hold: two hold the key, and the fence refuses the first', async () => {
    const redis = await server()
    const { holdfast, proxy } = await distantProcess(redis)
    const first = await holdfast.lock('report').acquire()
    proxy.blackhole(true)
    await crash(redis)
    const second = await processOn(redis).lock('report', { wait: '5s' }).acquire()
    expectTwoHoldersAndAFence(first, second)
  })

  test('with AOF everysec remembers the hold, and the holder goes on', () => expectRemembered('everysec'))

  test('with AOF always remembers the hold, and the holder goes on', () => expectRemembered('always'))

  async function expectRemembered(fsync: string): Promise<void> {
    const redis = await server(...aof(fsync))
    const [here, there] = [processOn(redis), processOn(redis)]
    const lease = await here.lock('report', { ttl: '5s' }).acquire()
    await redis.command('PING') // the loop that wrote the hold to its file is over
    await crash(redis)
    await until(() => knows(there), 5000)
    expect(await there.lock('report').tryAcquire()).toBeUndefined()
    expect(lease.active).toBe(true)
    await until(() => knows(here), 5000)
    expect(await lease.release()).toBe(true)
  }
})

describe('a machine that loses its power', () => {
  /** What stands on the disk now is what will be there after the power came back. */
  async function losePower(redis: RedisServer, between: () => Promise<void>): Promise<void> {
    const folder = join(redis.dir, 'appendonlydir')
    const disk = join(redis.dir, 'disk')
    await cp(folder, disk, { recursive: true })
    await between()
    await redis.kill()
    await rm(folder, { recursive: true })
    await cp(disk, folder, { recursive: true })
    await redis.restart({ keepData: false })
  }

  test('with AOF everysec forgets what was granted in the last second: two hold, and the fence refuses the first', async () => {
    const redis = await server(...aof('everysec'))
    const { holdfast, proxy } = await distantProcess(redis)
    await holdfast.lock('before').acquire()
    const there = processOn(redis)
    let first: Lease | undefined
    await losePower(redis, async () => {
      first = await holdfast.lock('report').acquire() // acknowledged before it is on the disk
      proxy.blackhole(true)
    })
    const second = await there.lock('report', { wait: '5s' }).acquire()
    if (first === undefined) throw new Error('nothing was acquired')
    expectTwoHoldersAndAFence(first, second)
    expect(await there.lock('before').tryAcquire()).toBeUndefined() // what was on the disk is known
  })
  test('with AOF always forgets nothing that it has acknowledged', async () => {
    const redis = await server(...aof('always'))
    await processOn(redis).lock('report').acquire()
    await losePower(redis, () => Promise.resolve())
    const there = processOn(redis)
    await until(() => knows(there), 5000)
    expect(await there.lock('report').tryAcquire()).toBeUndefined()
  })
})
