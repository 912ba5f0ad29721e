import { describe, expect, test } from 'vitest'
import { InvalidOptionError, StoreError } from '../../src/core/errors.js'
import { parseAddress, showAddress } from '../../src/stores/redis/address.js'
import { badReply, isErrorReply, notSent, storeError, withoutSecrets } from '../../src/stores/redis/failure.js'
import { readHold, readTail, readToken, tailWriter } from '../../src/stores/redis/record.js'
import {
  readAnswer,
  readAnswerToAll,
  readBoolean,
  readHandoff,
  readInspection,
  readResized,
  readRevoked,
} from '../../src/stores/redis/replies.js'
import { thrown } from '../support/thrown.js'

const holder = { host: 'web-1', pid: 42, label: undefined, since: 1_700_000_000_000 }
const tail = 'wake\n{"host":"web-1","pid":42,"since":1700000000000}'
const record = `owner\n77\n${tail}`

describe('an address', () => {
  const plain = { host: 'h', port: 6379, username: undefined, password: undefined, db: 0, tls: false }

  test.each([
    ['redis://h', {}, 'redis://h:6379'],
    ['redis://h/', {}, 'redis://h:6379'],
    ['redis://h:7000/12', { port: 7000, db: 12 }, 'redis://h:7000/12'],
    ['rediss://h', { tls: true }, 'rediss://h:6379'],
    ['redis://user:p%40ss@h', { username: 'user', password: 'p@ss' }, 'redis://h:6379'],
    ['redis://:secret@h', { password: 'secret' }, 'redis://h:6379'],
    ['redis://[::1]:7000', { host: '::1', port: 7000 }, 'redis://[::1]:7000'],
    ['redis://h/99999', { db: 99_999 }, 'redis://h:6379/99999'],
  ])('%s is read, and shown without what is secret', (text, parts, shown) => {
    expect(parseAddress(text)).toEqual({ ...plain, ...parts })
    expect(showAddress(parseAddress(text))).toBe(shown)
  })

  test.each([
    ['secret', 'is not a URL'],
    ['http://secret', 'begins otherwise'],
    ['redis://', 'names no host'],
    ['redis://secret?db=1', 'has options after ? or #'],
    ['redis://secret#1', 'has options after ? or #'],
    ['redis://secret/one', 'has a path that is not the number of a database'],
    ['redis://secret/1/2', 'has a path that is not the number of a database'],
    ['redis://secret/x1', 'has a path that is not the number of a database'],
    ['redis://secret/123456', 'has a path that is not the number of a database'],
    ['redis://:%E0%A4%A@secret', 'has a % that is not followed by two hexadecimal digits'],
  ])('%s is refused, and not shown', (text, why) => {
    const { message } = thrown(() => parseAddress(text))
    expect(message).toContain(`The address of Redis is redis://host:port`)
    expect(message).toContain(`; the one given ${why}`)
    expect(message).toContain('make a client of ioredis or node-redis yourself')
    expect(message).not.toContain('secret')
    expect(() => parseAddress(text)).toThrow(InvalidOptionError)
  })
})

