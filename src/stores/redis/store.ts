import type { Env } from '../../core/env.js'
import { InvalidOptionError } from '../../core/errors.js'
import type { AcquireRequest, Answer, Handoff, KeyPage, KeyRecord, NoticeListener, Store } from '../../core/store.js'
import { redisCapabilities } from './capabilities.js'
import type { Driver } from './client.js'
import { notSent, storeError } from './failure.js'
import { type AuxKind, auxKey, keysOf } from './keys.js'
import type { Link } from './link.js'
import { listKeys } from './list.js'
import { Notices, type Way } from './notices.js'
import { Together, type ScriptCall } from './together.js'
import { tailWriter, type TailWriter } from './record.js'
import { readAnswer, readBoolean, readHandoff, readInspection, readRevoked } from './replies.js'
import { type Script, scripts } from './scripts.js'

/** Each call is one script on the server, with the owner checked and the time read there. */
export class RedisStore implements Store {
  readonly name = 'redis'
  readonly capabilities: Store['capabilities'] = redisCapabilities
  readonly #link: Link
  readonly #wakeId: string
  readonly #notices: Notices
  readonly #tail: TailWriter
  readonly #together: Together
  #lastKeys: readonly string[] = []
  #closed = false

  constructor(link: Link, env: Env) {
    this.#link = link
    this.#wakeId = env.randomId()
    this.#tail = tailWriter(this.#wakeId)
    const driver = async () => link.driver('subscribe')
    const { keyPrefix, shards } = link
    this.#together = new Together({ keyPrefix, shards, send })
    this.#notices = new Notices({ env, wakeId: this.#wakeId, keyPrefix, driver, shards })
  }

  ready(operation: string): Promise<void> | undefined {
    return this.#link.opening(operation)?.then(() => undefined)
  }

  async acquire(request: AcquireRequest): Promise<Answer> {
    const { key, queueMs, ttlMs } = checked(request)
    const way = this.#wayFor(request)
    const answer = await this.#ask(request, way)
    // A request that cannot be told of its grant does not queue, and a free key is had without a way to tell.
    if (answer.granted || queueMs <= 0 || way !== undefined) return answer
    const patienceMs = Math.min(openWithinMs, (ttlMs ?? 0) / 6)
    return (await this.#notices.wayOpened(key, patienceMs)) ? this.#ask(request, this.#wayFor(request)) : answer
  }

  async renew(key: string, owner: string, ttlMs: number): Promise<boolean> {
    const reply = await this.#run('renew', scripts.renew, this.#keys(key), [`${owner}\n`, ...times(ttlMs)])
    const renewed = readBoolean('renew', reply)
    if (!renewed) this.#notices.ended(owner)
    return renewed
  }

  release(key: string, owner: string): Promise<boolean>
  release(key: string, owner: string, next: AcquireRequest): Promise<Handoff>
  async release(key: string, owner: string, next?: AcquireRequest): Promise<boolean | Handoff> {
    this.#notices.ended(owner)
    this.#together.flush() // or the release would overtake the request that it takes back
    if (next !== undefined) return this.#handOff(key, owner, next)
    return readBoolean('release', await this.#run('release', scripts.release, this.#keys(key), [`${owner}\n`]))
  }

  async inspect(key: string): Promise<KeyRecord | undefined> {
    return readInspection(key, await this.#run('inspect', scripts.inspect, this.#keys(key), []))
  }

  async list(prefix: string, limit: number, cursor?: string): Promise<KeyPage> {
    const driver = await this.#driver('list')
    try {
      return await listKeys(driver, { prefix, limit, cursor })
    } catch (error) {
      throw storeError('list', error, this.#link.secrets)
    }
  }

  async forceRelease(key: string): Promise<boolean> {
    const keys = [...this.#keys(key), this.#aux(key, 'revoked')]
    const reply = await this.#run('forceRelease', scripts.forceRelease, keys, [this.#wakeId])
    const { revoked, ownOwners } = readRevoked(reply)
    for (const owner of ownOwners) this.#notices.emit({ type: 'revoked', key, owner })
    return revoked
  }

  async wasRevoked(key: string, owner: string): Promise<boolean> {
    const reply = await this.#run('inspect', scripts.wasRevoked, [this.#aux(key, 'revoked')], [owner])
    return readBoolean('inspect', reply)
  }

  onNotice(listener: NoticeListener): () => void {
    return this.#notices.listen(listener)
  }

  close(): Promise<void> {
    this.#closed = true
    this.#notices.stop()
    this.#link.close()
    return Promise.resolve()
  }

  async #ask(request: AcquireRequest, way: Way | undefined): Promise<Answer> {
    const { key, owner, limit } = request
    const [keys, wish] = [this.#keys(key), this.#wish(request, way)]
    const script = limit === 1 ? scripts.acquireMutex : scripts.acquirePool
    const together = request.again === true ? await this.#askTogether(request, keys, wish) : undefined
    const reply = together ?? (await this.#run('acquire', script, keys, wish))
    const answer = readAnswer('acquire', reply, limit)
    if (answer.granted) this.#notices.granted(owner)
    return answer
  }

  /** undefined: it has to be asked alone. */
  async #askTogether({ key, limit }: AcquireRequest, keys: readonly string[], wish: string[]): Promise<unknown> {
    const driver = this.#driver('acquire')
    if (driver instanceof Promise) return undefined
    try {
      return await this.#together.ask({ driver, key, keys, args: limit === 1 ? [...wish, '1', '1'] : wish })
    } catch (error) {
      throw this.#failure(driver, 'acquire', error)
    }
  }

  async #handOff(key: string, owner: string, next: AcquireRequest): Promise<Handoff> {
    const { limit } = checked(next)
    if (next.key !== key) throw notSent('release', 'the next request has to be for the same key')
    const script = limit === 1 ? scripts.handoffMutex : scripts.handoffPool
    const reply = await this.#run('release', script, this.#keys(key), [
      `${owner}\n`,
      ...this.#wish(next, this.#wayFor(next)),
    ])
    const handoff = readHandoff(reply, limit)
    if (handoff.next.granted) this.#notices.granted(next.owner)
    else if (next.queueMs > 0) this.#notices.wantWay(key)
    return handoff
  }

  #wayFor({ key, queueMs }: AcquireRequest): Way | undefined {
    return queueMs > 0 ? this.#notices.wayTo(key) : undefined
  }

  #wish(request: AcquireRequest, way: Way | undefined): string[] {
    const { owner, ttlMs, holder, limit, permits, queueMs, turns = 0 } = request
    const [ttl, tokenTtl] = times(ttlMs)
    const place = way === undefined ? '0' : String(Math.ceil(queueMs))
    const tail = this.#tail(holder)
    const wish = [`${owner}\n`, ttl, tokenTtl, way === 'shard' ? `+${tail}` : tail, place, String(turns)]
    return limit === 1 ? wish : [...wish, String(limit), String(permits)]
  }

