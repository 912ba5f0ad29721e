import { isIP } from 'node:net'
import type { Env } from '../../core/env.js'
import type { Address } from './address.js'
import type { Driver } from './client.js'
import { messageOf } from './failure.js'
import { endIoredis, type Ioredis, ioredisDriver, unrefIoredis } from './ioredis.js'
import { type NodeRedis, nodeRedisDriver } from './node-redis.js'

/** A connection that is ours. */
export interface Connection {
  readonly driver: Driver
  close(): void
}

export interface ConnectOptions {
  readonly env: Env
  /** The connection is gone; called once, not after `close`. It does not come back by itself. */
  readonly onEnd: () => void
}

/** Neither of the two libraries is installed. */
export class MissingDriverError extends Error {}

/**
 * Opens one connection, by ioredis or else by node-redis, whichever is installed. No queue and no retries in it: what
 * could not be sent fails at once, what got no answer is not sent again behind our back, and no timer of the library
 * keeps the process alive. Rejects with the library's error.
 */
export async function connect(address: Address, options: ConnectOptions): Promise<Connection> {
  const connection = (await connectIoredis(address, options)) ?? (await connectNodeRedis(address, options))
  if (connection !== undefined) return connection
  throw new MissingDriverError('no client library for Redis is installed. Install one: npm i ioredis')
}

/** undefined: it is not installed. */
export async function connectIoredis(address: Address, options: ConnectOptions): Promise<Connection | undefined> {
  const library = await found('ioredis', import('ioredis'))
  if (library === undefined) return undefined
  const client = new library.Redis(ioredisSettings(address))
  return openIoredis(client as unknown as Ioredis, address, options)
}

/** undefined: it is not installed. */
export async function connectNodeRedis(address: Address, options: ConnectOptions): Promise<Connection | undefined> {
  const library = await found('redis', import('redis'))
  if (library === undefined) return undefined
  const client = library.createClient(nodeRedisSettings(address))
  return openNodeRedis(client as unknown as NodeRedis, options)
}

const connectTimeoutMs = 5_000
const keepAliveMs = 10_000

/** undefined only if the package itself is not there: one that is broken says so. */
async function found<T>(name: string, loading: Promise<T>): Promise<T | undefined> {
  try {
    return await loading
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error)) throw error
    const missing = error.code === 'ERR_MODULE_NOT_FOUND' || error.code === 'MODULE_NOT_FOUND'
    if (missing && error.message.includes(`'${name}'`)) return undefined
    throw error
  }
}

function ioredisSettings({ host, port, username, password, tls }: Address): object {
  return {
    host,
    port,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(tls && { tls: serverName(host) }),
    lazyConnect: true,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    retryStrategy: () => null,
    // INFO, CLIENT: a user with few rights may not. A server that is loading says so to every command.
    enableReadyCheck: false,
    disableClientInfo: true,
    connectTimeout: connectTimeoutMs,
    keepAlive: keepAliveMs,
  }
}

/** A name to check the certificate against; of an address there is none. */
function serverName(host: string): { servername?: string } {
  return isIP(host) === 0 ? { servername: host } : {}
}

async function openIoredis(client: Ioredis, { db }: Address, { env, onEnd }: ConnectOptions): Promise<Connection> {
  let open = false
  let failure: unknown
  const close = (): void => {
    open = false
    endIoredis(client)
  }
  // `connect` rejects with 'Connection is closed.'; why it is closed comes as an event.
  client.on('error', (error: unknown) => (failure = error))
  client.on('end', () => {
    if (open) onEnd()
  })
  unrefIoredis(client, env)
  try {
    await client.connect()
    await select(client, db)
    // With a wrong password ioredis goes on as the user who needs none, until it has closed the connection.
    if (failure !== undefined || client.status === 'end') throw new Error('the connection was closed at once')
  } catch (error) {
    close()
    throw failure ?? error
  }
  open = true
  return { driver: ioredisDriver(client, env), close }
}

/** Not left to ioredis: it goes on in database 0 when the other does not exist. Shows a wrong password before the first call does. */
async function select(client: Ioredis, db: number): Promise<void> {
  try {
    await client.select(db)
  } catch (error) {
    if (db !== 0 || !messageOf(error).startsWith('NOPERM')) throw error
  }
}

function nodeRedisSettings({ host, port, username, password, db, tls }: Address): object {
  return {
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    database: db,
    disableOfflineQueue: true,
    disableClientInfo: true,
    maintNotifications: 'disabled',
    socket: {
      host,
      port,
      ...(tls && { tls: true, ...serverName(host) }),
      reconnectStrategy: false,
      connectTimeout: connectTimeoutMs,
      keepAliveInitialDelay: keepAliveMs,
    },
  }
}

async function openNodeRedis(client: NodeRedis, { onEnd }: ConnectOptions): Promise<Connection> {
  let open = false
  const close = (): void => {
    open = false
    if (client.isOpen) client.destroy()
  }
  client.on('error', () => {
    if (!open || client.isReady) return
    close()
    onEnd()
  })
  client.unref()
  try {
    await client.connect()
  } catch (error) {
    close()
    throw error
  }
  open = true
  return { driver: nodeRedisDriver(client), close }
}
