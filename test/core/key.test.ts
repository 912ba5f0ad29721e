import { describe, expect, test } from 'vitest'
import { show } from '../../src/core/duration.js'
import { checkKey } from '../../src/core/key.js'
import { thrown } from '../support/world.js'

describe('a key that makes none', () => {
  test.each([
    [42, undefined, 'A key must be text, not 42.'],
    [['a'], undefined, 'A key must be text, not an array.'],
    ['', '', 'A key must not be empty.'],
    ['a\uD83D', 'a\uD83D', "The key 'a\uD83D' is not well-formed text."],
    [
      'k'.repeat(1_025),
      'k'.repeat(1_025),
      `The key '${'k'.repeat(40)}…' has 1025 bytes; the most is 1024. Use a hash of its long part.`,
    ],
  ])('says what to do about it: %j', (value, key, message) => {
    expect(thrown(() => checkKey(value))).toMatchObject({ code: 'INVALID_KEY', key, message })
  })
})

test.each(['k', 'k'.repeat(1_024), 'ü'.repeat(512), '🔑'.repeat(256)])(
  'a key may have up to 1,024 bytes: %j',
  (key) => {
    expect(checkKey(key)).toBe(key)
  },
)

test.each([
  ['text', "'text'"],
  ['db://user:secret@host', "'db://user:***@host'"],
  ['x'.repeat(41), `'${'x'.repeat(40)}…'`],
  ['x'.repeat(40), `'${'x'.repeat(40)}'`],
  [[], 'an array'],
  [{}, 'an object'],
  [null, 'null'],
  [undefined, 'undefined'],
  [() => 1, 'a function'],
  [1.5, '1.5'],
  [10n, '10'],
  [Symbol('s'), 'Symbol(s)'],
])('the value %s is shown as %s', (value, shown) => {
  expect(show(value)).toBe(shown)
})
