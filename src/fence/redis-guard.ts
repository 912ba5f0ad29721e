import { createHash } from 'node:crypto'
import { type Duration, parseDuration, show } from '../core/duration.js'
import { InvalidOptionError, StaleTokenError } from '../core/errors.js'
import { checkHeld, checkNames, type Held } from './held.js'

/** What is used of a client of ioredis 5 or 6, or iovalkey: a `Redis` or a `Cluster`. */
export interface IoredisScripts {
  evalsha(sha: string, keyCount: number, ...keysAndArguments: string[]): Promise<unknown>
  eval(text: string, keyCount: number, ...keysAndArguments: string[]): Promise<unknown>
}

/** What is used of a client of node-redis (package `redis`) 5 or 6: from `createClient` or `createCluster`. */
export interface NodeRedisScripts {
  evalSha(sha: string, options?: { keys?: string[]; arguments?: string[] }): Promise<unknown>
  eval(text: string, options?: { keys?: string[]; arguments?: string[] }): Promise<unknown>
}

export interface RedisGuardOptions {
  /**
   * For how long a token is remembered after the last write that it admitted, as a Duration. Default a week, '168h'. A stale
   * write that comes later than that finds nothing to be compared with, so let it be longer than any process of yours may sleep.
   */
  readonly tokenTtl?: Duration
  /**
   * Name of the Redis key that remembers the token of a lock's key. Default `holdfast-fence:{key}`, or `holdfast-fence::key` for
   * a key that has a hash tag. On a Cluster it has to be in the slot of what is written.
   */
  readonly tokenKey?: (key: string) => string
}

/**
 * Writes to Redis that are refused when they come from an old holder. The comparison and the write are one script. Each method
 * rejects with StaleTokenError, and with the error of the client when Redis or the connection fails.
 */
export interface RedisGuard {
  /** Writes nothing, but from now on older tokens are refused. Do this before you read what you will base a write on. */
  admit(held: Held): Promise<void>
  /** SET, with PX where `ttl` is given. */
  set(held: Held, name: string, value: string | number, options?: { readonly ttl?: Duration }): Promise<void>
  /** HSET of at least one field. Resolves to the number of fields that are new. */
  hset(held: Held, name: string, fields: Readonly<Record<string, string | number>>): Promise<number>
  /** DEL. Resolves to the number of names that were there. What stands for the token stays. */
  del(held: Held, ...names: string[]): Promise<number>
  /**
   * Runs a script of yours: `KEYS`, `ARGV` are those given here, `token` is the token as text. Resolves to what it returns. Let it be a
   * constant, all that varies in `args`: Redis keeps each script.
   *
   * @example
   * await guard.eval(lease, `return redis.call('INCRBY', KEYS[1], ARGV[1])`, { keys: ['stock:{item-7}'], args: [-1] })
   */
  eval(held: Held, script: string, input?: ScriptInput): Promise<unknown>
}

export interface ScriptInput {
  readonly keys?: readonly string[]
  readonly args?: readonly (string | number)[]
}

/**
 * A guard for what is kept in Redis. It remembers the largest token of each lock's key in Redis, beside the data.
 *
 * On a Cluster one script reaches one slot: give what is written the key of the lock as its hash tag (for the lock `invoice-42`
 * the name `invoice:{invoice-42}`), or say where the token is kept by `tokenKey`.
 *
 * @param client A client of ioredis or node-redis that is yours; it stays open.
 * @throws InvalidOptionError
 *
 * @example
 * const guard = redisGuard(client)
 * await lock('invoice-42').run((lease) => guard.set(lease, 'invoice:{invoice-42}', 'paid'))
 */
