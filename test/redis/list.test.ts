import { describe, expect, test } from 'vitest'
import type { Driver, ScanPage } from '../../src/stores/redis/client.js'
import { listKeys } from '../../src/stores/redis/list.js'
import { emptyDriver } from './fleet.js'

interface Asked {
  readonly node: number
  readonly cursor: string
  readonly pattern: string
  readonly count: number
}

/** A driver whose servers answer SCAN with these pages, each in turn; what was asked of them. */
function driverOf(nodes: readonly (readonly ScanPage[])[], keyPrefix = ''): { driver: Driver; asked: Asked[] } {
  const asked: Asked[] = []
  const scanners = nodes.map((pages, node) => {
    let at = 0
    return async (cursor: string, pattern: string, count: number): Promise<ScanPage> => {
      asked.push({ node, cursor, pattern, count })
      return pages[at++] ?? { cursor: '0', keys: [] }
    }
  })
  return { driver: { ...emptyDriver, keyPrefix, scanners: async () => scanners }, asked }
}

const page = (cursor: string, ...keys: string[]): ScanPage => ({ cursor, keys })
const wish = { prefix: 'a', limit: 10, cursor: undefined }

describe('a list of keys', () => {
  test('is read server by server, and says where it goes on', async () => {
    const nodes = [[page('7', 'a1', 'a2'), page('0', 'a3')], [page('5', 'a4')], [page('0', 'a5', 'a6')]]
    const { driver, asked } = driverOf(nodes)
    expect(await listKeys(driver, { ...wish, limit: 4 })).toEqual({
      keys: ['a1', 'a2', 'a3', 'a4'],
      cursor: '1:5',
    })
    expect(asked).toEqual([
      { node: 0, cursor: '0', pattern: 'a*', count: 4 },
      { node: 0, cursor: '7', pattern: 'a*', count: 4 },
      { node: 1, cursor: '0', pattern: 'a*', count: 4 },
    ])
    expect(await listKeys(driver, { ...wish, limit: 4, cursor: '1:5' })).toEqual({
      keys: ['a5', 'a6'],
      cursor: undefined,
    })
    expect(asked.slice(3)).toMatchObject([
      { node: 1, cursor: '5' },
      { node: 2, cursor: '0' },
    ])
  })

  test('gives each key once, and more than were asked for where a page is longer', async () => {
    const { driver } = driverOf([[page('9', 'a1', 'a1', 'a2', 'a3')]])
    expect(await listKeys(driver, { ...wish, limit: 2 })).toEqual({ keys: ['a1', 'a2', 'a3'], cursor: '0:9' })
  })

  test('takes wider steps where little is found, and asks 20 times at most', async () => {
    const steps = Array.from({ length: 30 }, (_, at) => page(String(at + 1), ...(at === 2 ? ['a1'] : [])))
    const { driver, asked } = driverOf([steps])
    expect(await listKeys(driver, { ...wish, limit: 60 })).toEqual({ keys: ['a1'], cursor: '0:20' })
    expect(asked.map(({ count }) => count).slice(0, 9)).toEqual([60, 120, 240, 60, 120, 240, 480, 960, 1_000])
    expect(asked.map(({ count }) => count).slice(9)).toEqual(Array(11).fill(1_000))
  })

  test('shows neither the prefix of the client nor what stands beside a key', async () => {
    const keys = ['app:a1', 'app:{app:a1}:token', 'app:{t}:queue:a{t}', 'app:{app:a1}:other']
    const { driver, asked } = driverOf([[page('0', ...keys)]], 'app:')
    expect((await listKeys(driver, wish)).keys).toEqual(['a1', '{app:a1}:other'])
    expect(asked[0]?.pattern).toBe('app:a*')
  })

  test('takes the signs of a pattern in a prefix as they are', async () => {
    const { driver, asked } = driverOf([[]])
    await listKeys(driver, { ...wish, prefix: 'a[b-c]^*?\\d' })
    expect(asked[0]?.pattern).toBe('a\\[b\\-c\\]\\^\\*\\?\\\\d*')
  })

  test.each(['', '7', ':', 'x:7', '1:x', '-1:7', ' 1:7', '1:7 ', '123456:7', '1:123456789012345678901'])(
    'begins anew with a cursor that is none of ours: "%s"',
    async (cursor) => {
      const { driver, asked } = driverOf([[], []])
      expect(await listKeys(driver, { ...wish, cursor })).toEqual({ keys: [], cursor: undefined })
      expect(asked[0]).toMatchObject({ node: 0, cursor: '0' })
    },
  )

  test('is at its end where a server has left the Cluster, and goes on with cursors of any length', async () => {
    const { driver, asked } = driverOf([[page('12345678901234567890', 'a1')]])
    expect(await listKeys(driver, { ...wish, cursor: '12345:7' })).toEqual({ keys: [], cursor: undefined })
    expect(asked).toEqual([])
    const { cursor } = await listKeys(driver, { ...wish, limit: 1 })
    expect(cursor).toBe('0:12345678901234567890')
    await listKeys(driver, { ...wish, cursor })
    expect(asked[1]).toMatchObject({ node: 0, cursor: '12345678901234567890' })
  })

  test('needs a server', async () => {
    await expect(listKeys(driverOf([]).driver, wish)).rejects.toThrow('no node of the cluster is known yet')
  })
})
