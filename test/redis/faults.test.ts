import { setTimeout as sleep } from 'node:timers/promises'
import { createHoldfast } from 'holdfast'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { StoreError } from '../../src/core/errors.js'
import type { Store } from '../../src/core/store.js'
import { redis } from '../../src/stores/redis/index.js'
import { freePort } from '../support/servers/free-port.js'
import { startProxy } from '../support/servers/proxy.js'
import { type RedisServer, startRedis } from '../support/servers/redis.js'
import { clientKinds } from './clients.js'
import { eventually, freshKey, ownRedis, request, take } from './support.js'

let server: RedisServer
beforeAll(async () => {
  server = await startRedis()
})
afterAll(() => server.stop())

const secret = 'pl4nted-s3cret/with:signs@'

/** All that a person or a log could get to see of an error. */
function textOf(error: unknown): string {
  if (!(error instanceof Error)) return JSON.stringify(error)
  const own = JSON.stringify(error, Object.getOwnPropertyNames(error))
  return `${error.stack ?? ''} ${own} ${String(error)} ${error.cause === undefined ? '' : textOf(error.cause)}`
}

async function failureOf(call: Promise<unknown>): Promise<StoreError> {
  const failure = await call.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (!(failure instanceof StoreError)) throw new Error(`expected a StoreError, not ${String(failure)}`)
  return failure
}

describe('a router that forgets a connection, so that both ends stay silent', () => {
  test('costs some seconds: a connection of its own that answers nothing is replaced', async () => {
    const proxy = await startProxy(server.url)
    const store = redis(proxy.url)
    await take(store, freshKey(), 'anna')
    proxy.forget()
    const unanswered = store.acquire(request(freshKey(), 'anna'))
    expect(await failureOf(unanswered)).toMatchObject({ outcome: 'unknown' })
    await eventually(() => take(store, freshKey(), 'anna'), 3_000)
    await store.close()
    await proxy.close()
  })

  test('costs a waiter no more: it is told over a new connection', async () => {
    const proxy = await startProxy(server.url)
    const holder = createHoldfast({ store: server.url })
    const waiter = createHoldfast({ store: proxy.url })
    const key = freshKey()
    const held = await holder.lock(key, { ttl: '1m' }).acquire()
    const waiting = waiter.lock(key, { ttl: '1m', wait: '40s' }).acquire()
    await eventually(async () => expect((await holder.lock(key).inspect())?.waiters).toHaveLength(1), 5_000)
    proxy.forget()
    await held.release()
    expect((await waiting).active).toBe(true)
    await Promise.all([holder.close(), waiter.close()])
    await proxy.close()
  }, 40_000)

  test('is not taken for one when the server answers, if late', async () => {
    const proxy = await startProxy(server.url)
    const store = redis(proxy.url)
    await take(store, freshKey(), 'anna')
    proxy.delayMs(2_000)
    await Promise.all([0, 700, 1_400].map((ms) => sleep(ms).then(() => take(store, freshKey(), 'anna'))))
    expect(proxy.connections).toBe(1)
    await store.close()
    await proxy.close()
  })
})

describe('a server that is down at the start', () => {
  test('rejects calls at once, and serves the same store when it comes up', async () => {
    const own = await ownRedis()
    await own.kill()
    const store = redis(own.url)
    const startMs = performance.now()
    const failure = await failureOf(store.acquire(request(freshKey(), 'anna')))
    expect(performance.now() - startMs).toBeLessThan(2_000)
    expect(failure).toMatchObject({ operation: 'acquire', outcome: 'not-applied' })
    expect(failure.message).toContain(`redis://127.0.0.1:${own.port}: connect ECONNREFUSED`)
    expect(failure.cause).toMatchObject({ code: 'ECONNREFUSED' })
    for (const call of [
      store.inspect('a'),
      store.renew('a', 'b', 1_000),
      store.list('a', 1),
      store.forceRelease('a'),
    ]) {
      expect(await failureOf(call)).toMatchObject({ outcome: 'not-applied' })
    }
    await own.restart({ keepData: false })
    await eventually(() => take(store, freshKey(), 'anna'), 3_000)
    await store.close()
  })

  test('rejects the calls of a closed store, and close() rejects nothing', async () => {
    const store = redis(`redis://127.0.0.1:${await freePort()}`)
    const pending = failureOf(store.acquire(request(freshKey(), 'anna')))
    await store.close()
    await store.close()
    expect(await pending).toMatchObject({ outcome: 'not-applied' })
    expect(await failureOf(store.acquire(request(freshKey(), 'anna')))).toMatchObject({ outcome: 'not-applied' })
  })

  test('leaves no connection behind when the store is closed while it is being opened', async () => {
    const own = await ownRedis()
    const store = redis(own.url)
    const pending = failureOf(store.acquire(request(freshKey(), 'anna')))
    await store.close()
    expect(await pending).toMatchObject({ outcome: 'not-applied' })
    const clients = async () =>
      String(await own.command('CLIENT', 'LIST'))
        .trim()
        .split('\n').length
    await expect.poll(clients).toBe(1) // the one that asks
  })

  test('is reached again after it was lost, by the connection alone', async () => {
    const proxy = await startProxy(server.url)
    const store = redis(proxy.url)
    await take(store, freshKey(), 'anna')
    proxy.cut()
    await expect.poll(() => proxy.connections, { interval: 1 }).toBe(0)
    await expect.poll(() => proxy.connections).toBe(1)
    await take(store, freshKey(), 'anna')
    await store.close()
    await expect.poll(() => proxy.connections).toBe(0)
    await proxy.close()
  })
})

