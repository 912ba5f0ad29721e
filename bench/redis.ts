/** On Redis: an uncontended acquire and release by one caller, beside two bare round trips of the same client. */
import { createHash, randomBytes } from 'node:crypto'
import { createHoldfast } from 'holdfast'
import { redis } from 'holdfast/redis'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import type { Task } from './measure.js'

const compareAndDelete = 'if redis.call("get",KEYS[1])==ARGV[1] then return redis.call("del",KEYS[1]) end return 0'
const sha = createHash('sha1').update(compareAndDelete).digest('hex')

export interface RedisTasks {
  readonly tasks: Task[]
  /** Commands that Redis counted for one acquire and release: of scripts, and of plain clients. */
  commands(): Promise<number>
  close(): Promise<void>
}

export async function ioredisTasks(url: string): Promise<RedisTasks> {
  const client = new Redis(url)
  await client.script('LOAD', compareAndDelete)
  const bare = async (): Promise<void> => {
    const value = randomBytes(16).toString('base64url')
    await client.set('bench:bare', value, 'PX', 30_000, 'NX')
    await client.evalsha(sha, 1, 'bench:bare', value)
  }
  return await tasksOf('ioredis', bare, {
    store: redis(client),
    stats: () => client.info('commandstats'),
    quit: () => client.quit(),
  })
}

export async function nodeRedisTasks(url: string): Promise<RedisTasks> {
  const client = await createClient({ url }).connect()
  await client.scriptLoad(compareAndDelete)
  const bare = async (): Promise<void> => {
    const value = randomBytes(16).toString('base64url')
    await client.set('bench:bare', value, { condition: 'NX', expiration: { type: 'PX', value: 30_000 } })
    await client.evalSha(sha, { keys: ['bench:bare'], arguments: [value] })
  }
  return await tasksOf('node-redis', bare, {
    store: redis(client),
    stats: () => client.info('commandstats'),
    quit: () => client.close(),
  })
}

interface Client {
  readonly store: ReturnType<typeof redis>
  readonly stats: () => Promise<string>
  readonly quit: () => Promise<unknown>
}

async function tasksOf(name: string, bare: () => Promise<void>, { store, stats, quit }: Client): Promise<RedisTasks> {
  const holdfast = createHoldfast({ store })
  const handle = holdfast.lock('bench')
  const pair = async (): Promise<void> => {
    await (await handle.acquire()).release()
  }
  await pair()
  return {
    tasks: [
      { name: `${name}: bare SET NX PX and compare-and-delete`, run: bare },
      { name: `${name}: holdfast`, run: pair },
    ],
    async commands() {
      const pairs = 1000
      const before = sentIn(await stats())
      for (let i = 0; i < pairs; i++) await pair()
      return (sentIn(await stats()) - before) / pairs
    },
    async close() {
      await holdfast.close()
      await quit()
    },
  }
}

/** Commands that came from clients: scripts count once, what they call is not sent. */
function sentIn(commandStats: string): number {
  let sent = 0
  for (const [, command, calls] of commandStats.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)) {
    if (command === 'evalsha' || command === 'eval') sent += Number(calls)
  }
  return sent
}