  /** A hot key finds its names again. */
  #keys(key: string): readonly string[] {
    if (this.#lastKeys[0] !== key) this.#lastKeys = keysOf(key, this.#link.keyPrefix)
    return this.#lastKeys
  }

  #aux(key: string, kind: AuxKind): string {
    return auxKey(key, kind, this.#link.keyPrefix)
  }

  #driver(operation: string): ReturnType<Link['driver']> {
    if (this.#closed) throw notSent(operation, 'the store is closed')
    return this.#link.driver(operation)
  }

  /** No async function: a frame less in every call is 1 % of a round trip. */
  #run(operation: string, script: Script, keys: readonly string[], args: readonly string[]): Promise<unknown> {
    const call: Call = { operation, script, keys, args }
    const opened = this.#driver(operation)
    return opened instanceof Promise ? opened.then((driver) => this.#send(driver, call)) : this.#send(opened, call)
  }

  #send(driver: Driver, call: Call): Promise<unknown> {
    return driver.evalsha(call.script.sha, call.keys, call.args).catch(async (error: unknown) => {
      try {
        return await evalUnknown(driver, call, error)
      } catch (again) {
        throw this.#failure(driver, call.operation, again)
      }
    })
  }

  #failure(driver: Driver, operation: string, error: unknown): Error {
    this.#link.failed(driver, error)
    return storeError(operation, error, this.#link.secrets)
  }
}

/** @throws InvalidOptionError */
function checked(request: AcquireRequest): AcquireRequest {
  const { limit, permits } = request
  if (permits > limit) {
    throw new InvalidOptionError(`A request for ${permits} permits can never be granted by a limit of ${limit}.`)
  }
  return request
}

/** How long, at most, the first request that has to wait waits for the way to tell it of its grant. */
const openWithinMs = 1_000

/** How long a token is remembered after the lease it was granted for; later the server's clock alone has to be ahead of it. */
const tokenStaysMs = 3_600_000

/** The lease, and how long its token is remembered, in the whole milliseconds that Redis counts in. @throws InvalidOptionError */
function times(ttlMs: number | null): [ttl: string, tokenTtl: string] {
  if (ttlMs === null || !(ttlMs > 0)) {
    throw new InvalidOptionError('On Redis a lease needs an end: ttl has to be a time above 0.')
  }
  const wholeMs = Math.ceil(ttlMs)
  return [String(wholeMs), String(wholeMs + tokenStaysMs)]
}

interface Call extends ScriptCall {
  readonly operation: string
}

/** Rejects with the client's error. */
function send(driver: Driver, call: ScriptCall): Promise<unknown> {
  return driver
    .evalsha(call.script.sha, call.keys, call.args)
    .catch((error: unknown) => evalUnknown(driver, call, error))
}

/** What the server does not know yet goes with its text. */
async function evalUnknown(driver: Driver, { script, keys, args }: ScriptCall, error: unknown): Promise<unknown> {
  if (!isUnknownScript(error)) throw error
  return driver.eval(script.text, keys, args)
}

function isUnknownScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT')
}