describe('a record', () => {
  test('is read as it was written', () => {
    const write = tailWriter('wake')
    expect(write(holder)).toBe(tail)
    expect(readHold(`owner\n77\n${write(holder)}`)).toEqual({ owner: 'owner', token: 77, holder })
    for (const changed of [
      { host: 'web-2' },
      {},
      { pid: 43 },
      {},
      { label: 'a\nb' },
      { label: 'c' },
      { expireMs: 5_000 },
    ]) {
      const other = { ...holder, ...changed }
      expect(readTail(write(other))).toEqual(other)
      expect(readTail(`${write(other)}\n`)).toEqual(other) // somebody waits
    }
  })

  test('has an owner, of one letter at least', () => {
    expect(readHold(`a\n77\n${tail}`)).toEqual({ owner: 'a', token: 77, holder })
    expect(readHold(`\n77\n${tail}`)).toBeUndefined()
  })

  test.each([
    '',
    'text',
    'owner\n77\nwake\n{',
    'owner\n77',
    'owner\n07\nwake\n{"host":"h","pid":1,"since":1}',
    'owner\n77\n{"host":"h","pid":1,"since":1}',
    'owner\n77\nwake\nnull',
    'owner\n77\nwake\n7',
    'owner\n77\nwake\n{"host":1,"pid":1,"since":1}',
    'owner\n77\nwake\n{"host":"h","pid":1.5,"since":1}',
    'owner\n77\nwake\n{"host":"h","pid":-1,"since":1}',
    'owner\n77\nwake\n{"host":"h","pid":"1","since":1}',
    'owner\n77\nwake\n{"host":"h","pid":1,"since":8.7e15}',
    'owner\n77\nwake\n{"host":"h","pid":1,"since":"1"}',
    'owner\n77\nwake\n{"host":"h","pid":1}',
  ])('of another program is none: %j', (text) => {
    expect(readHold(text)).toBeUndefined()
  })

  test('leaves out what makes no sense, and cuts what is too long', () => {
    const read = (json: string): unknown => readTail(`wake\n${json}`)
    const least = { host: 'h', pid: 0, label: undefined, since: -1 }
    expect(read('{"host":"h","pid":0,"since":-1,"label":7,"expireMs":-1}')).toEqual(least)
    expect(read('{"host":"h","pid":0,"since":-1,"expireMs":0}')).toEqual({ ...least, expireMs: 0 })
    const long = read(JSON.stringify({ ...least, host: 'h'.repeat(2_000), label: 'l'.repeat(2_000) }))
    expect(long).toEqual({ ...least, host: 'h'.repeat(1_024), label: 'l'.repeat(1_024) })
  })

  test('has a token in plain digits', () => {
    expect(readToken('1')).toBe(1)
    expect(readToken('9007199254740991')).toBe(9_007_199_254_740_991)
    for (const text of [
      '',
      '0',
      '01',
      '-1',
      '1.5',
      '9007199254740992',
      '12345678901234567',
      'x1',
      '1x',
      '1e3',
      '1.0',
    ]) {
      expect(readToken(text), text).toBeUndefined()
    }
  })
})

