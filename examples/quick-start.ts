import { setTimeout as sleep } from 'node:timers/promises'
import { configure, lock } from 'holdfast'

configure() // locks within this process; across machines: configure({ store: 'redis://localhost:6379' })

let balance = 0

async function add(amount: number): Promise<void> {
  await lock('balance', { wait: '10s' }).run(async () => {
    const before = balance
    await sleep(10)
    balance = before + amount
  })
}

await Promise.all([add(1), add(2), add(3)])
console.log(balance) // 6; without the lock 3
