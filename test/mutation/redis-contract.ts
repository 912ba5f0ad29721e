import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { describe, inject, it } from 'vitest'
import { redis } from '../../src/stores/redis/index.js'
import { type ContractOptions, storeContract } from '../../src/testing/index.js'
import { byClient } from '../support/by-client.js'

const url = inject('redisUrl')

const clients: readonly [name: string, create: ContractOptions['create']][] = [
  [
    'ioredis',
    () =>
      byClient(
        () => new Redis(url),
        (client) => client.disconnect(),
      ),
  ],
  [
    'node-redis',
    () =>
      byClient(
        () => createClient({ url }).connect(),
        (client) => client.destroy(),
      ),
  ],
]

/** One after the other, so that it is known which of them reach a mutant. */
describe.each(clients)('redis keeps the contract by %s', (name, create) => {
  const { capabilities } = redis(url)
  for (const { name: text, run } of storeContract({
    name,
    capabilities,
    has: ['acquireAll', 'wasRevoked', 'resize', 'onNotice', 'values'],
    create,
  })) {
    it(text, run)
  }
})