describe('a reply', () => {
  const read = (reply: unknown): unknown => readAnswer('acquire', reply, 1)

  test('may be in any form that a client can be set to', () => {
    for (const token of [77, 77n, '77', Buffer.from('77')]) expect(read(token)).toEqual({ granted: true, token: 77 })
    expect(read([150, record])).toEqual({ granted: false, freeInMs: 150, holder })
    expect(read([Buffer.from('150'), Buffer.from(record), 3n])).toEqual({
      granted: false,
      freeInMs: 150,
      position: 3,
      holder,
    })
    expect(read([0, record, 0])).toEqual({ granted: false, freeInMs: 0, position: 0, holder })
    expect(read([-1, 'text'])).toEqual({ granted: false })
    expect(read([-2, ''])).toEqual({ granted: false })
  })

  test.each([
    [0],
    [-1],
    [null],
    [undefined],
    [{}],
    ['x'],
    [1.5],
    ['1e3'],
    [2 ** 53],
    [[]],
    [[1]],
    [[1, record, 0, 0]],
    [[-3, record]],
    [[1, record, -1]],
    [[1, record, 'x']],
  ])('that makes no sense is a failure of the store: %j', (reply) => {
    const error = thrown(() => read(reply))
    expect(error).toMatchObject({ code: 'STORE_FAILED', operation: 'acquire', outcome: 'unknown' })
    expect(error.message).toBe('The store failed to acquire: Redis gave a reply of an unexpected form')
  })

  test('of another limit names both', () => {
    const error = thrown(() => readAnswer('acquire', ['#limit', '5'], 3))
    expect(error).toBeInstanceOf(InvalidOptionError)
    expect(error.message).toBe(
      'The limit of 3 does not agree with those who hold the key now: they gave it a limit of 5.',
    )
    expect(() => readAnswer('acquire', ['#limit', 0], 3)).toThrow(StoreError)
  })

  test('of more permits than a key has by now names both', () => {
    const error = thrown(() => readAnswer('acquire', [Buffer.from('#permits'), '2', 3], 5))
    expect(error).toBeInstanceOf(InvalidOptionError)
    expect(error.message).toBe(
      'A request for 3 permits can never be granted: the key was resized to 2. Ask for fewer, or resize it again.',
    )
    for (const reply of [
      ['#permits', 0, 3],
      ['#permits', 2, 0],
      ['#permits', 2],
    ])
      expect(() => read(reply)).toThrow(StoreError)
  })

  test('to a resize is yes, or another limit', () => {
    expect(() => readResized(1, 3)).not.toThrow()
    const error = thrown(() => readResized(['#limit', 5], 3))
    expect(error).toBeInstanceOf(InvalidOptionError)
    expect(error.message).toContain('The limit of 3 does not agree with those who hold the key now')
    expect(error.message).toContain('a limit of 5')
    for (const reply of [2, null, [], ['#other', 5], ['#limit', 0], ['#limit']]) {
      expect(() => readResized(reply, 3)).toThrow(/failed to resize/)
    }
  })

  test('to a release is yes or no, and may carry an answer', () => {
    expect([readBoolean('release', 1), readBoolean('release', '0')]).toEqual([true, false])
    expect(readHandoff([1, 78], 1)).toEqual({ released: true, next: { granted: true, token: 78 } })
    expect(readHandoff([0, [5, record]], 1)).toMatchObject({ released: false, next: { granted: false } })
    for (const reply of [2, -1, null]) expect(() => readBoolean('release', reply)).toThrow(/failed to release/)
    for (const reply of [null, [], [1], [2, 78]]) expect(() => readHandoff(reply, 1)).toThrow(/failed to release/)
  })

  test('to several requests grants all, tells who is in the way, or that the queue has to be looked at', () => {
    expect(readAnswerToAll(null, 2)).toBeUndefined()
    expect(readAnswerToAll([0, '77', 78], 2)).toEqual({ granted: true, tokens: [77, 78] })
    expect(readAnswerToAll(['2', 150, record], 2)).toEqual({ granted: false, index: 1, freeInMs: 150, holder })
    expect(() => readAnswerToAll([1, '#limit', '3'], 2)).toThrow(InvalidOptionError)
    for (const reply of [[], 7, [0, 77], [0, 77, 0], [3, 150, record], [1, 150], [-1, 150, record], ['x', 77, 78]]) {
      expect(() => readAnswerToAll(reply, 2)).toThrow(/failed to acquire/)
    }
  })

  test('to an inspection tells all who hold and wait', () => {
    expect(readInspection('k', null)).toBeUndefined()
    expect(readInspection('k', [2, [150, 1, record, -1, 1, 'text'], ['waiter', tail, 'other', 'text']])).toEqual({
      key: 'k',
      limit: 2,
      holders: [
        { ...holder, owner: 'owner', token: 77, permits: 1, remainingMs: 150 },
        { host: '', pid: 0, label: undefined, since: 0, owner: '', token: 0, permits: 1, remainingMs: undefined },
      ],
      waiters: [
        { ...holder, owner: 'waiter' },
        { host: '', pid: 0, label: undefined, since: 0, owner: 'other' },
      ],
    })
    expect(readInspection('k', [1, [0, 1, record], []])?.holders[0]?.remainingMs).toBe(0)
    const held = [150, 1, record]
    for (const reply of [
      [1, [], []],
      [0, held, []],
      [1, held],
      [1, [150, 1], []],
      [1, held, ['waiter']],
      [1, [150, 0, record], []],
      [1, [-3, 1, record], []],
      'text',
    ]) {
      expect(() => readInspection('k', reply), JSON.stringify(reply)).toThrow(/failed to inspect/)
    }
  })

  test('to a forced release tells whose holds of ours were ended', () => {
    expect(readRevoked([1, 'a', '', Buffer.from('b')])).toEqual({ revoked: true, ownOwners: ['a', 'b'] })
    expect(readRevoked([0])).toEqual({ revoked: false, ownOwners: [] })
    expect(() => readRevoked([])).toThrow(/failed to forceRelease/)
  })
})

