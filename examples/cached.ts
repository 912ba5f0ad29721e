// Results that are kept: computed once for all who ask, in this process and in others.
import { cached, configure } from 'holdfast'
import { settings } from './support/settings.js'

configure({ ...settings, cacheTtl: '10m' })

// #region program
let queries = 0
const userOf = cached('user-{id}', { ttl: '1m' })(async (id: string) => {
  queries++
  return { id, name: `user ${id}` }
})

const users = await Promise.all([userOf('42'), userOf('42'), userOf('7'), userOf('42')])
console.log(`${users.length} answers by ${queries} queries`)

await userOf('42')
await userOf.reset('42') // whoever changes user 42 says so
await userOf('42')
console.log(`after a reset: ${queries} queries`)
// #endregion

// #region stale
let isDown = false
const ratesOf = cached('rates-{currency}', { ttl: '1s', staleWhileRevalidate: '10s', staleIfError: '1h' })(async (
  currency: string,
) => {
  if (isDown) throw new Error('the service is down')
  return { currency, rate: 1.1 }
})
// #endregion
await ratesOf('USD')
isDown = true
console.log(`still known: ${(await ratesOf('USD')).rate}`)

// #region method
class Shop {
  readonly tenant: string
  constructor(tenant: string) {
    this.tenant = tenant
  }

  @cached('prices-{this.tenant}-{currency}', { ttl: null }) // until it is reset
  async prices(currency = 'EUR'): Promise<readonly number[]> {
    console.log(`computing prices of ${this.tenant} in ${currency}`)
    return [1, 2]
  }
}
const shop = new Shop('acme')
await shop.prices()
await shop.prices('EUR') // the same: defaults count
// #endregion
