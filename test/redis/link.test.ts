import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { Driver } from '../../src/stores/redis/client.js'
import { OwnLink, userLink } from '../../src/stores/redis/link.js'
import { type VirtualEnv, virtualEnv } from '../../src/testing/virtual-env.js'
import { type Proxy, startProxy } from '../support/servers/proxy.js'
import { type RedisServer, startRedis } from '../support/servers/redis.js'
import { until } from '../support/until.js'
import { rejection, thrown } from '../support/thrown.js'

let server: RedisServer
beforeAll(async () => {
  server = await startRedis()
})
afterAll(() => server.stop())

/** A link whose time is the test's; pauses are as long as they get. */
function linkTo(url: string): { link: OwnLink; env: VirtualEnv } {
  const env = Object.assign(virtualEnv(), { random: () => 0 })
  const link = new OwnLink(url, env)
  onTestFinished(() => link.close())
  return { link, env }
}

async function proxyTo(url: string): Promise<Proxy> {
  const proxy = await startProxy(url)
  onTestFinished(() => proxy.close())
  return proxy
}

/** A server that hangs up on everybody, and counts them. */
async function rudeServer(): Promise<{ url: string; calls: () => number }> {
  let calls = 0
  const rude = createServer((socket) => {
    calls++
    socket.destroy()
  }).listen(0, '127.0.0.1')
  await once(rude, 'listening')
  onTestFinished(() => void rude.close())
  return { url: `redis://127.0.0.1:${(rude.address() as AddressInfo).port}`, calls: () => calls }
}

const pingOf = (driver: Driver): Promise<unknown> => driver.eval("return redis.call('PING').ok", [], [])
const failed = (link: OwnLink): Promise<Error> => rejection(Promise.resolve(link.driver('renew')))