describe('what a client throws', () => {
  test('is an answer of Redis, which did nothing', () => {
    const error = storeError('renew', new Error('READONLY You can not write against a replica.'), [])
    expect(error).toMatchObject({ code: 'STORE_FAILED', operation: 'renew', outcome: 'not-applied' })
    expect(error.message).toBe(
      'The store failed to renew: Redis answered READONLY You can not write against a replica.',
    )
    expect(storeError('renew', new Error('MOVED 1 h:1'), []).message).toContain(
      'A Redis Cluster needs a cluster client',
    )
    expect(storeError('renew', new Error('NOPERM no'), []).message).toContain('names the rights that are needed')
  })

  test('is a call that was not sent, or one that may have been done', () => {
    for (const text of [
      "Stream isn't writeable and enableOfflineQueue options is false",
      'The client is closed',
      'The client is offline',
    ]) {
      const error = storeError('renew', new Error(text), [])
      expect(error).toMatchObject({ outcome: 'not-applied' })
      expect(error.message).toBe(`The store failed to renew: it could not be sent: ${text}`)
    }
    const lost = storeError('renew', new Error('Connection is closed.'), [])
    expect(lost).toMatchObject({ outcome: 'unknown', cause: { message: 'Connection is closed.' } })
    expect(lost.message).toContain('renew: no answer came, so it may have been done or not: Connection is closed.')
  })

  test('stays what it is, when it is one of ours', () => {
    const ours = new InvalidOptionError('no')
    expect(storeError('renew', ours, [])).toBe(ours)
  })

  test('is told from Redis by its first word', () => {
    for (const text of ['ERR no', 'WRONGPASS no', 'NOSCRIPT no']) expect(isErrorReply(new Error(text))).toBe(true)
    for (const text of ['connect ECONNREFUSED', 'Err no', 'ERRno', ' ERR no', 'E no']) {
      expect(isErrorReply(new Error(text)), text).toBe(false)
    }
    expect(isErrorReply('ERR no')).toBe(false)
  })

  test('loses its secrets, wherever they stand, and keeps what helps', () => {
    const error = Object.assign(new TypeError('AUTH p@ss failed'), { code: 'EX', command: { args: ['p@ss'] } })
    const copy = withoutSecrets(error, ['p@ss']) as Error & { code?: string; command?: unknown }
    expect(copy).toMatchObject({ message: 'AUTH *** failed', name: 'TypeError', code: 'EX' })
    expect(copy.command).toBeUndefined()
    expect(copy.stack).toContain('reading.test.ts')
    expect(copy.stack).not.toContain('p@ss')
    expect(withoutSecrets(new Error('at p%40ss'), ['p@ss']).message).toBe('at ***')
    expect(withoutSecrets('p@ss', ['p@ss']).message).toBe('***')
    expect(withoutSecrets(Object.assign(new Error('x'), { code: 7 }), [])).not.toHaveProperty('code')
    const elsewhere = Object.assign(new Error('at p@ss'), { stack: 'Error: at p@ss\n    at p@ss (library.js:1:1)' })
    expect(withoutSecrets(elsewhere, ['p@ss']).stack).toBe('Error: at ***\n    at *** (library.js:1:1)')
    expect(withoutSecrets(Object.assign(new Error('x'), { stack: undefined }), []).message).toBe('x')
    expect(withoutSecrets(new Error(''), []).message).toBe('')
    const several = new AggregateError([new Error('one p@ss'), new Error('two')])
    expect(withoutSecrets(several, ['p@ss']).message).toBe('one ***; two')
  })

  test('may have been thrown before anything was sent', () => {
    expect(notSent('renew', 'the client is closed').cause).toBeUndefined()
    expect(notSent('renew', 'the client is closed').outcome).toBe('not-applied')
    const error = notSent('renew', 'there is no connection', new Error('at p@ss'), ['p@ss'])
    expect(error).toMatchObject({ outcome: 'not-applied', operation: 'renew', cause: { message: 'at ***' } })
    expect(error.message).toBe('The store failed to renew: there is no connection: at ***')
    expect(badReply('list')).toMatchObject({ operation: 'list', outcome: 'unknown' })
  })
})
