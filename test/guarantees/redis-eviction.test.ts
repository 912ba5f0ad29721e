/** docs/guarantees.md: a server that is full. */
import { describe, expect, test } from 'vitest'
import { distantProcess, expectTwoHoldersAndAFence, processOn, server } from './support.js'

const filler = 'x'.repeat(1_000)

describe('a Redis that is full', () => {
  test.each(['allkeys-lru', 'volatile-lru', 'volatile-ttl', 'allkeys-random'])(
    'with the policy %s evicts the hold: two hold the key, and the fence refuses the first',
    async (policy) => {
      const redis = await server('--maxmemory', '4mb', '--maxmemory-policy', policy)
      const { holdfast, proxy } = await distantProcess(redis)
      const first = await holdfast.lock('report').acquire()
      proxy.blackhole(true)
      // keys with an end, later than that of the hold: the policies of all keys and of those with an end alike have to choose
      for (let n = 0; n < 200 && Number(await redis.command('EXISTS', 'holdfast:report')) === 1; n++) {
        const script = `for i = 1, 100 do redis.call('SET', KEYS[1] .. i, ARGV[1], 'EX', 3600) end`
        await redis.command('EVAL', script, '1', `filler:${String(n)}:`, filler)
      }
      const second = await processOn(redis).lock('report').acquire()
      expectTwoHoldersAndAFence(first, second)
    },
  )

  test('with noeviction keeps the hold, and says that it is full', async () => {
    const redis = await server('--maxmemory-policy', 'noeviction')
    const here = processOn(redis)
    const lease = await here.lock('report', { ttl: '3s' }).acquire()
    await redis.command('CONFIG', 'SET', 'maxmemory', '1') // one byte: it is full
    await expect(here.lock('another').acquire()).rejects.toMatchObject({ code: 'STORE_FAILED', outcome: 'not-applied' })
    expect(await redis.command('EXISTS', 'holdfast:report')).toBe(1)
    expect(lease.active).toBe(true)
  })
})
