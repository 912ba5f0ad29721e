import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { HoldfastError, InvalidOptionError, LockedError, StoreError } from '../../src/core/errors.js'
import { heldBy } from '../../src/core/refusal.js'
import type { Answer, Notice } from '../../src/core/store.js'
import { virtualEnv } from '../../src/testing/virtual-env.js'
import type { Driver } from '../../src/stores/redis/client.js'
import { Notices } from '../../src/stores/redis/notices.js'
import { readHold, readTail } from '../../src/stores/redis/record.js'
import { readAnswer, readBoolean, readHandoff, readInspection, readRevoked } from '../../src/stores/redis/replies.js'

const runs = { numRuns: 10_000 }
const mostText = 1_024

const numberLike = fc.oneof(
  fc.integer(),
  fc.double(),
  fc.bigInt(),
  fc.constantFrom('1', '-1', ' 7', '0x10', '1e3', '1e400', '9007199254740993', '9'.repeat(400), '', 'NaN', '1\n', '+1'),
)
const json = fc.oneof(
  fc.json(),
  fc
    .record({
      host: fc.oneof(fc.string(), fc.constant('h'.repeat(5_000)), fc.integer()),
      pid: fc.oneof(fc.integer(), fc.double(), fc.constant(-1)),
      label: fc.oneof(fc.string(), fc.constant('l'.repeat(100_000)), fc.constant(null)),
      since: fc.oneof(fc.integer(), fc.constantFrom(8.64e15, 8.64e15 + 1, -1e300, 1e21, 0.5)),
      expireMs: fc.oneof(fc.integer(), fc.double(), fc.string()),
    })
    .map((holder) => JSON.stringify(holder)),
  fc.constantFrom(
    '{"host":"h","pid":1,"since":1e400}',
    '{"host":"h","pid":1e400,"since":1}',
    '{"host":"h","pid":1,"since":1,"expireMs":1e400}',
    '{"__proto__":{"host":"h","pid":1,"since":1}}',
    'null',
  ),
)
const record = fc.oneof(
  fc.string(),
  fc.tuple(fc.string(), numberLike, fc.string(), json).map((lines) => lines.map(String).join('\n')),
  fc.tuple(numberLike, json).map(([token, tail]) => `owner\n${String(token)}\nwake\n${tail}`),
)
const bytes = record.map((text) => Buffer.from(text))
const atom: fc.Arbitrary<unknown> = fc.oneof(
  numberLike,
  record,
  bytes,
  fc.constantFrom(null, undefined, true, '#limit'),
  fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true, withTypedArray: true }),
)
const reply: fc.Arbitrary<unknown> = fc.oneof(
  atom,
  fc.array(atom, { maxLength: 5 }),
  fc.tuple(fc.integer(), record),
  fc.tuple(fc.integer(), bytes, fc.integer()),
  fc.tuple(fc.constant('1'), fc.array(record, { maxLength: 6 }), fc.array(record, { maxLength: 6 })),
  fc.record({ at: record }).map(({ at }) => [1, [5, 1, at], ['owner', at.split('\n').slice(2).join('\n')]]),
  fc.tuple(atom, fc.array(atom, { maxLength: 6 }), fc.array(atom, { maxLength: 6 })),
)

/** What a reader gave; undefined: it refused as it should. */
function read<T>(reader: () => T): T | undefined {
  try {
    return reader()
  } catch (error) {
    expect(error).toBeInstanceOf(HoldfastError)
    expect(error instanceof StoreError || error instanceof InvalidOptionError, String(error)).toBe(true)
    expect((error as Error).message.length).toBeLessThan(500)
    return undefined
  }
}

function checkHolder(holder: unknown): void {
  const { host, pid, label, since, expireMs = 0 } = holder as Record<string, unknown>
  expect(typeof host === 'string' && host.length <= mostText).toBe(true)
  expect(Number.isSafeInteger(pid) && Number(pid) >= 0).toBe(true)
  expect(label === undefined || (typeof label === 'string' && label.length <= mostText)).toBe(true)
  expect(Number.isFinite(new Date(since as number).getTime())).toBe(true)
  expect(Number.isFinite(expireMs)).toBe(true)
}

