import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { LockedError, StoreError } from '../../src/core/errors.js'
import { longestShown, printable, withoutPasswords } from '../../src/core/printable.js'

describe('a text of others', () => {
  test.each([
    ['a\nholder: root', String.raw`a\u000aholder: root`],
    ['\u001b[2Jgone', String.raw`\u001b[2Jgone`],
    ['\u202egnirts', String.raw`\u202egnirts`],
    ['a\u2028b\u2029c\u0085d\u007f', String.raw`a\u2028b\u2029c\u0085d\u007f`],
    ['\u2066x\u2069\u200f', String.raw`\u2066x\u2069\u200f`],
  ])('stays in its line and its direction: %j', (text, shown) => {
    expect(printable(text)).toBe(shown)
    const holder = { host: text, pid: 1, label: text, since: new Date(0) }
    expect(new LockedError('key', holder).message).toContain(`held by "${shown}" pid 1 on ${shown} since`)
    expect(new LockedError(text, undefined)).toMatchObject({
      key: text,
      message: expect.stringContaining(shown) as string,
    })
  })

  test('is shown as it is otherwise', () => {
    for (const text of ['invoice-42', 'ключ', '鍵 🔑', 'שלום', "O'Neil \\n"]) expect(printable(text)).toBe(text)
  })
})

describe('the passwords of URLs', () => {
  const userInfo = fc.string({
    unit: fc.constantFrom(...Array.from('abC1%/?#:@!$&*,;=[]()~')),
    minLength: 1,
    maxLength: 20,
  })

  test('are shown nowhere, whatever they consist of', () => {
    const word = fc.constantFrom('', 'user', 'default', 'a.b')
    const around = fc.constantFrom('', ' ', 'cannot reach ', '"', '(', 'a ')
    fc.assert(
      fc.property(word, userInfo, around, around, (user, password, before, after) => {
        const text = `${before}redis://${user}:p4ss${password}@host:6379/0${after}`
        const shown = withoutPasswords(text)
        expect(shown).not.toContain('p4ss')
        expect(shown).toContain(`redis://${user}:***@`)
      }),
      { numRuns: 20_000 },
    )
  })

  test.each([
    ['redis://localhost:6379', 'redis://localhost:6379'],
    ['http://host:80/a@b', 'http://host:***@b'], // better too much than too little
    ['db://host/x?user=u&password=p4&tls=1', 'db://host/x?user=u&password=***&tls=1'],
    ['me@host.example failed: x', 'me@host.example failed: x'],
    ['me@db://host:6379', 'me@db://host:6379'],
  ])('%s is shown as %s', (text, shown) => {
    expect(withoutPasswords(text)).toBe(shown)
  })

  test('are found in time, in the longest text that a server may send', () => {
    const start = performance.now()
    for (const part of ['a', '://', '://:', '://a:@', '@', '?token=', ' ', '://a:b ']) {
      const shown = withoutPasswords(part.repeat(1_000_000 / part.length))
      expect(shown.length).toBeLessThanOrEqual(longestShown + 1)
    }
    expect(performance.now() - start).toBeLessThan(20_000) // a quadratic search takes an hour
  })

  test('and endless texts have no place in an error', () => {
    const error = new StoreError('acquire', `db://a:p4ss@host ${'x'.repeat(100_000)}`)
    expect(error.message.length).toBeLessThan(1_200)
    expect(error.message).not.toContain('p4ss')
  })
})
