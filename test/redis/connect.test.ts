import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { realEnv } from '../../src/core/env.js'
import { parseAddress } from '../../src/stores/redis/address.js'
import { connectIoredis, connectNodeRedis } from '../../src/stores/redis/connect.js'
import { startProxy } from '../support/servers/proxy.js'
import { type RedisServer, startRedis } from '../support/servers/redis.js'
import { until } from '../support/until.js'

let server: RedisServer
beforeAll(async () => {
  server = await startRedis()
})
afterAll(() => server.stop())

// drivers.test.ts shows the same from outside, with one library installed at a time.
describe.each([
  { name: 'ioredis', connect: connectIoredis },
  { name: 'node-redis', connect: connectNodeRedis },
])('a connection by $name', ({ connect }) => {
  test('uses the database of the address, and tells once when it is lost', async () => {
    const proxy = await startProxy(server.url)
    let ends = 0
    const connection = await connect(parseAddress(`${proxy.url}/2`), { env: realEnv, onEnd: () => (ends += 1) })
    await connection?.driver.eval("return redis.call('SET', KEYS[1], ARGV[1])", ['key'], ['value'])
    expect(await server.command('EXISTS', 'key')).toBe(0)
    const pending = connection?.driver.eval("return redis.call('GET', KEYS[1])", ['key'], [])
    expect(await pending).toBe('value')
    proxy.cut()
    await expect.poll(() => ends).toBe(1)
    await expect(connection?.driver.eval('return 1', [], [])).rejects.toThrow()
    connection?.close()
    expect(ends).toBe(1)
    await proxy.close()
  })

  test('is gone after close(), which is not told', async () => {
    const proxy = await startProxy(server.url)
    let ends = 0
    const connection = await connect(parseAddress(proxy.url), { env: realEnv, onEnd: () => (ends += 1) })
    expect(proxy.connections).toBe(1)
    connection?.close()
    connection?.close()
    await expect.poll(() => proxy.connections).toBe(0)
    expect(ends).toBe(0)
    await proxy.close()
  })

  test('keeps no process alive, while it is opened, open or closed', async () => {
    const alive = (kind: string): number => process.getActiveResourcesInfo().filter((one) => one === kind).length
    const proxy = await startProxy(server.url)
    proxy.blackhole(true)
    await until(() => alive('TCPSocketWrap') === 0)
    const opening = connect(parseAddress(proxy.url), { env: realEnv, onEnd: () => {} })
    await until(() => proxy.connections === 1)
    await until(() => alive('TCPSocketWrap') === 2, 2_000) // both sides of the proxy
    proxy.cut()
    await expect(opening).rejects.toThrow()
    await proxy.close()
    const connection = await connect(parseAddress(server.url), { env: realEnv, onEnd: () => {} })
    expect(await connection?.driver.eval('return 1', [], [])).toBe(1)
    expect(alive('TCPSocketWrap')).toBe(0)
    const timers = alive('Timeout')
    for (let turn = 0; turn < 2; turn++) connection?.close()
    await until(() => alive('Timeout') <= timers, 1_000) // ioredis has one of 2 s, until the socket is closed
    expect(alive('TCPSocketWrap')).toBe(0)
  })

  test('needs no right but that to its database, and none to database 0', async () => {
    const name = `user-${connect.name}`
    await server.command('ACL', 'SETUSER', name, 'on', '>p@ss', '+eval', '~*')
    const url = `redis://${name}:p%40ss@127.0.0.1:${server.port}`
    const connection = await connect(parseAddress(url), { env: realEnv, onEnd: () => {} })
    expect(await connection?.driver.eval('return 1', [], [])).toBe(1)
    connection?.close()
    await expect(connect(parseAddress(`${url}/1`), { env: realEnv, onEnd: () => {} })).rejects.toThrow('NOPERM')
  })

  test('is of the user of the address', async () => {
    await server.command('ACL', 'SETUSER', 'known', 'on', '>p@ss', '~*', '+@all')
    const address = parseAddress(`redis://known:p%40ss@127.0.0.1:${server.port}`)
    const connection = await connect(address, { env: realEnv, onEnd: () => {} })
    expect(connection?.driver.secrets).toEqual(['p@ss'])
    expect(await server.command('CLIENT', 'LIST')).toContain('user=known')
    connection?.close()
  })

  test('rejects with the reason when it cannot be opened', async () => {
    const opened = (url: string) => connect(parseAddress(url), { env: realEnv, onEnd: () => {} })
    await expect(opened('redis://127.0.0.1:1')).rejects.toThrow('ECONNREFUSED')
    await expect(opened(`${server.url}/999`)).rejects.toThrow('DB index')
    await expect(opened(`redis://nobody:x@127.0.0.1:${server.port}`)).rejects.toThrow('WRONGPASS')
  })
})
