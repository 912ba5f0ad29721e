// Clients of yours instead of a URL. You connect and close them. Needs HOLDFAST_EXAMPLE_STORE=redis://…
import { createHoldfast } from 'holdfast'
import { redis } from 'holdfast/redis'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { settings } from './support/settings.js'

const { store: url, prefix } = settings

// #region ioredis
const ioredis = new Redis(url, { maxRetriesPerRequest: 1 })
const a = createHoldfast({ store: redis(ioredis), prefix })
// #endregion

// #region node-redis
const nodeRedis = createClient({ url })
await nodeRedis.connect()
const b = createHoldfast({ store: redis(nodeRedis), prefix })
// #endregion

const lease = await a.lock('shared').acquire()
console.log(`through ioredis: ${lease.active}`)
console.log(
  `through node-redis: ${(await b.lock('shared').tryAcquire()) === undefined ? 'held by another' : 'acquired'}`,
)
await lease.release()
console.log(
  `after the release: ${(await b.lock('shared').tryAcquire()) === undefined ? 'held by another' : 'acquired'}`,
)

await a.close()
await b.close()
ioredis.disconnect()
nodeRedis.destroy()
