// Writes to Redis that are refused when they come from an old holder. Needs HOLDFAST_EXAMPLE_STORE=redis://…
import { randomUUID } from 'node:crypto'
import { configure, lock } from 'holdfast'
import { type Held, redisGuard, StaleTokenError } from 'holdfast/fence'
import { Redis } from 'ioredis'
import { settings } from './support/settings.js'

configure(settings)
const client = new Redis(settings.store)

// #region guard
const guard = redisGuard(client)
const item = `item-${randomUUID()}`

async function take(held: Held, count: number): Promise<unknown> {
  return guard.eval(held, `return redis.call('HINCRBY', KEYS[1], 'left', -ARGV[1])`, {
    keys: [`stock:{${item}}`], // the key of the lock as hash tag: on a Cluster both are in one slot
    args: [count],
  })
}
// #endregion

// #region program
const first = await lock(item, { expire: '300ms' }).acquire() // stands for a lease that ends during a pause
await guard.hset(first, `stock:{${item}}`, { left: 10 })

const second = await lock(item, { wait: '10s' }).acquire()
console.log(`left after the second took 3: ${String(await take(second, 3))}`)

await take(first, 5).catch((error: unknown) => {
  if (!(error instanceof StaleTokenError)) throw error
  console.log(`the first is refused: ${error.code}`)
})
console.log(`left: ${await client.hget(`stock:{${item}}`, 'left')}`)
// #endregion

await guard.del(second, `stock:{${item}}`)
await second.release()
client.disconnect()
