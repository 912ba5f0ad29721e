import { existsSync } from 'node:fs'
import { connect } from 'node:net'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { type Proxy, startProxy } from './support/servers/proxy.js'
import { redisCommand } from './support/servers/redis-command.js'
import { type RedisServer, startRedis } from './support/servers/redis.js'

const SHORT_MS = 150

describe('the shared redis', () => {
  it('answers in every test file', async () => {
    expect(await redisCommand(inject('redisUrl'), ['PING'])).toBe('PONG')
  })
})

describe('startRedis', () => {
  it('keeps its data over a restart, or loses it, as asked', async () => {
    await withRedis({}, async (redis) => {
      const { pid, port } = redis
      await redis.command('SET', 'key', 'zażółć 🔒')
      await redis.restart({ keepData: true })
      expect(await redis.command('GET', 'key')).toBe('zażółć 🔒')
      expect(redis.port).toBe(port)
      expect(redis.pid).not.toBe(pid)
      await redis.restart({ keepData: false })
      expect(await redis.command('GET', 'key')).toBeNull()
    })
  })

  it('can be frozen and go on', async () => {
    await withRedis({}, async (redis) => {
      redis.pause()
      await expect(redisCommand(redis.url, ['PING'], SHORT_MS)).rejects.toThrow('no reply')
      redis.resume()
      expect(await redis.command('PING')).toBe('PONG')
    })
  })

  it('can crash and come back', async () => {
    await withRedis({}, async (redis) => {
      await redis.kill()
      await expect(redis.command('PING')).rejects.toThrow('ECONNREFUSED')
      await redis.restart({ keepData: false })
      expect(await redis.command('PING')).toBe('PONG')
    })
  })

  it('leaves neither a process nor a folder behind', async () => {
    const redis = await startRedis()
    const { pid, dir } = redis
    expect(existsSync(dir)).toBe(true)
    redis.pause()
    await redis.stop()
    await redis.stop()
    expect(existsSync(dir)).toBe(false)
    expect(() => process.kill(pid, 0)).toThrow('ESRCH')
  })

  it('asks for a password if told to, and takes other arguments', async () => {
    await withRedis({ password: 'sesame', args: ['--databases', '3'] }, async (redis) => {
      expect(await redis.command('CONFIG', 'GET', 'databases')).toEqual(['databases', '3'])
      expect(await redisCommand(`${redis.url}/2`, ['DBSIZE'])).toBe(0)
      await expect(redisCommand(`redis://${redis.host}:${redis.port}`, ['PING'])).rejects.toThrow('NOAUTH')
    })
  })

  it('says what is wrong when the server does not start', async () => {
    await expect(startRedis({ args: ['--no-such-option', '1'] })).rejects.toThrow(/ended at its start.*no-such-option/s)
  })
})

describe('startProxy', () => {
  let redis: RedisServer
  let proxy: Proxy
  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis.stop())
  beforeEach(async () => {
    proxy = await startProxy(`${redis.url}/1`)
    await redisCommand(`${redis.url}/1`, ['FLUSHDB'])
  })
  afterEach(() => proxy.close())

  const send = (...args: string[]): Promise<unknown> => redisCommand(proxy.url, args, SHORT_MS)
  const stored = (): Promise<unknown> => redisCommand(`${redis.url}/1`, ['GET', 'key'])

  it('passes both ways and keeps the database of the URL', async () => {
    expect(await send('SET', 'key', 'value')).toBe('OK')
    expect(await stored()).toBe('value')
  })

  it('counts and cuts connections, and serves new ones', async () => {
    const blocked = redisCommand(proxy.url, ['BLPOP', 'list', '0'], 2000)
    await expect.poll(() => proxy.connections).toBe(1)
    proxy.cut()
    await expect(blocked).rejects.toThrow('closed the connection')
    await expect.poll(() => proxy.connections).toBe(0)
    expect(await send('PING')).toBe('PONG')
  })

  it('is a black hole: nothing arrives at either side', async () => {
    proxy.blackhole(true)
    await expect(send('SET', 'key', 'value')).rejects.toThrow('no reply')
    expect(await stored()).toBeNull()
    proxy.blackhole(false)
    expect(await send('PING')).toBe('PONG')
  })

  it('destroys what lost something when the black hole ends', async () => {
    proxy.blackhole(true)
    const waiting = redisCommand(proxy.url, ['PING'], 2000)
    await expect.poll(() => proxy.connections).toBe(1)
    await new Promise((resolve) => setTimeout(resolve, 50))
    proxy.blackhole(false)
    await expect(waiting).rejects.toThrow('closed the connection')
  })

  it('drops replies of requests that were carried out', async () => {
    proxy.dropReplies(true)
    await expect(send('SET', 'key', 'value')).rejects.toThrow('no reply')
    expect(await stored()).toBe('value')
    proxy.dropReplies(false)
    expect(await send('PING')).toBe('PONG')
  })

  it('drops requests, and goes on to pass what the server says', async () => {
    const url = new URL(proxy.url)
    const socket = connect({ host: url.hostname, port: Number(url.port) })
    let heard = ''
    socket.on('data', (chunk: Buffer) => (heard += chunk.toString()))
    socket.write('SUBSCRIBE news\r\n')
    await expect.poll(() => heard).toContain('subscribe')
    proxy.dropRequests(true)
    await expect(send('SET', 'key', 'value')).rejects.toThrow('no reply')
    expect(await stored()).toBeNull()
    await redisCommand(redis.url, ['PUBLISH', 'news', 'told'])
    await expect.poll(() => heard).toContain('told')
    socket.destroy()
  })

  it('forgets what is open now: neither end hears of the other again, and new ones work', async () => {
    const blocked = redisCommand(proxy.url, ['BLPOP', 'list', '0'], SHORT_MS)
    await expect.poll(() => proxy.connections).toBe(1)
    proxy.forget()
    expect(await send('RPUSH', 'list', 'value')).toBe(1)
    await redisCommand(redis.url, ['CLIENT', 'KILL', 'TYPE', 'normal'])
    await expect(blocked).rejects.toThrow('no reply')
  })

  it('cuts once, in place of the reply to the request that is meant', async () => {
    const cut = proxy.cutOnReply('SET')
    expect(await send('PING')).toBe('PONG')
    await expect(send('SET', 'key', 'value')).rejects.toThrow('closed the connection')
    await cut
    expect(await stored()).toBe('value')
    expect(await send('SET', 'key', 'again')).toBe('OK')
  })

  it('holds replies back', async () => {
    proxy.delayMs(60)
    const start = performance.now()
    await send('PING')
    expect(performance.now() - start).toBeGreaterThan(58)
  })

  it('refuses connections once closed', async () => {
    await proxy.close()
    await expect(send('PING')).rejects.toThrow('ECONNREFUSED')
    proxy = await startProxy(redis.url)
  })
})

async function withRedis(
  options: Parameters<typeof startRedis>[0],
  use: (redis: RedisServer) => Promise<void>,
): Promise<void> {
  const redis = await startRedis(options)
  try {
    await use(redis)
  } finally {
    await redis.stop()
  }
}