function checkAnswer(answer: Answer): void {
  if (answer.granted) {
    expect(Number.isSafeInteger(answer.token) && answer.token >= 1).toBe(true)
    return
  }
  const { freeInMs = 0, position = 0, holder } = answer
  for (const number of [freeInMs, position]) expect(Number.isSafeInteger(number) && number >= 0).toBe(true)
  if (holder !== undefined) checkHolder(holder)
  expect(new LockedError('key', heldBy(holder)).message.length).toBeLessThan(3_000)
}

describe('whatever Redis answers', () => {
  test('an acquire is granted with a sound token, refused soundly, or a StoreError', () => {
    fc.assert(
      fc.property(reply, fc.constantFrom(1, 3), (hostile, limit) => {
        const answer = read(() => readAnswer('acquire', hostile, limit))
        if (answer !== undefined) checkAnswer(answer)
        const handoff = read(() => readHandoff(hostile, limit))
        if (handoff !== undefined) checkAnswer(handoff.next)
      }),
      runs,
    )
  })

  test('what is not a whole number in plain digits is no token', () => {
    for (const wrong of [
      '0x10',
      '1e3',
      ' 7',
      '7 ',
      '+7',
      '',
      '0',
      '-3',
      '1.5',
      '9'.repeat(17),
      true,
      1.5,
      0n,
      2n ** 60n,
    ]) {
      expect(() => readAnswer('acquire', wrong, 1), String(wrong)).toThrow(StoreError)
    }
    for (const right of [7, '7', 7n, Buffer.from('7')]) {
      expect(readAnswer('acquire', right, 1)).toEqual({ granted: true, token: 7 })
    }
  })

  test('an inspection, a renewal and a forced release are sound or a StoreError', () => {
    fc.assert(
      fc.property(reply, (hostile) => {
        read(() => readBoolean('renew', hostile))
        const revoked = read(() => readRevoked(hostile))
        for (const owner of revoked?.ownOwners ?? []) expect(owner).not.toBe('')
        const found = read(() => readInspection('key', hostile))
        for (const holder of [...(found?.holders ?? []), ...(found?.waiters ?? [])]) checkHolder(holder)
      }),
      runs,
    )
  })

  test('a record is read soundly, or is not one of ours', () => {
    fc.assert(
      fc.property(record, (text) => {
        const hold = readHold(text)
        if (hold !== undefined) {
          expect(Number.isSafeInteger(hold.token) && hold.token >= 1).toBe(true)
          checkHolder(hold.holder)
        }
        const holder = readTail(text)
        if (holder !== undefined) checkHolder(holder)
      }),
      runs,
    )
  })
})

describe('whatever comes on the channel', () => {
  test('is a sound notice, or none', async () => {
    let hear: (text: string) => void = () => undefined
    const subscriber = {
      open: (_: string, onMessage: (text: string) => void) => {
        hear = onMessage
        return Promise.resolve()
      },
      close: () => undefined,
    }
    const driver = () => Promise.resolve({ subscriber: () => Promise.resolve(subscriber) } as unknown as Driver)
    const notices = new Notices({ env: virtualEnv(), wakeId: 'wake', keyPrefix: 'app:', driver, shards: undefined })
    const told: Notice[] = []
    notices.listen((notice) => told.push(notice))
    expect(await notices.wayOpened('key', 1_000)).toBe(true)
    told.length = 0
    hear('granted\nowner\n7\napp:key')
    hear('revoked\nowner\napp:key')
    expect(told.splice(0)).toEqual([
      { type: 'granted', key: 'key', owner: 'owner', token: 7 },
      { type: 'revoked', key: 'key', owner: 'owner' },
    ])
    const line = fc.oneof(
      fc.constantFrom('granted', 'revoked', 'owner', 'app:key', ''),
      fc.string(),
      numberLike.map(String),
      fc.constant('9'.repeat(400)),
    )
    fc.assert(
      fc.property(fc.array(line, { maxLength: 6 }), (lines) => {
        hear(lines.join('\n'))
        for (const notice of told.splice(0)) {
          expect(['granted', 'revoked']).toContain(notice.type)
          if (notice.type === 'granted') expect(Number.isSafeInteger(notice.token) && notice.token >= 1).toBe(true)
        }
      }),
      runs,
    )
    for (const token of ['0', '9'.repeat(17), '9007199254740993']) hear(`granted\nowner\n${token}\napp:key`)
    expect(told).toEqual([])
    notices.stop()
  })
})
