// A locked method that calls another one of the same key.
import { setTimeout as sleep } from 'node:timers/promises'
import { configure, lock } from 'holdfast'
import { settings } from './support/settings.js'

configure(settings)

// #region program
class Account {
  readonly id = '42'
  balance = 0

  @lock('account-{this.id}', { reentrant: true, wait: '10s' })
  async add(amount: number): Promise<void> {
    const before = this.balance
    await sleep(5)
    this.balance = before + amount
  }

  @lock('account-{this.id}', { reentrant: true, wait: '10s' })
  async addAll(amounts: number[]): Promise<void> {
    await Promise.all(amounts.map((amount) => this.add(amount))) // inside: they enter, one at a time
  }
}

const account = new Account()
await Promise.all([account.addAll([1, 2, 3]), account.addAll([10, 20])])
console.log(`balance: ${account.balance}`)
// #endregion