describe('a connection of our own', () => {
  test('is opened at the first call, once for all who wait for it, and had without a wait afterwards', async () => {
    const proxy = await proxyTo(server.url)
    const { link, env } = linkTo(proxy.url)
    expect(proxy.connections).toBe(0)
    const drivers = await Promise.all([link.driver('renew'), link.driver('renew'), link.opening('renew')])
    expect(new Set(drivers).size).toBe(1)
    expect(link.driver('renew')).toBe(drivers[0])
    expect(link.opening('renew')).toBeUndefined()
    expect(await pingOf(await link.driver('renew'))).toBe('PONG')
    expect([proxy.connections, env.pendingTimers]).toEqual([1, 0])
    link.close()
    await until(() => proxy.connections === 0)
    expect(link.opening('renew')).toBeUndefined()
  })

  test('that cannot be opened fails calls at once and alike for 50 ms, then the next call tries', async () => {
    const rude = await rudeServer()
    const { link, env } = linkTo(rude.url)
    const failures = [await failed(link), await failed(link)]
    env.stall(49)
    failures.push(await failed(link))
    expect(rude.calls()).toBe(1)
    env.stall(1)
    failures.push(await failed(link))
    expect(rude.calls()).toBe(2)
    for (const failure of failures) {
      expect(failure).toMatchObject({ code: 'STORE_FAILED', operation: 'renew', outcome: 'not-applied' })
      expect(failure.message).toMatch(
        new RegExp(`^The store failed to renew: there is no connection to ${rude.url}: .+`),
      )
      expect(failure.cause).toBeInstanceOf(Error)
    }
    await expect(link.opening('acquire')).rejects.toMatchObject({ operation: 'acquire' })
  })

  test('is tried again by itself, soon and then ever less often, until it is open', async () => {
    const rude = await rudeServer()
    const { link, env } = linkTo(rude.url)
    const startMs = env.nowMs()
    await failed(link)
    const triedAtMs: number[] = []
    for (let calls = 1; calls <= 7; calls++) {
      await until(() => env.pendingTimers === 1)
      await env.advanceUntil(() => env.pendingTimers === 0, 10_000)
      triedAtMs.push(env.nowMs() - startMs)
      await until(() => rude.calls() === calls + 1)
    }
    expect(triedAtMs).toEqual([100, 300, 700, 1_500, 2_500, 3_500, 4_500])
    await until(() => env.pendingTimers === 1)
    expect(env.keepAliveTimers).toBe(0)
    link.close()
    expect(env.pendingTimers).toBe(0)
  })

  test('that is lost comes back after 50 ms, whatever was before', async () => {
    const rude = await rudeServer()
    const proxy = await proxyTo(rude.url)
    const { link, env } = linkTo(proxy.url)
    await failed(link)
    proxy.leadTo(server.url)
    await env.advance(100)
    const driver = await link.driver('renew')
    expect(await pingOf(driver)).toBe('PONG')
    proxy.cut()
    await until(() => env.pendingTimers === 1)
    await env.advance(49)
    expect(proxy.connections).toBe(0)
    await env.advance(1)
    await until(() => proxy.connections === 1)
    expect(await pingOf(await link.driver('renew'))).toBe('PONG')
    expect(await link.driver('renew')).not.toBe(driver)
    proxy.cut()
    await until(() => env.pendingTimers === 1)
    const again = await link.driver('renew') // a call does not wait for the pause
    expect(await pingOf(again)).toBe('PONG')
    await env.advance(5_000)
    expect([proxy.connections, await link.driver('renew')]).toEqual([1, again])
  })

  test('is replaced when the server turns out to be a replica, once, and not for another error', async () => {
    const proxy = await proxyTo(server.url)
    const { link, env } = linkTo(proxy.url)
    const before = await link.driver('renew')
    link.failed(before, new Error('ERR READONLY'))
    expect(link.driver('renew')).toBe(before)
    const readOnly = new Error('READONLY You can not write against a read only replica.')
    for (let call = 0; call < 3; call++) link.failed(before, readOnly)
    expect(env.pendingTimers).toBe(1)
    const after = await link.driver('renew')
    expect(after).not.toBe(before)
    link.failed(before, readOnly) // of a call of before
    expect(link.driver('renew')).toBe(after)
    await until(() => proxy.connections === 1)
    expect(await pingOf(after)).toBe('PONG')
    await env.advance(5_000)
    expect(link.driver('renew')).toBe(after)
  })

  test('is replaced when nothing comes by it any more', async () => {
    const proxy = await proxyTo(server.url)
    const { link, env } = linkTo(proxy.url)
    const before = await link.driver('renew')
    proxy.forget()
    const call = rejection(pingOf(before))
    link.sent()
    link.sent()
    link.ended()
    await env.advance(2_500)
    expect(link.driver('renew')).toBe(before)
    await env.advance(2_500)
    expect((await call).message).toContain('Connection is closed')
    expect(await pingOf(await link.driver('renew'))).toBe('PONG')
    link.sent()
    link.close()
    expect(env.pendingTimers).toBe(0)
  })

  test('is not kept when the end comes while it is being opened', async () => {
    const proxy = await proxyTo(server.url)
    const { link, env } = linkTo(proxy.url)
    const failure = failed(link)
    link.close()
    expect((await failure).message).toContain('the store was closed')
    await until(() => proxy.connections === 0)
    expect(env.pendingTimers).toBe(0)
  })

  test('hides its password, and has none to hide without', () => {
    expect(linkTo('redis://:s3cret@localhost').link.secrets).toEqual(['s3cret'])
    const { link } = linkTo('redis://localhost')
    expect([link.secrets, link.keyPrefix, link.shards]).toEqual([[], '', undefined])
  })
})

describe('a connection of the user’s', () => {
  test('is used as it is, and left alone', async () => {
    const client = new Redis(server.url, { keyPrefix: 'app:', password: 's3cret', lazyConnect: true })
    const link = userLink(client, virtualEnv())
    expect([link.keyPrefix, link.secrets, link.shards]).toEqual(['app:', ['s3cret'], undefined])
    expect([link.opening('renew'), client.status]).toEqual([undefined, 'wait'])
    link.failed(await link.driver('renew'), new Error('READONLY no'))
    link.sent()
    link.ended()
    link.close()
    expect(client.status).toBe('wait')
    client.disconnect()
    await until(() => client.status === 'end')
    expect(thrown(() => link.driver('renew'))).toMatchObject({
      code: 'STORE_FAILED',
      operation: 'renew',
      outcome: 'not-applied',
      message: 'The store failed to renew: the client is closed',
    })
    const unopened = userLink(createClient({ url: server.url }), virtualEnv())
    expect(thrown(() => unopened.driver('list')).message).toBe(
      'The store failed to list: the client is not connected; await client.connect() first',
    )
  })
})
