// Programs that lock by SET key value NX PX, and holdfast, on one key. Needs HOLDFAST_EXAMPLE_STORE=redis://…
import { createHoldfast } from 'holdfast'
import { Redis } from 'ioredis'
import { settings } from './support/settings.js'

const redis = new Redis(settings.store)
const key = `${settings.prefix}invoice-42`

// #region program
const { lock, close } = createHoldfast({ store: settings.store, prefix: '' }) // the same names as the other program

await redis.set(key, 'the other program', 'PX', 10_000, 'NX')
console.log(`holdfast: ${(await lock(key).tryAcquire()) === undefined ? 'held by another' : 'acquired'}`)
await redis.del(key)

await using lease = await lock(key).acquire()
console.log(`holdfast: ${lease.active ? 'acquired' : 'lost'}`)
const answer = await redis.set(key, 'the other program', 'PX', 10_000, 'NX')
console.log(`the other program: ${answer === null ? 'held by another' : 'acquired'}`)
// #endregion

await lease.release()
await close()
redis.disconnect()
