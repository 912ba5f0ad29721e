/** docs/guarantees.md: the clock of the server is stepped. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type MovableClock, movableClock } from '../fleet/clock/clock.js'
import type { RedisServer } from '../support/servers/redis.js'
import { until } from '../support/until.js'
import { distantProcess, expectTwoHoldersAndAFence, processOn, serverWith } from './support.js'

let clock: MovableClock
let redis: RedisServer
beforeEach(async () => {
  const made = movableClock()
  if (typeof made === 'string') throw new Error(made)
  clock = made
  redis = await serverWith({ env: clock.env })
})
afterEach(() => clock.remove())

const timeOf = async (server: RedisServer): Promise<number> => Number(((await server.command('TIME')) as string[])[0])

describe('a server’s clock', () => {
  test('that jumps ahead ends the hold too early: two hold the key, and the fence refuses the first', async () => {
    const { holdfast, proxy } = await distantProcess(redis)
    const first = await holdfast.lock('report').acquire()
    proxy.blackhole(true)
    const before = await timeOf(redis)
    clock.setMs(40_000)
    await until(async () => (await timeOf(redis)) >= before + 40)
    const second = await processOn(redis).lock('report', { wait: '5s' }).acquire()
    expectTwoHoldersAndAFence(first, second)
  })

  test('that jumps back ends the hold of a crashed process too late; tokens grow all the same', async () => {
    const { holdfast, proxy } = await distantProcess(redis)
    const { token } = await holdfast.lock('report', { ttl: '1s' }).acquire()
    proxy.blackhole(true) // it will not renew
    clock.setMs(-3_600_000)
    const there = processOn(redis)
    expect(await there.lock('report', { wait: '2s' }).tryAcquire()).toBeUndefined() // its ttl is long over
    expect(Number(await redis.command('PTTL', 'holdfast:report'))).toBeGreaterThan(3_500_000)
    await there.lock('report').forceRelease() // the way out
    expect((await there.lock('report').acquire()).token).toBeGreaterThan(token)
  })

  test('that jumps back while the server loses its data gives smaller tokens: the fence refuses the second', async () => {
    const { token } = await processOn(redis).lock('report').acquire()
    clock.setMs(-3_600_000)
    await redis.restart({ keepData: false })
    const second = await processOn(redis).lock('report', { wait: '5s' }).acquire()
    expect(second.token).toBeLessThan(token) // this is what is not promised
  })
})
