import { describe, expect, it } from 'vitest'
import { createHoldfast, KeyTemplateError } from 'holdfast'
import { functionFrom } from './support/key-of.js'
import { failureOf, freshKey, thrownBy } from './support/tools.js'

const { lock } = createHoldfast()

describe('a template that is not well formed', () => {
  it.each(['{', '}', 'a{b', 'a}b', '{a', 'a}', '{a}}', '{{a}', '}{a}', '{a}{', '{a{b}}'])(
    '%s: a single brace fails when the function is wrapped, and says how to write one',
    (template) => {
      const error = thrownBy(() => lock(template)((_a: string) => {}))
      expect(error).toBeInstanceOf(KeyTemplateError)
      expect(error).toMatchObject({ name: 'KeyTemplateError', code: 'KEY_TEMPLATE', key: template })
      expect(error.message).toMatch(/single '[{}]'.*write '(\{\{|\}\})'/)
    },
  )

  it.each(['{}', '{ }', '{.}', '{a.}', '{.a}', '{a..b}', 'k-{this}', '{this.}'])(
    '%s: an empty placeholder fails when the function is wrapped',
    (template) => {
      expect(thrownBy(() => lock(template)((_a: string) => {}))).toMatchObject({ code: 'KEY_TEMPLATE' })
    },
  )

  it('is a key like any other for acquire and run', async () => {
    const key = freshKey('{ {id} }}')
    expect(await lock(key).run((lease) => lease.key)).toBe(key)
  })
})

describe('a placeholder that names no parameter', () => {
  it('fails when the function is wrapped, and the message tells the parameters', () => {
    const fn = functionFrom('(id, { name: title }, ...others) => {}')
    const error = thrownBy(() => lock('bill-{idd}')(fn))
    expect(error).toMatchObject({ name: 'KeyTemplateError', code: 'KEY_TEMPLATE', key: 'bill-{idd}' })
    expect(error.message).toContain(`'{idd}' in 'bill-{idd}' names no parameter`)
    expect(error.message).toContain('its parameters are id, title, others')
  })

  it('of a path, tells the name to give in args', () => {
    const error = thrownBy(() => lock('{user.id}')(functionFrom('(e) => {}')))
    expect(error.message).toContain(`{ args: ['user'] }`)
  })

  it('of a function without any says so', () => {
    for (const source of ['() => {}', 'function () { return arguments }', '{ m() {} }.m']) {
      expect(thrownBy(() => lock('{id}')(functionFrom(source))).message).toContain('it has no parameters')
    }
  })

  it.each(['{name}', '{ID}', '{-1}', '{0x1}', '{1e1}', '{id }x{i d}', '{function}', '{constructor}', '{__proto__}'])(
    '%s is found out',
    (template) => {
      expect(thrownBy(() => lock(template)(functionFrom('(id) => {}'))).code).toBe('KEY_TEMPLATE')
    },
  )

  it('is found out in methods when the class is made', () => {
    expect(
      thrownBy(() => {
        class Billing {
          @lock('bill-{idd}')
          async charge(id: string): Promise<string> {
            return id
          }
        }
        return Billing
      }).message,
    ).toContain('its parameters are id')
  })
})

describe('a function whose parameters cannot be read', () => {
  it.each([
    ['bound', functionFrom('(id) => {}').bind(undefined)],
    ['native', Math.max],
    ['a proxy', new Proxy((_id: string) => {}, {})],
  ])('%s: fails when it is wrapped, and the message names args', (_, fn) => {
    const error = thrownBy(() => lock('bill-{id}')(fn))
    expect(error.code).toBe('KEY_TEMPLATE')
    expect(error.message).toContain('{ args: [')
    expect(() => lock('bill-{0}')(fn)).not.toThrow()
    expect(() => lock('bill', {})(fn)).not.toThrow()
  })
})

describe('a value that is no text', () => {
  const values: readonly (readonly [name: string, value: unknown])[] = [
    ['undefined', undefined],
    ['null', null],
    ['NaN', Number.NaN],
    ['an object', { id: 1 }],
    ['an object', new Date(0)],
    ['an object', Object.create(null)],
    ['an object', Object('text')],
    ['an object', { toString: () => 'text' }],
    ['an array', ['a']],
    ['an array', []],
    ['a function', () => 'text'],
    ['a function', class {}],
    ['Symbol(s)', Symbol('s')],
  ]

  it.each(values)('but %s fails at the call, and neither runs nor holds', async (name, value) => {
    const ran: unknown[] = []
    const prefix = freshKey()
    const { lock } = createHoldfast({ prefix })
    const template = 'bill-{id}'
    const sync = lock(template)((id: unknown) => ran.push(id))
    const async_ = lock(template)(async (id: unknown) => ran.push(id))
    for (const call of [
      () => sync(value),
      () => sync.isLocked(value),
      () => sync.release(value),
      () => sync.inspect(value),
    ]) {
      const error = thrownBy(call)
      expect(error).toMatchObject({ name: 'KeyTemplateError', code: 'KEY_TEMPLATE', key: template })
      expect(error.message).toContain(`'{id}' in 'bill-{id}' is ${name} in this call`)
    }
    for (const call of [
      () => async_(value),
      () => async_.isLocked(value),
      () => async_.release(value),
      () => async_.inspect(value),
    ]) {
      const promise = call() // rejects, and does not throw
      expect((await failureOf(() => promise)).code).toBe('KEY_TEMPLATE')
    }
    expect(ran).toEqual([])
  })

  it('tells the way out: a property of an object, a value for undefined, a function', async () => {
    const wrapped = lock('bill-{user}')(async (user?: object) => user)
    const objectError = await failureOf(() => wrapped({ id: 1 }))
    expect(objectError.message).toContain(`'{user.id}'`)
    expect(objectError.message).toContain('lock((…args) =>')
    const missing = await failureOf(() => wrapped())
    expect(missing.message).not.toContain('user.id')
    expect(missing.message).toContain('literal default')
  })

  it('may be missing anywhere on a path', async () => {
    const wrapped = lock('{user.address.city}')(async (user?: unknown) => user)
    for (const user of [undefined, null, {}, { address: null }, { address: {} }, 5]) {
      expect((await failureOf(() => wrapped(user))).code).toBe('KEY_TEMPLATE')
    }
  })

  it('of `this` is not the wrapped function, when that is asked', async () => {
    const wrapped = lock('{this.name}-{this.length}')(async function named() {})
    expect((await failureOf(() => wrapped.isLocked())).code).toBe('KEY_TEMPLATE')
  })

  it('of `this` tells how to ask a method from outside', async () => {
    class Billing {
      readonly tenant = freshKey()
      @lock('bill-{this.tenant}')
      async charge(): Promise<void> {}
    }
    const billing = new Billing()
    const error = await failureOf(() => (billing.charge as unknown as { isLocked(): unknown }).isLocked())
    expect(error.code).toBe('KEY_TEMPLATE')
    expect(error.message).toContain('isLocked.call(')
  })
})
