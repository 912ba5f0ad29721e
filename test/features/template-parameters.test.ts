import { describe, expect, it } from 'vitest'
import { functionFrom, keyOf } from './support/key-of.js'
import { failureOf } from './support/tools.js'

/** Template, parameters, arguments, key. */
type Case = readonly [template: string, parameters: string, args: readonly unknown[], key: string]

const ways: readonly Case[] = [
  ['k', '', [], 'k'],
  ['k', 'a, b', [1, 2], 'k'],
  ['{a}', 'a', ['x'], 'x'],
  ['{b}-{a}-{b}', 'a, b', [1, 2], '2-1-2'],
  ['{ a }', 'a', [1], '1'],
  ['{0}', 'a', [1], '1'],
  ['{1}', 'a', [1, 2], '2'],
  ['{01}', 'a', [1, 2], '2'],
  ['{0.id}', 'a', [{ id: 7 }], '7'],
  ['{user.id}', 'user', [{ id: 7 }], '7'],
  ['{user.address.city}', 'user', [{ address: { city: 'Rome' } }], 'Rome'],
  ['{users.1.id}', 'users', [[{ id: 1 }, { id: 2 }]], '2'],
  ['{name.length}', 'name', ['four'], '4'],
  ['{user.a-b}', 'user', [{ 'a-b': 1 }], '1'],
  ['{m.size}', 'm', [new Map([[1, 1]])], '1'],
  ['{{{a}}}', 'a', [1], '{1}'],
  ['{{a}}', 'a', [1], '{a}'],
  ['{{{{a}}}}', 'a', [1], '{{a}}'],
  ['{{}}{a}}}{{', 'a', [1], '{}1}{'],
]

const defaults: readonly Case[] = [
  ['{a}', "a = 'text'", [], 'text'],
  ['{a}', 'a = "with \\"quotes\\" and \\n"', [], 'with "quotes" and \n'],
  ['{a}', 'a = 5', [], '5'],
  ['{a}', 'a = 0x10', [], '16'],
  ['{a}', 'a = 1.50', [], '1.5'],
  ['{a}', 'a = -1', [], '-1'],
  ['{a}', 'a = 10n', [], '10'],
  ['{a}', 'a = -10n', [], '-10'],
  ['{a}', 'a = true', [], 'true'],
  ['{a}', 'a = false', [], 'false'],
  ['{a}', 'a = !0', [], 'true'],
  ['{a}', 'a = !1', [], 'false'],
  ['{a}', 'a = `plain`', [], 'plain'],
  ['{a}x', "a = ''", [], 'x'],
  ['{a.b}', 'a = { b: 7 }', [], '7'],
  ['{a.b.c}', "a = { b: { c: 'deep' } }", [], 'deep'],
  ['{a.x-y}', "a = { 'x-y': 1 }", [], '1'],
  ['{a.1}', "a = ['x', 'y']", [], 'y'],
  ['{a}', 'a = 5', [undefined], '5'],
  ['{a}', 'a = 5', [6], '6'],
  ['{a}', 'a = 5', [0], '0'],
  ['{a}x', 'a = 5', [''], 'x'],
  ['{a}', 'a = 5', [false], 'false'],
  ['{a}-{b}', 'a = 1, b = 2', [undefined, 3], '1-3'],
  ['{a}', 'a = Date.now()', [3], '3'],
  ['{a}', '{ a = 5 }', [{}], '5'],
  ['{a}', '{ a = 5 } = {}', [], '5'],
  ['{a}', '{ a } = { a: 6 }', [], '6'],
  ['{a}', '{ a = 5 } = { a: 6 }', [], '6'],
  ['{a}', '{ a: { b: a = -1 } = { b: 2 } } = {}', [], '2'],
  ['{a}', '{ a: { b: a = -1 } = { b: 2 } } = {}', [{ a: {} }], '-1'],
  ['{b}', "[a, b = 'second'] = []", [], 'second'],
]

const destructured: readonly Case[] = [
  ['{id}', '{ id }', [{ id: 7 }], '7'],
  ['{id}', 'first, { id }', [0, { id: 7 }], '7'],
  ['{id.no}', '{ id }', [{ id: { no: 7 } }], '7'],
  ['{renamed}', '{ id: renamed }', [{ id: 7 }], '7'],
  ['{renamed}', "{ 'the id': renamed }", [{ 'the id': 7 }], '7'],
  ['{renamed}', '{ 1: renamed }', [{ 1: 7 }], '7'],
  ['{id}', '{ user: { account: { id } } }', [{ user: { account: { id: 7 } } }], '7'],
  ['{id}-{name}', '{ id, name }', [{ name: 'n', id: 1 }], '1-n'],
  ['{a}-{b}', '[a, b]', [[1, 2]], '1-2'],
  ['{b}', '[, b]', [[1, 2]], '2'],
  ['{c}', '[a, [b, { c }]]', [[1, [2, { c: 3 }]]], '3'],
  ['{others.kind}', '{ id, ...others }', [{ id: 1, kind: 'k' }], 'k'],
  ['{others.1}', '[first, ...others]', [[1, 2, 3]], '3'],
  ['{others.length}', '[first, ...others]', [[1, 2, 3]], '2'],
  ['{others.0}', 'first, ...others', [1, 2, 3], '2'],
  ['{others.length}', 'first, ...others', [1], '0'],
  ['{a}-{b}', '...[a, b]', [1, 2], '1-2'],
  ['{length}', '...{ length }', [1, 2], '2'],
  ['{b}', 'first, ...[a, { b }]', [0, 1, { b: 2 }], '2'],
]

