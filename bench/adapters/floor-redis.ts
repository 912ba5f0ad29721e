/** What the wire and the client cost, with no library on top. */
import { createHash, randomBytes } from 'node:crypto'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { type Instance, keysOf, type Setting } from '../library.js'

interface Held {
  readonly key: string
  readonly value: string
}

const compareAndDelete = 'if redis.call("get",KEYS[1])==ARGV[1] then return redis.call("del",KEYS[1]) end return 0'
const sha = createHash('sha1').update(compareAndDelete).digest('hex')

/** SET NX PX, then DEL or the compare-and-delete script by its sha. */
export async function openPair({ redisUrl }: Setting, end: 'DEL' | 'script'): Promise<Instance<Held>> {
  const client = new Redis(redisUrl)
  await client.script('LOAD', compareAndDelete)
  const name = valueMaker()
  return {
    async acquire(key, terms) {
      const value = name()
      if ((await client.set(key, value, 'PX', terms?.ttlMs ?? 30_000, 'NX')) !== 'OK') throw new Error(`${key} is held`)
      return { key, value }
    },
    release: ({ key, value }) => (end === 'DEL' ? client.del(key) : client.evalsha(sha, 1, key, value)),
    close: () => client.quit(),
  }
}

/** The same by node-redis, with the script. */
export async function openNodeRedisPair({ redisUrl }: Setting): Promise<Instance<Held>> {
  const client = await createClient({ url: redisUrl }).connect()
  await client.scriptLoad(compareAndDelete)
  const name = valueMaker()
  return {
    async acquire(key, terms) {
      const value = name()
      const expiration = { type: 'PX', value: terms?.ttlMs ?? 30_000 } as const
      if ((await client.set(key, value, { condition: 'NX', expiration })) !== 'OK') throw new Error(`${key} is held`)
      return { key, value }
    },
    release: ({ key, value }) => client.evalSha(sha, { keys: [key], arguments: [value] }),
    close: () => client.close(),
  }
}

const setAll = `for _, key in ipairs(KEYS) do if redis.call("exists",key)==1 then return 0 end end
for _, key in ipairs(KEYS) do redis.call("set",key,ARGV[1],"PX",ARGV[2]) end
return 1`
const deleteAll = `local deleted = 0
for _, key in ipairs(KEYS) do if redis.call("get",key)==ARGV[1] then deleted = deleted + redis.call("del",key) end end
return deleted`

/** Several keys, all or none: a script for all of them, and one that deletes those that are ours. */
export async function openSeveral({ redisUrl }: Setting): Promise<Instance<{ keys: string[]; value: string }>> {
  const client = new Redis(redisUrl)
  const [setSha, deleteSha] = (await Promise.all([
    client.script('LOAD', setAll),
    client.script('LOAD', deleteAll),
  ])) as [string, string]
  const name = valueMaker()
  return {
    async acquire(key, terms) {
      const keys = keysOf(key, terms?.keys ?? 1)
      const value = name()
      if ((await client.evalsha(setSha, keys.length, ...keys, value, terms?.ttlMs ?? 30_000)) !== 1)
        throw new Error(`one of ${keys.join()} is held`)
      return { keys, value }
    },
    release: ({ keys, value }) => client.evalsha(deleteSha, keys.length, ...keys, value),
    close: () => client.quit(),
  }
}

/** Tokens in a list: no expiry, no owner, and a connection for each waiter, for a blocked one can do nothing else. */
export async function openBlockingToken({ redisUrl, waiters }: Setting): Promise<Instance<string>> {
  const client = new Redis(redisUrl)
  await client.ping()
  const connections = Array.from({ length: waiters }, () => new Redis(redisUrl))
  await Promise.all(connections.map((connection) => connection.ping()))
  const ready = new Set<string>()
  const prepare = async (key: string, max = 1): Promise<void> => {
    ready.add(key)
    const made = await client.setnx(`${key}:made`, 1)
    if (made === 1) await client.rpush(key, ...new Array<string>(max).fill('token'))
  }
  return {
    async acquire(key, terms) {
      if (!ready.has(key)) await prepare(key, terms?.max)
      const connection = connections.pop() ?? new Redis(redisUrl)
      try {
        if ((await connection.blpop(key, (terms?.waitMs ?? 30_000) / 1000)) === null) throw new Error(`${key} is held`)
      } finally {
        connections.push(connection)
      }
      return key
    },
    release: (key) => client.lpush(key, 'token'),
    async close() {
      for (const connection of [client, ...connections]) connection.disconnect()
    },
  }
}

/** Values like a lock's: unique, and cheap to make. */
function valueMaker(): () => string {
  const process = randomBytes(12).toString('base64url')
  let made = 0
  return () => `${process}${String(++made)}`
}
