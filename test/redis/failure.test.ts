import { describe, expect, test } from 'vitest'
import { storeError } from '../../src/stores/redis/failure.js'
import { printed } from '../support/printed.js'

const secret = 'pl4nted/s3cret@p:w'
const encoded = encodeURIComponent(secret)

/** As ioredis does it. */
function withCommand(error: Error): Error {
  return Object.assign(error, { command: { name: 'auth', args: ['app', secret] }, previousErrors: [new Error(secret)] })
}

describe('what a client library throws', () => {
  test.each([
    ['the password as it is', new Error(`cannot use ${secret}`)],
    ['the password in a URL', new Error(`connect redis://app:${encoded}@host:1`)],
    ['the password in a URL, badly encoded', new Error(`connect redis://app:${secret}@host:1`)],
    ['an error reply with the password', new Error(`ERR unknown command AUTH app ${secret}`)],
    ['the command with its arguments', withCommand(new Error('WRONGPASS invalid username-password pair'))],
    ['a cause of its own', new Error('connect failed', { cause: new Error(secret) })],
    ['several errors', new AggregateError([new Error(`a ${secret}`), new Error(`b ${encoded}`)])],
    ['text', `no ${secret}`],
  ])('is told without %s', (_, error) => {
    const texts = printed(storeError('acquire', error, [secret]))
    expect(texts).toContain('STORE_FAILED')
    for (const part of [secret, encoded, 's3cret']) expect(texts).not.toContain(part)
  })

  test('is cut, in its stack too, and cannot forge lines of a log', () => {
    const error = storeError('acquire', new Error(`ERR ${'x'.repeat(100_000)}`), [])
    expect(error.message.length).toBeLessThan(1_300)
    expect((error.cause as Error).stack?.length).toBeLessThan(11_000)
    const forged = storeError('acquire', new Error('ERR no\n\u001b[31mroot logged in'), [])
    expect(printed(forged)).not.toMatch(/\n[^ ]*root|\u001b\[31mroot/)
    expect(forged.message).toContain(String.raw`no\u000a\u001b[31mroot`)
  })
})
