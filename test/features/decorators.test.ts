import { afterEach, describe, expect, it } from 'vitest'
import { close, configure, createHoldfast, lock, LockedError, NotConfiguredError } from 'holdfast'
import { failureOf, freshKey, latch, thrownBy } from './support/tools.js'

afterEach(close)

const name = freshKey('bill')
const calls: string[] = []

// Decorated before configure() was called, as classes of imported modules are.
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
  count(id: string): number {
    calls.push(id)
    return calls.length
  }

  @lock(`${name}-static-{this.tenant}-{id}`)
  static async refund(id: string): Promise<string> {
    return `${this.tenant} ${id}`
  }

  @lock(`${name}-steps-{limit}`)
  *steps(limit: number): Generator<number> {
    for (let step = 0; step < limit; step++) yield step
  }

  @lock((id: number) => `${name}-typed-${id}`)
  typed(id: number): string {
    return `${this.tenant} ${id}`
  }

  @lock(`${name}-private-{id}`)
  async #secret(id: string): Promise<string> {
    return `${this.tenant} ${id}`
  }

  askSecret(id: string): Promise<string> {
    return this.#secret(id)
  }
}

interface Calls {
  isLocked(...args: unknown[]): Promise<boolean>
  release(...args: unknown[]): Promise<boolean>
}

describe('a decorated method', () => {
  it('works once configure() was called, and says what is missing before', async () => {
    expect(await failureOf(() => new Billing('t').charge('1'))).toBeInstanceOf(NotConfiguredError)
    expect(thrownBy(() => new Billing('t').count('1')).code).toBe('NOT_CONFIGURED')
    configure()
    expect(new Billing('t').count('1')).toBe(1)
  })

  it('locks by the properties of its object and by its arguments', async () => {
    configure()
    const [a, b] = [new Billing('a'), new Billing('b')]
    const running = [a.charge('1'), a.charge('2', 5), b.charge('1')]
    const refusal = await failureOf(() => new Billing('a').charge('1'))
    expect(refusal).toBeInstanceOf(LockedError)
    expect(refusal.key).toBe(`${name}-a-1`)
    expect(await lock(`${name}-b-1`).isLocked()).toBe(true)
    a.gate.open()
    b.gate.open()
    expect(await Promise.all(running)).toEqual(['a 1 1', 'a 2 5', 'b 1 1'])
    expect(await a.charge('1')).toBe('a 1 1')
  })

  it('carries its calls, which find the object by call()', async () => {
    configure()
    const billing = new Billing('c')
    const charge = billing.charge as unknown as Calls
    const running = billing.charge('1')
    expect(await charge.isLocked.call(billing, '1')).toBe(true)
    expect(await charge.isLocked.call(billing, '2')).toBe(false)
    expect(await charge.release.call(billing, '1')).toBe(true)
    billing.gate.open()
    expect(await running).toBe('c 1 1')
  })

  it('may be static, private, a generator, sync, or keyed by a function', async () => {
    configure()
    const billing = new Billing('d')
    expect(await Billing.refund('1')).toBe('all 1')
    expect([...billing.steps(3)]).toEqual([0, 1, 2])
    expect(billing.typed(7)).toBe('d 7')
    expect(await billing.askSecret('x')).toBe('d x')
    const lease = await lock(`${name}-static-all-1`).acquire()
    await expect(Billing.refund('1')).rejects.toBeInstanceOf(LockedError)
    await lease.release()
    const held = lock(`${name}-typed-7`).acquireSync()
    expect(() => billing.typed(7)).toThrow(LockedError)
    held.release()
  })

  it('is inherited, and can be called through super', async () => {
    configure()
    class Special extends Billing {
      override count(id: string): number {
        return super.count(id) * 1000
      }
    }
    calls.length = 0
    expect(new Special('t').count('1')).toBe(1000)
    expect(Object.keys(new Special('t'))).not.toContain('charge')
    expect(Billing.prototype.charge.name).toBe('charge')
  })
})

describe('a decorator of anything but a method', () => {
  const decorator = createHoldfast().lock('key') as unknown as (value: unknown, context: unknown) => never

  it.each(['class', 'getter', 'setter', 'field', 'accessor'])('of a %s is refused', (kind) => {
    const context = { kind, name: 'thing', static: false, private: false, metadata: {}, addInitializer: () => {} }
    for (const value of [undefined, () => {}, class {}, { get: () => {}, set: () => {} }]) {
      const error = thrownBy(() => decorator(value, context))
      expect(error).toMatchObject({ name: 'InvalidOptionError', code: 'INVALID_OPTION' })
      expect(error.message).toContain(`a ${kind} (thing)`)
    }
  })

  it('is refused when the class is made', () => {
    const field = decorator as unknown as (value: undefined, context: ClassFieldDecoratorContext) => void
    const getter = decorator as unknown as (value: () => number, context: ClassGetterDecoratorContext) => void
    const whole = decorator as unknown as (value: new () => object, context: ClassDecoratorContext) => void
    const makers = [
      () =>
        class {
          @field
          readonly thing = 1
        },
      () =>
        class {
          @getter
          get thing(): number {
            return 1
          }
        },
      () => {
        @whole
        class Thing {}
        return Thing
      },
    ]
    for (const make of makers) expect(thrownBy(make).code).toBe('INVALID_OPTION')
  })
})