describe('a reply that is lost', () => {
  test('from our own connection: the call is of unknown outcome, and the same owner is granted what it has', async () => {
    const proxy = await startProxy(server.url)
    const store = redis(proxy.url)
    const key = freshKey()
    await take(store, freshKey(), 'somebody')
    const lost = proxy.cutOnReply(key)
    expect(await failureOf(store.acquire(request(key, 'anna')))).toMatchObject({
      outcome: 'unknown',
      operation: 'acquire',
    })
    await lost
    const token = Number(String(await server.command('GET', key)).split('\n')[1])
    expect(await eventually(() => take(store, key, 'anna'))).toBe(token)
    await store.close()
    await proxy.close()
  })

  test.each(clientKinds)('from a client of $name, which may send it again by itself', async ({ open }) => {
    const proxy = await startProxy(server.url)
    const { client, end } = await open(proxy.url)
    const store = redis(client)
    const key = freshKey()
    await take(store, freshKey(), 'somebody')
    const lost = proxy.cutOnReply(key)
    const answer = await store.acquire(request(key, 'anna')).catch((error: unknown) => error)
    await lost
    if (answer instanceof Error) expect(answer).toMatchObject({ outcome: 'unknown' })
    else expect(answer).toMatchObject({ granted: true })
    const token = Number(String(await server.command('GET', key)).split('\n')[1])
    expect(await eventually(() => take(store, key, 'anna'))).toBe(token)
    await store.close()
    end()
    await proxy.close()
  })

  test('after a server that froze: calls wait for it, and go on with it', async () => {
    const own = await ownRedis()
    const store = redis(own.url)
    const key = freshKey()
    await take(store, key, 'anna')
    own.pause()
    let settled = false
    const pending = store.renew(key, 'anna', 60_000).finally(() => (settled = true))
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(settled).toBe(false)
    own.resume()
    expect(await pending).toBe(true)
    own.pause()
    await store.close() // not held up by a server that says nothing
  })
})

describe('an error of the server', () => {
  const refusing = async (args: string[], work: (store: Store, own: RedisServer) => Promise<void>): Promise<void> => {
    const own = await ownRedis({ args })
    const store = redis(own.url)
    await work(store, own)
    await store.close()
  }

  test('OOM, NOREPLICAS: not applied, in its own words', async () => {
    await refusing(['--maxmemory', '100kb', '--maxmemory-policy', 'noeviction'], async (store) => {
      const failure = await failureOf(store.acquire(request(freshKey(), 'anna')))
      expect(failure).toMatchObject({ outcome: 'not-applied', message: expect.stringContaining('OOM') as string })
    })
    await refusing(['--min-replicas-to-write', '1'], async (store) => {
      const failure = await failureOf(store.acquire(request(freshKey(), 'anna')))
      expect(failure).toMatchObject({
        outcome: 'not-applied',
        message: expect.stringContaining('NOREPLICAS') as string,
      })
    })
  })

  test('READONLY, from what was the primary: not applied, and the next call takes a new connection', async () => {
    await refusing([], async (store, own) => {
      const key = freshKey()
      await take(store, key, 'anna')
      const before = String(await own.command('CLIENT', 'LIST', 'TYPE', 'normal'))
      const idBefore = /id=(\d+)/.exec(before)?.[1]
      await own.command('REPLICAOF', '127.0.0.1', '1')
      const failure = await failureOf(store.acquire(request(key, 'ben')))
      expect(failure).toMatchObject({ outcome: 'not-applied', message: expect.stringContaining('READONLY') as string })
      await own.command('REPLICAOF', 'NO', 'ONE')
      expect(await eventually(() => store.acquire(request(key, 'ben')))).toMatchObject({ granted: false })
      const clients = String(await own.command('CLIENT', 'LIST', 'TYPE', 'normal'))
      expect(clients).not.toContain(`id=${idBefore} `)
    })
  })

  test('a wrong password: not applied, and not shown', async () => {
    const own = await ownRedis({ password: 'right' })
    const url = `redis://:${encodeURIComponent(secret)}@127.0.0.1:${own.port}`
    const store = redis(url)
    for (let turn = 0; turn < 3; turn++) {
      const failure = await failureOf(store.acquire(request(freshKey(), 'anna')))
      expect(failure.outcome).toBe('not-applied')
      expect(failure.message).toMatch(/WRONGPASS|NOAUTH/)
      expect(textOf(failure)).not.toContain(secret)
      expect(textOf(failure)).not.toContain(encodeURIComponent(secret))
    }
    await store.close()
  })
})

