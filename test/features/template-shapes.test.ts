import { describe, expect, it } from 'vitest'
import { functionFrom, keyOf } from './support/key-of.js'

const functions: readonly string[] = [
  'function (id) {}',
  'function charge(id) {}',
  'function* (id) {}',
  'function* charge(id) { yield 1 }',
  'async function (id) {}',
  'async function* (id) { yield await 1 }',
  'id => {}',
  '(id) => {}',
  '(id) => ({ id })',
  'async id => {}',
  'async (id) => {}',
  'async(id)=>id',
  '(id,) => {}',
  '(\n  id,\n) =>\n  id',
  'function(id){return arguments.length}',
  '/* the (first, */ function /* name */ charge /* (x) */ (id) {}',
]

const methods: readonly string[] = [
  '{ charge(id) {} }.charge',
  '{ async charge(id) {} }.charge',
  '{ *charge(id) {} }.charge',
  '{ async *charge(id) {} }.charge',
  '{ async * charge (id) {} }.charge',
  "{ 'my method'(id) {} }['my method']",
  "{ 'a) => {'(id) {} }['a) => {']",
  '{ 42(id) {} }[42]',
  "{ ['a' + (1, 'b')](id) {} }.ab",
  '{ [Symbol.iterator](id) {} }[Symbol.iterator]',
  '{ async *[Symbol.asyncIterator](id) {} }[Symbol.asyncIterator]',
  '{ charge: function (id) {} }.charge',
  '{ charge: async (id) => {} }.charge',
  '{ charge(id) { return super.toString() } }.charge',
  ...['async', 'get', 'set', 'static', 'function', 'await', 'yield', 'new', 'if', 'class', 'constructor', 'of'].map(
    (name) => `{ ${name}(id) {} }.${name}`,
  ),
]

const members: readonly string[] = [
  'class { charge(id) {} }.prototype.charge',
  'class { async charge(id) {} }.prototype.charge',
  'class { *charge(id) {} }.prototype.charge',
  'class { async *charge(id) {} }.prototype.charge',
  'class { static charge(id) {} }.charge',
  'class { static async charge(id) {} }.charge',
  'class { static *charge(id) {} }.charge',
  'class { static async *charge(id) {} }.charge',
  'class { static static(id) {} }.static',
  'class { static async(id) {} }.async',
  'class { static get(id) {} }.get',
  'class { #charge(id) {} static of() { return new this().#charge } }.of()',
  'class { async #charge(id) {} static of() { return new this().#charge } }.of()',
  'class { static #charge(id) {} static of() { return this.#charge } }.of()',
  "class { ['charge'](id) {} }.prototype.charge",
  "class { static async *['charge'](id) {} }.charge",
  'class extends Array { charge(id) { return super.push } }.prototype.charge',
  'class extends Array { static charge(id) { return super.from } }.charge',
  'class { #secret = 1; charge(id) { return [() => this.#secret] } }.prototype.charge',
  'class { #secret = 1; async charge(id) { return #secret in {} } }.prototype.charge',
  'class { static #n = 1; static charge(id) { return () => this.#n } }.charge',
  'class { static #n = 1; static charge = (id) => this.#n }.charge',
  'class { static charge = async (id) => {} }.charge',
  'class extends Array { static of() { return (id) => super.from } }.of()',
]

const sloppy: readonly string[] = [
  'function (id) { with ({}) {} }',
  'function (id) { return 0o10 + 010 }',
  'function (id) { let\nyield\nvar await }',
  'function (await, id) {}',
  'function (id, id) { return new.target }',
]

describe('a placeholder finds its parameter in', () => {
  it.each([...functions, ...methods, ...members])('%s', async (source) => {
    expect(await keyOf('bill-{id}', { fn: functionFrom(source), args: [42] })).toBe('bill-42')
  })

  it.each(sloppy)('code that is not strict: %s', async (source) => {
    const fn = functionFrom(source)
    const args = source.includes('(await') ? ['x', 42] : [42, 42]
    expect(await keyOf('bill-{id}', { fn, args })).toBe('bill-42')
  })

  it('code of a module', async () => {
    const source = 'export const charge = async (id) => import.meta.url'
    const { charge } = (await import(/* @vite-ignore */ `data:text/javascript,${encodeURIComponent(source)}`)) as {
      charge: (id: number) => Promise<string>
    }
    expect(await charge(1)).toContain('data:')
    expect(await keyOf('bill-{id}', { fn: charge, args: [42] })).toBe('bill-42')
  })
})

const lists: readonly (readonly [parameters: string, position: number])[] = [
  ['/* a, b) => */ id /* = 5 */', 0],
  ['a, // b, c) {\n id', 1],
  ["a = ',', id", 1],
  ["a = ')', id", 1],
  ["a = '\\'),', id", 1],
  ['a = "id", id', 1],
  ['a = `,${"}"},)`, id', 1],
  ['a = `${`${1}`}`, id', 1],
  ['a = /[)}\'",]/, id', 1],
  ['a = /\\/,id/g, id', 1],
  ['a = { id: 1, b: [2, (3, 4)] }, id', 1],
  ['a = [1, 2, { c: 3 }], id', 1],
  ['a = (x, y) => ({ x, id: y }), id', 1],
  ['a = function (id) { return id }, id', 1],
  ['a = async (id) => id, id', 1],
  ['a = class { id(id) {} }, id', 1],
  ['a = (1, 2), id', 1],
  ['a = 4 / 2, b = 1 / 1, id', 2],
  ['a = b => b, id', 1],
  ['{ b, c = ({}), ...d } = {}, [e, , f] = [], id', 2],
  ['id, ...others', 0],
  ['$, _, ñ, 日本, id', 4],
  ['\\u0069d', 0],
]

describe('a placeholder finds its parameter in the list', () => {
  it.each(lists)('(%s)', async (parameters, position) => {
    const args = Array.from({ length: position + 1 }, (_, index) => (index === position ? 42 : undefined))
    for (const source of [
      `(${parameters}) => {}`,
      `async function (${parameters}) {}`,
      `{ m(${parameters}) {} }.m`,
      `class { static m(${parameters}) {} }.m`,
    ]) {
      expect(await keyOf('bill-{id}', { fn: functionFrom(source), args }), source).toBe('bill-42')
    }
  })

  it('whatever characters the name has', async () => {
    const fn = functionFrom('($, _, ñ, 日本) => {}')
    expect(await keyOf('{$}{{{_}}}{ñ}-{日本}', { fn, args: ['a', 'b', 'c', 'd'] })).toBe('a{b}c-d')
  })
})
