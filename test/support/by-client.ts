import { redis, type RedisClient } from '../../src/stores/redis/index.js'
import type { ContractSubject } from '../../src/testing/index.js'

/** Stores on clients of the user's, which nobody else closes. */
export async function byClient<Client extends RedisClient>(
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