describe('a password', () => {
  test('with signs is understood', async () => {
    const own = await ownRedis({ password: 'p4ss' })
    await own.command('ACL', 'SETUSER', 'app', 'on', `>${secret}`, '~*', '&*', '+@all')
    const store = redis(`redis://app:${encodeURIComponent(secret)}@127.0.0.1:${own.port}`)
    await take(store, freshKey(), 'anna')
    await store.close()
  })

  test.each([
    `localhost:${secret}`,
    `http://user:${encodeURIComponent(secret)}@host`,
    `redis://user:${encodeURIComponent(secret)}@host/database`,
    `redis://user:${encodeURIComponent(secret)}@host?tls=true`,
    `redis://user:${encodeURIComponent(secret)}%zz@host`,
    `redis://:${encodeURIComponent(secret)}@`,
  ])('is not shown where the address is wrong: %s', (url) => {
    let failure: unknown
    try {
      redis(url)
    } catch (error) {
      failure = error
    }
    expect(failure).toMatchObject({ code: 'INVALID_OPTION' })
    expect(textOf(failure)).not.toContain(secret)
    expect(textOf(failure)).not.toContain(encodeURIComponent(secret))
  })

  test('and the owner are not shown where ioredis puts the whole command on its error', async () => {
    const client = new Redis(server.url)
    const store = redis(client)
    const key = freshKey()
    await server.command('SADD', `{${key}}:token`, 'not a token')
    const failure = await failureOf(store.acquire(request(key, 'owner-that-is-secret')))
    expect(failure.message).toContain('WRONGTYPE')
    expect(textOf(failure)).not.toContain('owner-that-is-secret')
    client.disconnect()
    await store.close()
  })

  test('of a client of the user’s is not shown either', async () => {
    const client = {
      status: 'ready',
      options: { password: secret },
      evalsha: () => Promise.reject(new Error(`cannot reach redis://app:${secret}@host or redis://x:y1y2@host`)),
      eval: () => Promise.resolve(1),
      duplicate: () => undefined,
    }
    const failure = await failureOf(redis(client).acquire(request(freshKey(), 'anna')))
    expect(failure.message).toContain('cannot reach redis://')
    expect(textOf(failure)).not.toContain(secret)
    expect(textOf(failure)).not.toContain('y1y2')
  })
})

test.each(
  [null, 'text', {}, -1, 1.5, [], [1], [null, null], ['#limit', 'x'], 2 ** 60, true].map((reply) => ({ reply })),
)('a reply of an unexpected form, $reply, is a StoreError', async ({ reply }) => {
  const client = {
    status: 'ready',
    options: {},
    evalsha: () => Promise.resolve(reply),
    eval: () => Promise.resolve(reply),
    duplicate: () => undefined,
  }
  const store = redis(client)
  expect(await failureOf(store.acquire(request('a', 'anna')))).toMatchObject({ outcome: 'unknown' })
  await failureOf(store.release('a', 'anna', request('a', 'ben')))
  if (reply !== null) await failureOf(store.inspect('a'))
  await failureOf(store.renew('a', 'anna', 1_000))
  if (!(Array.isArray(reply) && reply[0] === 1)) await failureOf(store.forceRelease('a'))
})
