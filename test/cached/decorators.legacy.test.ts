// Compiled with `experimentalDecorators`, see vitest.config.ts and tsconfig.legacy.json.
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { cached, close, configure, lock, NotConfiguredError } from 'holdfast'
import { freshKey, failureOf } from '../features/support/tools.js'

beforeEach(() => configure())
afterEach(close)

const name = freshKey('bill')

class Billing {
  static readonly tenant: string = 'all'
  static calls = 0
  readonly tenant: string
  calls = 0

  constructor(tenant: string) {
    this.tenant = tenant
  }

  @cached(`${name}-{this.tenant}-{id}`, { ttl: '1m' })
  async total(id: string, currency = 'EUR'): Promise<string> {
    return `${this.tenant} ${id} ${currency} ${++this.calls}`
  }

  @cached(`${name}-sync-{id}-{currency}`)
  count(id: string, currency = 'EUR'): string {
    return `${this.tenant} ${id} ${currency} ${++this.calls}`
  }

  @cached(`${name}-static-{this.tenant}-{id}`)
  static async of(id: string): Promise<string> {
    return `${this.tenant} ${id} ${++Billing.calls}`
  }

  @cached((id: number) => `${name}-typed-${id}`)
  typed(id: number): string {
    return `${this.tenant} ${id} ${++this.calls}`
  }

  @cached(`${name}-outer-{id}`)
  @lock(`${name}-lock-{id}`, { wait: true })
  @cached(`${name}-inner-{id}`)
  async layers(id: string): Promise<string> {
    return `${this.tenant} ${id} ${++this.calls}`
  }
}

describe('a cached method', () => {
  it('keeps its results, by the fields of its object that the key names', async () => {
    const [anna, ben] = [new Billing('anna'), new Billing('ben')]
    expect([await anna.total('1'), await anna.total('1'), await ben.total('1')]).toEqual([
      'anna 1 EUR 1',
      'anna 1 EUR 1',
      'ben 1 EUR 1',
    ])
    expect(await cachedCalls(anna.total).reset.call(anna, '1')).toBe(true)
    expect([await anna.total('1'), await ben.total('1')]).toEqual(['anna 1 EUR 2', 'ben 1 EUR 1'])
  })

  it('counts the defaults of its parameters', () => {
    const anna = new Billing('anna')
    expect([anna.count('1'), anna.count('1', 'EUR'), anna.count('1', 'USD')]).toEqual([
      'anna 1 EUR 1',
      'anna 1 EUR 1',
      'anna 1 USD 2',
    ])
  })

  it('may be static', async () => {
    expect([await Billing.of('1'), await Billing.of('1')]).toEqual(['all 1 1', 'all 1 1'])
    expect(await cachedCalls(Billing.of).reset.call(Billing, '1')).toBe(true)
    expect(await Billing.of('1')).toBe('all 1 2')
  })

  it('may have a key function, and other decorators', async () => {
    const anna = new Billing('anna')
    expect([anna.typed(1), anna.typed(1)]).toEqual(['anna 1 1', 'anna 1 1'])
    expect([await anna.layers('1'), await anna.layers('1')]).toEqual(['anna 1 2', 'anna 1 2'])
    expect(await cachedCalls(anna.layers).reset.call(anna, '1')).toBe(true)
    expect(await anna.layers('1')).toBe('anna 1 3')
  })

  it('needs its object for a reset whose key names it', async () => {
    const anna = new Billing('anna')
    const error = await failureOf(() => cachedCalls(anna.total).reset('1'))
    expect(error).toMatchObject({ code: 'KEY_TEMPLATE' })
  })

  it('keeps its name and length, and fails before configure()', async () => {
    expect([Billing.prototype.total.name, Billing.prototype.total.length]).toEqual(['total', 1])
    await close()
    expect(await failureOf(() => new Billing('anna').total('1'))).toBeInstanceOf(NotConfiguredError)
  })
})

/** A decorator cannot change the type of its method. */
function cachedCalls(method: unknown): { reset: (this: unknown, ...args: unknown[]) => Promise<boolean> } {
  return method as { reset: () => Promise<boolean> }
}
