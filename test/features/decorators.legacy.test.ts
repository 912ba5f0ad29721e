// Compiled with `experimentalDecorators`, see vitest.config.ts and tsconfig.legacy.json.
import { afterEach, describe, expect, it } from 'vitest'
import { close, configure, lock, LockedError, NotConfiguredError } from 'holdfast'
import { failureOf, freshKey, latch, thrownBy } from './support/tools.js'

afterEach(close)

const name = freshKey('bill')

class Billing {
  static readonly tenant: string = 'all'
  readonly tenant: string
  gate = latch()

  constructor(tenant: string) {
    this.tenant = tenant
  }

  @lock(`${name}-{this.tenant}-{id}`)
  async charge(id: string, amount = 1): Promise<string> {
    await this.gate.promise
    return `${this.tenant} ${id} ${amount}`
  }

  @lock(`${name}-sync-{id}`)
  count(id: string): string {
    return `${this.tenant} ${id}`
  }

  @lock(`${name}-static-{this.tenant}-{id}`)
  static async refund(id: string): Promise<string> {
    return `${this.tenant} ${id}`
  }

  @lock((id: number) => `${name}-typed-${id}`)
  typed(id: number): string {
    return `${this.tenant} ${id}`
  }
}

describe('a method decorated with experimentalDecorators', () => {
  it('works once configure() was called, and says what is missing before', async () => {
    expect(await failureOf(() => new Billing('t').charge('1'))).toBeInstanceOf(NotConfiguredError)
    expect(thrownBy(() => new Billing('t').count('1')).code).toBe('NOT_CONFIGURED')
    configure()
    expect(new Billing('t').count('1')).toBe('t 1')
  })

  it('locks by the properties of its object and by its arguments', async () => {
    configure()
    const [a, b] = [new Billing('a'), new Billing('b')]
    const running = [a.charge('1'), a.charge('2', 5), b.charge('1')]
    const refusal = await failureOf(() => new Billing('a').charge('1'))
    expect(refusal).toBeInstanceOf(LockedError)
    expect(refusal.key).toBe(`${name}-a-1`)
    a.gate.open()
    b.gate.open()
    expect(await Promise.all(running)).toEqual(['a 1 1', 'a 2 5', 'b 1 1'])
  })

  it('may be static, sync, or keyed by a function', async () => {
    configure()
    expect(await Billing.refund('1')).toBe('all 1')
    expect(new Billing('d').typed(7)).toBe('d 7')
    const lease = await lock(`${name}-static-all-1`).acquire()
    await expect(Billing.refund('1')).rejects.toBeInstanceOf(LockedError)
    await lease.release()
  })

  it('keeps its descriptor: not enumerable, writable, configurable, with its name', () => {
    expect(Object.getOwnPropertyDescriptor(Billing.prototype, 'charge')).toMatchObject({
      enumerable: false,
      writable: true,
      configurable: true,
    })
    expect(Billing.prototype.charge.name).toBe('charge')
    expect(Billing.prototype.charge.length).toBe(1)
  })
})

describe('a legacy decorator of anything but a method', () => {
  const decorator = lock('key') as unknown as PropertyDecorator & ClassDecorator & ParameterDecorator

  it('is refused when the class is made', () => {
    const makers: Readonly<Record<string, () => unknown>> = {
      class: () => {
        @decorator
        class Thing {}
        return Thing
      },
      property: () => {
        class Thing {
          @decorator
          thing = 1
        }
        return Thing
      },
      'static property': () => {
        class Thing {
          @decorator
          static thing = 1
        }
        return Thing
      },
      getter: () => {
        class Thing {
          @decorator
          get thing(): number {
            return 1
          }
        }
        return Thing
      },
      parameter: () => {
        class Thing {
          thing(@decorator id: string): string {
            return id
          }
        }
        return Thing
      },
    }
    for (const [what, make] of Object.entries(makers)) {
      const error = thrownBy(make)
      expect(error, what).toMatchObject({ name: 'InvalidOptionError', code: 'INVALID_OPTION' })
      expect(error.message).toContain('A lock wraps functions and decorates methods')
    }
  })
})
