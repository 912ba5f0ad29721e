import { EventEmitter } from 'node:events'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { afterEach, describe, expect, it } from 'vitest'
import { close, configure, createHoldfast, lock, memory, type StoreSpec } from 'holdfast'
import { failureOf, freshKey, thrownBy } from './support/tools.js'

afterEach(close)

function asStore(value: unknown): StoreSpec {
  return value as StoreSpec
}

describe('an unknown store alias', () => {
  it('is refused where it is written, and the message tells the known ones', () => {
    const holdfast = createHoldfast({ stores: { locks: memory(), cache: 'memory:' } })
    const error = thrownBy(() => holdfast.lock('key', { store: 'lokcs' as 'locks' }))
    expect(error).toMatchObject({ name: 'InvalidOptionError', code: 'INVALID_OPTION' })
    expect(error.message).toContain(`Unknown store alias 'lokcs': there are locks, cache.`)
  })

  it('is refused with a key function too', () => {
    const holdfast = createHoldfast({ stores: { locks: memory() } })
    const error = thrownBy(() => holdfast.lock((id: string) => id, { store: 'lokcs' as 'locks' }))
    expect(error.message).toContain(`Unknown store alias 'lokcs'`)
  })

  it.each(['constructor', '__proto__', 'toString', ''])('%s is not found by accident', (alias) => {
    configure({ stores: { locks: memory() } })
    expect(thrownBy(() => lock('key', { store: alias })).code).toBe('INVALID_OPTION')
  })

  it('is told at the first use when nothing was configured before, and says how to name one', async () => {
    const handle = lock('key', { store: 'locks' })
    configure()
    const error = await failureOf(() => handle.acquire())
    expect(error.code).toBe('INVALID_OPTION')
    expect(error.message).toContain('none were configured')
    expect(error.message).toContain('configure({ stores: { locks: … } })')
    expect(thrownBy(() => handle.acquireSync()).code).toBe('INVALID_OPTION')
  })
})

describe('a store that is none', () => {
  it('but a raw client is refused, with the line that wraps it', () => {
    const nodeRedis = createClient()
    const ioredis = new Redis({ lazyConnect: true })
    for (const client of [ioredis, nodeRedis, new EventEmitter()]) {
      for (const [option, options] of [
        ['store', { store: asStore(client) }],
        ['stores.locks', { stores: { locks: asStore(client) } }],
      ] as const) {
        const error = thrownBy(() => configure(options))
        expect(error).toMatchObject({ name: 'InvalidOptionError', code: 'INVALID_OPTION' })
        expect(error.message).toContain(`${option} is an object, which is not a store`)
        expect(error.message).toContain(`import { redis } from 'holdfast/redis'; configure({ store: redis(client) })`)
      }
    }
  })

  it('but anything else is refused', () => {
    for (const value of [null, 42, true, Symbol('store'), () => memory(), memory, {}, [], new Map()]) {
      expect(thrownBy(() => createHoldfast({ store: asStore(value) }))).toMatchObject({ code: 'INVALID_OPTION' })
      expect(thrownBy(() => createHoldfast({ stores: { a: asStore(value) } })).message).toContain('stores.a')
    }
  })
})

describe('the URL of a store', () => {
  const secret = 'hunter2'

  it.each([
    '',
    ' ',
    'localhost:6379',
    `user:${secret}@localhost:6379`,
    `redis:${secret}`,
    `http://user:${secret}@localhost`,
    `redi://user:${secret}@localhost`,
    `constructor://user:${secret}@localhost`,
    `redis://user:${secret}@localhost:99999999`,
    `redis://user:${secret}@localhost:6379/database`,
    `redis://user:${secret}@localhost:6379/1/2`,
    `redis://user:${secret}@localhost:6379?db=1`,
    `redis://user:${secret}%@localhost`,
    `redis://user:${secret}@`,
    `memory://${secret}`,
  ])('%s is refused by configure, which shows no password', (url) => {
    const error = thrownBy(() => createHoldfast({ store: url }))
    expect(error).toMatchObject({ name: 'InvalidOptionError', code: 'INVALID_OPTION' })
    expect(error.message).toContain('redis://')
    expect(`${error.message} ${error.stack ?? ''} ${JSON.stringify(error)}`).not.toContain(secret)
    expect(thrownBy(() => createHoldfast({ stores: { locks: url } })).message).not.toContain(secret)
  })

  it('of a server that refuses the password is not shown either', async () => {
    const holdfast = createHoldfast({ store: `redis://user:${secret}@127.0.0.1:1/0`, storeTimeout: '500ms' })
    const error = await failureOf(() => holdfast.lock(freshKey()).acquire())
    expect(error.code).toBe('STORE_FAILED')
    expect(error.message).toContain('127.0.0.1:1')
    expect(`${error.message} ${error.stack ?? ''} ${JSON.stringify(error)} ${String(error.cause)}`).not.toContain(
      secret,
    )
    await holdfast.close()
  })

  it('memory: is the memory of this process', async () => {
    const holdfast = createHoldfast({ store: 'memory:' })
    expect(holdfast.lock(freshKey()).acquireSync().active).toBe(true)
    await holdfast.close()
  })
})
