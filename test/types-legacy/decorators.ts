// Checked by `tsc -p tsconfig.legacy.json`, with `experimentalDecorators`; what it does is tested in
// test/features/decorators.legacy.test.ts.
import { createHoldfast, lock } from 'holdfast'

const far = createHoldfast({ store: 'redis://localhost:6379' })
const near = createHoldfast()

export class Billing {
  readonly tenant = 't'

  @lock('bill-{this.tenant}-{id}', { wait: '5s' })
  async charge(id: string): Promise<number> {
    return Promise.resolve(id.length)
  }

  @lock('bill-{id}')
  count(id: string): number {
    return id.length
  }

  @lock('bill-{id}')
  static async refund(id: string): Promise<number> {
    return Promise.resolve(id.length)
  }

  @lock(['bill-{id}', 'bill-{other}'])
  async merge(id: string, other: string): Promise<number> {
    return Promise.resolve(id.length + other.length)
  }

  @near.lock((ids: readonly string[]) => ids)
  all(ids: readonly string[]): number {
    return ids.length
  }

  @near.lock((id: string) => id)
  typed(id: string, more: number): number {
    return id.length * more
  }

  @far.lock('bill-{id}')
  async distant(id: string): Promise<number> {
    return Promise.resolve(id.length)
  }

  // @ts-expect-error -- a store that answers with promises needs an async method
  @far.lock('bill-{id}')
  distantSync(id: string): number {
    return id.length
  }

  // @ts-expect-error -- the key function asks for a number
  @near.lock((id: number) => `${id}`)
  wrong(id: string): number {
    return id.length
  }

  // @ts-expect-error -- a property
  @lock('bill')
  readonly property: number = 1

  // @ts-expect-error -- a getter
  @lock('bill')
  get getter(): number {
    return 1
  }
}

// @ts-expect-error -- a class
@lock('bill')
export class Wrong {}
