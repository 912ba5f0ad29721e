import { expect, test } from 'vitest'
import { world } from '../support/world.js'

test('a pool lets another process have its turn after 6 to 10 hand-overs within one, not each permit after as many', async () => {
  const { time, holdfast, other } = world()
  const terms = { max: 2, wait: true, ttl: '10s' } as const
  const [stays, first] = [await holdfast.pool('api', terms).acquire(), await holdfast.pool('api', terms).acquire()]
  const served: string[] = []
  const serve = async (from: typeof holdfast, name: string): Promise<void> => {
    const lease = await from.pool('api', terms).acquire()
    served.push(name)
    await lease.release()
  }
  const elsewhere = serve(other(), 'elsewhere')
  await time.advance(10)
  const here = Array.from({ length: 30 }, () => serve(holdfast, 'here'))
  await first.release()
  await time.advance(100)
  await Promise.all([elsewhere, ...here])
  expect(served.indexOf('elsewhere')).toBe(10 - (first.token % 5))
  await stays.release()
})