export function redisGuard(client: IoredisScripts | NodeRedisScripts, options: RedisGuardOptions = {}): RedisGuard {
  checkNames(options, ['tokenTtl', 'tokenKey'], 'redisGuard')
  const { tokenTtl = '168h', tokenKey = defaultTokenKey } = options
  const tokenTtlMs = parseDuration(tokenTtl, 'tokenTtl', leastTokenTtlMs)
  const call = callOf(client)

  const write = async (script: Script, given: Held, { keys = [], args = [] }: ScriptInput): Promise<unknown> => {
    const { key, token } = checkHeld(given)
    const remembers = tokenKey(key)
    if (keys.includes(remembers))
      throw new InvalidOptionError(`${remembers} remembers the token: write elsewhere.`, key)
    const all = [token, Math.ceil(tokenTtlMs), ...args].map(String)
    const [admitted, value] = readReply(await call(script, [remembers, ...keys], all))
    if (!admitted) throw new StaleTokenError(key, token, Number(value))
    if (value instanceof Error) throw value
    return value
  }
  return {
    admit: async (held) => {
      await write(scripts.admit, held, {})
    },
    set: async (held, name, value, { ttl } = {}) => {
      const px = ttl === undefined ? [] : ['PX', Math.ceil(parseDuration(ttl, 'ttl', 1))]
      await write(scripts.set, held, { keys: [name], args: [value, ...px] })
    },
    hset: async (held, name, fields) => {
      const args = Object.entries(fields).flat()
      if (args.length === 0) throw new InvalidOptionError(`hset of ${show(name)} was given no field.`)
      return Number(await write(scripts.hset, held, { keys: [name], args }))
    },
    del: async (held, ...names) => Number(await write(scripts.del, held, { keys: names })),
    eval: (held, text, input = {}) => write(guarded(text), held, input),
  }
}

/** A second: less would forget the token while its own write is being answered. */
const leastTokenTtlMs = 1_000

/** No two keys share a name: the one form goes on with a brace, the other with a colon. */
function defaultTokenKey(key: string): string {
  return /\{[^}]+\}/.test(key) ? `holdfast-fence::${key}` : `holdfast-fence:{${key}}`
}

interface Script {
  readonly text: string
  readonly sha: string
}

/** `#KEYS` may be more than `unpack` can return at once. */
const guarded = (write: string): Script => {
  const text = `local token, seen = ARGV[1], redis.call('GET', KEYS[1])
if seen and not tonumber(seen) then return redis.error_reply('ERR the value of ' .. KEYS[1] .. ' is no token') end
if seen and tonumber(seen) > tonumber(token) then return {0, seen} end
redis.call('SET', KEYS[1], token, 'PX', ARGV[2])
local keys, args = {}, {}
for i = 2, #KEYS do keys[i - 1] = KEYS[i] end
for i = 3, #ARGV do args[i - 2] = ARGV[i] end
local function write(KEYS, ARGV)
${write}
end
return {1, write(keys, args)}`
  return { text, sha: createHash('sha1').update(text).digest('hex') }
}

const scripts: Readonly<Record<'admit' | 'set' | 'hset' | 'del', Script>> = {
  admit: guarded('return 1'),
  set: guarded(`return redis.call('SET', KEYS[1], unpack(ARGV))`),
  hset: guarded(`local new = 0
for i = 1, #ARGV, 2 do new = new + redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
return new`),
  del: guarded(`local gone = 0
for i = 1, #KEYS do gone = gone + redis.call('DEL', KEYS[i]) end
return gone`),
}

type Call = (script: Script, keys: string[], args: string[]) => Promise<unknown>

/** Told apart by what it can do, so that any version and any look-alike fits. @throws InvalidOptionError when it is neither */
function callOf(client: IoredisScripts | NodeRedisScripts): Call {
  const given: unknown = client
  if (typeof given === 'object' && given !== null) {
    if ('evalSha' in client) {
      return ({ text, sha }, keys, args) =>
        client.evalSha(sha, { keys, arguments: args }).catch((error: unknown) => {
          if (isUnknownScript(error)) return client.eval(text, { keys, arguments: args })
          throw error
        })
    }
    if ('evalsha' in client) {
      return ({ text, sha }, keys, args) =>
        client.evalsha(sha, keys.length, ...keys, ...args).catch((error: unknown) => {
          if (isUnknownScript(error)) return client.eval(text, keys.length, ...keys, ...args)
          throw error
        })
    }
  }
  throw new InvalidOptionError('redisGuard() takes a client of ioredis or node-redis; this is neither.')
}

function isUnknownScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT')
}

/** Clients may be set up to give numbers as text, and text as bytes. */
function readReply(reply: unknown): [admitted: boolean, value: unknown] {
  const parts: readonly unknown[] = Array.isArray(reply) ? reply : []
  const [admitted, value = null] = parts
  if (String(admitted) !== '1' && String(admitted) !== '0')
    throw new TypeError('Redis gave a reply of an unexpected form')
  return [String(admitted) === '1', value]
}
