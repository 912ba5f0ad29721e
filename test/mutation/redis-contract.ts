import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { describe, inject, it } from 'vitest'
import { redis, type RedisClient } from '../../src/stores/redis/index.js'
import { type ContractOptions, type ContractSubject, storeContract } from '../../src/testing/index.js'

const url = inject('redisUrl')

const clients: readonly [name: string, create: ContractOptions['create']][] = [
  [
    'ioredis',
    () =>
      on(
        () => new Redis(url),
        (client) => client.disconnect(),
      ),
  ],
  [
    'node-redis',
    () =>
      on(
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

async function on<Client extends RedisClient>(
  open: () => Client | Promise<Client>,
  end: (client: Client) => void,
): Promise<ContractSubject> {
  const opened: Client[] = []
  const openStore = async (): Promise<ContractSubject['store']> => {
    const client = await open()
    opened.push(client)
    return redis(client)
  }
  return { store: await openStore(), another: openStore, close: () => opened.forEach(end) }
}
