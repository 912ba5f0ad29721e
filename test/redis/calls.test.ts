import { Redis } from 'ioredis'
import { afterAll, describe, expect, inject, onTestFinished, test } from 'vitest'
import { realEnv } from '../../src/core/env.js'
import { Calls } from '../../src/stores/redis/calls.js'
import { ioredisDriver } from '../../src/stores/redis/ioredis.js'
import { type Link, userLink } from '../../src/stores/redis/link.js'
import { rejection, thrown } from '../support/thrown.js'
import { freshKey } from './support.js'

const client = new Redis(inject('redisUrl'))
afterAll(() => client.disconnect())

/** Calls over a link that notes what it is told. */
function start({ isOpening = false } = {}) {
  const told: string[] = []
  const driver = ioredisDriver(client, realEnv)
  const link: Link = {
    ...userLink(client, realEnv),
    secrets: ['s3cret'],
    driver: (operation) => {
      told.push(`for ${operation}`)
      return isOpening ? Promise.resolve(driver) : driver
    },
    sent: () => void told.push('sent'),
    ended: () => void told.push('ended'),
    failed: (by, error) => void told.push(`failed: ${String(by === driver)} ${(error as Error).message}`),
    close: () => void told.push('closed'),
  }
  return { calls: new Calls(link), told }
}

let scripts = 0

/** A script that the server has not seen yet; it gives its first argument, or an error of that name. */
function callOf(argument: string) {
  const text = `-- ${freshKey()} ${scripts++}\nif ARGV[1] == 'given' then return ARGV[1] end return redis.error_reply(ARGV[1])`
  const script = { text, sha: '0'.repeat(40) }
  return { operation: 'renew', script, keys: [], args: [argument] }
}

async function knownCallOf(argument: string) {
  const call = callOf(argument)
  return { ...call, script: { ...call.script, sha: String(await client.script('LOAD', call.script.text)) } }
}

const read = (reply: unknown): string => `read: ${String(reply)}`

describe.each([{ isOpening: false }, { isOpening: true }])('a call, isOpening: $isOpening', (how) => {
  test('is counted from when it is sent until its reply is read', async () => {
    const { calls, told } = start(how)
    const note = (reply: unknown): string => {
      told.push('read')
      return read(reply)
    }
    expect(await calls.run(await knownCallOf('given'), note)).toBe('read: given')
    expect(told).toEqual(['for renew', 'sent', 'ended', 'read'])
  })

  test('whose script the server does not know is counted once', async () => {
    const { calls, told } = start(how)
    expect(await calls.run(callOf('given'), read)).toBe('read: given')
    expect(told).toEqual(['for renew', 'sent', 'ended'])
  })

  test('that fails is told to the link, and says what was asked and what went wrong, without secrets', async () => {
    for (const makeCall of [callOf, knownCallOf]) {
      const { calls, told } = start(how)
      const error = await rejection(calls.run(await makeCall('ERR no s3cret'), read))
      expect(error).toMatchObject({ code: 'STORE_FAILED', operation: 'renew', outcome: 'not-applied' })
      expect(error.message).toMatch(/^The store failed to renew: Redis answered ERR no \*\*\*/)
      expect(told).toHaveLength(4)
      expect(told.slice(0, 3)).toEqual(['for renew', 'sent', 'ended'])
      expect(told[3]).toMatch(/^failed: true ERR no s3cret/)
    }
  })

  test('that is no script is counted too', async () => {
    const { calls, told } = start(how)
    expect(await calls.command('get', (driver) => driver.get(freshKey()))).toBeNull()
    expect(told).toEqual(['for get', 'sent', 'ended'])
    const key = freshKey()
    await client.rpush(key, 'no text')
    onTestFinished(() => client.del(key).then(() => undefined))
    const error = await rejection(calls.command('get', (driver) => driver.get(key)))
    expect(error).toMatchObject({ operation: 'get', outcome: 'not-applied' })
    expect(error.message).toContain('Redis answered WRONGTYPE')
    expect([told[4], told[5]?.slice(0, 22), told[6]].sort()).toEqual(['ended', 'failed: true WRONGTYPE', 'sent'].sort())
  })
})

test('after the end no call is sent', async () => {
  const { calls, told } = start()
  calls.close()
  const error = thrown(() => calls.driver('renew'))
  expect(error).toMatchObject({ code: 'STORE_FAILED', operation: 'renew', outcome: 'not-applied' })
  expect(error.message).toBe('The store failed to renew: the store is closed')
  expect((await rejection(calls.command('get', (driver) => driver.get('key')))).message).toContain('closed')
  expect(told).toEqual(['closed'])
})
