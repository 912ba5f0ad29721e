// Keys made of arguments: templates, functions, methods.
import { configure, lock, type Wrapped } from 'holdfast'
import { settings } from './support/settings.js'

configure(settings)

// #region functions
const charge = lock('bill-{customer.id}-{currency}')(async (
  customer: { id: number },
  currency = 'EUR',
): Promise<string> => {
  return `charged ${customer.id} in ${currency}: ${await charge.isLocked(customer, currency)}`
})
console.log(await charge({ id: 7 })) // holds bill-7-EUR

const greet = lock((id: number) => `user-${id}`)(async (id: number) => `hello ${id}`)
console.log(await greet(7)) // holds user-7
// #endregion

// #region method
class Billing {
  readonly tenant: string
  constructor(tenant: string) {
    this.tenant = tenant
  }

  @lock('bill-{this.tenant}-{id}')
  async charge(id: string): Promise<string> {
    // TypeScript does not let a decorator change a method's type; `Wrapped` names what it has become
    const { isLocked } = Billing.prototype.charge as Wrapped<Billing['charge']>
    return `charged ${id}: ${await isLocked.call(this, id)}`
  }
}
console.log(await new Billing('acme').charge('42')) // holds bill-acme-42
// #endregion