describe('a placeholder', () => {
  const all = { 'is replaced by what it names': ways, 'takes literal defaults': defaults, 'sees through': destructured }
  for (const [name, cases] of Object.entries(all)) {
    it.each(cases)(`${name}: %s of (%s) called with %j is %s`, async (template, parameters, args, key) => {
      expect(await keyOf(template, { fn: functionFrom(`(${parameters}) => {}`), args })).toBe(key)
      expect(await keyOf(template, { fn: functionFrom(`{ async m(${parameters}) {} }.m`), args })).toBe(key)
    })
  }

  it.each([
    ['text', 'text'],
    [42, '42'],
    [-0, '0'],
    [1.5, '1.5'],
    [1e21, '1e+21'],
    [Number.POSITIVE_INFINITY, 'Infinity'],
    [true, 'true'],
    [12345678901234567890n, '12345678901234567890'],
    ['日本 🔒', '日本 🔒'],
  ])('of the value %s reads %s', async (value, text) => {
    expect(await keyOf('k-{0}', { fn: () => {}, args: [value] })).toBe(`k-${text}`)
  })

  it('reads the object that a method belongs to', async () => {
    const self = { tenant: 't1', settings: { region: 'eu' }, list: ['x'] }
    const fn = functionFrom('{ charge(id) {} }.charge')
    expect(await keyOf('{this.tenant}-{id}', { fn, self, args: [1] })).toBe('t1-1')
    expect(await keyOf('{this.settings.region}-{this.list.0}', { fn, self })).toBe('eu-x')
  })

  it('reads getters and inherited properties', async () => {
    class Base {
      get tenant(): string {
        return 'inherited'
      }
    }
    class Service extends Base {}
    expect(await keyOf('{this.tenant}', { fn: () => {}, self: new Service() })).toBe('inherited')
    expect(await keyOf('{0.tenant}', { fn: () => {}, args: [new Service()] })).toBe('inherited')
  })

  it('reads null where a default would only stand for undefined, and refuses it', async () => {
    for (const [parameters, args] of [
      ['a = 5', [null]],
      ['{ a = 5 }', [{ a: null }]],
      ['[a = 5]', [[null]]],
    ] as const) {
      const error = await failureOf(() => keyOf('{a}', { fn: functionFrom(`(${parameters}) => {}`), args }))
      expect(error.message).toContain('is null in this call')
    }
  })

  it('does not guess a property whose name has to be computed', async () => {
    const fn = functionFrom('({ ["a" + 1]: b, [c]: d }, e) => {}')
    for (const template of ['{b}', '{d}', '{a}', '{c}']) {
      expect((await failureOf(() => keyOf(template, { fn }))).message).toContain('its parameters are e')
    }
  })

  it('does not guess a default that has to be computed', async () => {
    for (const value of ['Date.now()', 'b', '`${1}`', '/x/', '[...c]', '{ ...c }', 'new Date()', '-"1"', '1 + 1']) {
      const fn = functionFrom(`(a = ${value}) => {}`)
      const error = await failureOf(() => keyOf(value.startsWith('[') ? '{a.0}' : '{a}', { fn }))
      expect(error.code, value).toBe('KEY_TEMPLATE')
    }
  })
})

describe('args', () => {
  const minified = functionFrom('(e, t) => {}')

  it('names the parameters where a minifier erased the names', async () => {
    const options = { args: ['id', 'user'] }
    expect(await keyOf('{user.name}-{id}', { fn: minified, args: [1, { name: 'n' }], options })).toBe('n-1')
  })

  it('names those of bound and native functions', async () => {
    expect(await keyOf('{id}', { fn: minified.bind(undefined), args: [1], options: { args: ['id'] } })).toBe('1')
    expect(await keyOf('{id}', { fn: Math.max, args: [1], options: { args: ['id'] } })).toBe('1')
  })

  it('goes before the names in the source', async () => {
    const error = await failureOf(() => keyOf('{e}', { fn: minified, args: [1], options: { args: ['id'] } }))
    expect(error.code).toBe('KEY_TEMPLATE')
    expect(error.message).toContain('its parameters are id')
  })
})
