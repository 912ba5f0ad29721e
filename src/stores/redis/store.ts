import type { Env } from '../../core/env.js'
import { InvalidKeyError } from '../../core/errors.js'
import type {
  AcquireRequest,
  Answer,
  AnswerToAll,
  Handoff,
  KeyPage,
  KeyRecord,
  NoticeListener,
  Store,
} from '../../core/store.js'
import { type Call, Calls } from './calls.js'
import { redisCapabilities } from './capabilities.js'
import { messageOf, notSent, storeError } from './failure.js'
import { type AuxKind, auxKey, isAuxKey, keysOf, slotOf } from './keys.js'
import { argsOfAll, namesOfAll } from './lua-acquire-all.js'
import type { Link } from './link.js'
import { listKeys } from './list.js'
import { Notices, type Way } from './notices.js'
import { tailWriter, type TailWriter } from './record.js'
import {
  readAnswer,
  readAnswerToAll,
  readBoolean,
  readHandoff,
  readInspection,
  readResized,
  readRevoked,
} from './replies.js'
import { checked, times } from './request.js'
import { scripts } from './scripts.js'
import { RedisValues } from './values.js'
import { Together } from './together.js'

/** Each call is one script on the server, with the owner checked and the time read there. */
export class RedisStore implements Store {
  readonly name = 'redis'
  readonly capabilities: Store['capabilities'] = redisCapabilities
  readonly values: RedisValues
  readonly #link: Link
  readonly #calls: Calls
  readonly #wakeId: string
  readonly #notices: Notices
  readonly #tail: TailWriter
  readonly #together: Together
  #lastKeys: readonly string[] = []
  /** The server knows SET … GET: it is at 6.2 or later. */
  #once = true

  constructor(link: Link, env: Env) {
    this.#link = link
    this.#wakeId = env.randomId()
    this.#tail = tailWriter(this.#wakeId)
    const driver = async () => link.driver('subscribe')
    const { keyPrefix, shards } = link
    this.#together = new Together({ keyPrefix, shards })
    this.#calls = new Calls(link)
    this.values = new RedisValues(this.#calls, keyPrefix)
    this.#notices = new Notices({ env, wakeId: this.#wakeId, keyPrefix, driver, shards })
  }

  ready(operation: string): Promise<void> | undefined {
    return this.#link.opening(operation)?.then(() => undefined)
  }

  /** No async functions on the way of a call, and what can wait until it is sent waits: Redis works meanwhile. */
  acquire(request: AcquireRequest): Promise<Answer> {
    try {
      return this.#acquire(checked(request))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  acquireAll(requests: readonly AcquireRequest[]): Promise<AnswerToAll | undefined> {
    try {
      if (!this.#areTogether(requests)) return Promise.resolve(undefined)
      const keys = requests.flatMap(({ key }) => namesOfAll.flatMap((at) => this.#keys(key)[at] ?? []))
      const args = requests.flatMap((request) => this.#wish(request, undefined).slice(0, argsOfAll))
      const call = { operation: 'acquire', script: scripts.acquireAll, keys, args }
      const asked = this.#calls.run(call, (reply) => {
        const answer = readAnswerToAll(reply, requests.length)
        if (answer?.granted === true) for (const { owner } of requests) this.#notices.granted(owner)
        return answer
      })
      return asked.catch(unlessApart)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  renew(key: string, owner: string, ttlMs: number): Promise<boolean> {
    try {
      const args = [`${owner}\n`, ...times(ttlMs)]
      return this.#calls.run({ operation: 'renew', script: scripts.renew, keys: this.#keys(key), args }, (reply) => {
        const renewed = readBoolean('renew', reply)
        if (!renewed) this.#notices.ended(owner)
        return renewed
      })
    } catch (error) {
      return Promise.reject(error)
    }
  }

  release(key: string, owner: string): Promise<boolean>
  release(key: string, owner: string, next: AcquireRequest): Promise<Handoff>
  release(key: string, owner: string, next?: AcquireRequest): Promise<boolean | Handoff> {
    try {
      this.#together.flush() // or the release would overtake the request that it takes back
      const released =
        next === undefined
          ? this.#calls.run(
              { operation: 'release', script: scripts.release, keys: this.#keys(key), args: [`${owner}\n`] },
              readReleased,
            )
          : this.#handOff(key, owner, next)
      this.#notices.ended(owner)
      return released
    } catch (error) {
      return Promise.reject(error)
    }
  }

  inspect(key: string): Promise<KeyRecord | undefined> {
    const call = { operation: 'inspect', script: scripts.inspect, keys: this.#keys(key), args: [] }
    return this.#calls.run(call, (reply) => readInspection(key, reply))
  }

  async list(prefix: string, limit: number, cursor?: string): Promise<KeyPage> {
    const driver = await this.#calls.driver('list')
    try {
      return await listKeys(driver, { prefix, limit, cursor })
    } catch (error) {
      throw storeError('list', error, this.#link.secrets)
    }
  }

  async forceRelease(key: string): Promise<boolean> {
    const keys = [...this.#keys(key), this.#aux(key, 'revoked')]
    const args = [this.#wakeId]
    const call = { operation: 'forceRelease', script: scripts.forceRelease, keys, args }
    const { revoked, ownOwners } = await this.#calls.run(call, readRevoked)
    for (const owner of ownOwners) this.#notices.emit({ type: 'revoked', key, owner })
    return revoked
  }

  async resize(key: string, from: number, to: number): Promise<void> {
    const args = [String(from), String(to)]
    const call = { operation: 'resize', script: scripts.resize, keys: this.#keys(key), args }
    await this.#calls.run(call, (reply) => readResized(reply, from))
  }

  wasRevoked(key: string, owner: string): Promise<boolean> {
    const keys = [this.#aux(key, 'revoked')]
    const call = { operation: 'inspect', script: scripts.wasRevoked, keys, args: [owner] }
    return this.#calls.run(call, (reply) => readBoolean('inspect', reply))
  }

  onNotice(listener: NoticeListener): () => void {
    return this.#notices.listen(listener)
  }

  close(): Promise<void> {
    this.#notices.close()
    this.#calls.close()
    return Promise.resolve()
  }

  #acquire(request: AcquireRequest): Promise<Answer> {
    const { key, queueMs, limitMs = 2 * openWithinMs } = request
    if (queueMs <= 0) return this.#ask(request)
    // A request that cannot be told of its grant does not queue, and a free key is had without a way to tell.
    const way = this.#wayFor(request)
    const answered = this.#ask(request, way)
    if (way !== undefined) return answered
    return answered.then(async (answer) => {
      if (answer.granted) return answer
      const patienceMs = Math.min(openWithinMs, limitMs / 2)
      const opened = await this.#notices.wayOpened(key, patienceMs)
      return opened ? this.#ask(request, this.#wayFor(request)) : answer
    })
  }

  #ask(request: AcquireRequest, way?: Way): Promise<Answer> {
    const { key, owner, limit, queueMs } = request
    const args = this.#wish(request, way)
    const keys = this.#keys(key)
    const read = (reply: unknown): Answer => {
      const answer = readAnswer('acquire', reply, limit)
      if (answer.granted) this.#notices.granted(owner)
      return answer
    }
    const script = limit === 1 ? scripts.acquireMutex : scripts.acquirePool
    const whole: Call = { operation: 'acquire', script, keys, args }
    if (request.adopts !== undefined) return this.#adopt(whole, request.adopts, limit, read)
    if (request.again === true) return this.#askTogether(key, limit, whole, read)
    if (limit > 1 || queueMs > 0 || !this.#once) return this.#calls.run(whole, read)
    const once = { operation: 'acquire', script: scripts.acquireOnce, keys: keys.slice(0, 2), args: args.slice(0, 4) }
    return this.#calls.run(once, (reply) => {
      const isKnown = String(reply) !== '0'
      if (reply !== null && isKnown) return read(reply)
      this.#once = isKnown
      return this.#calls.run(whole, read)
    })
  }

  /** Sent at the end of the tick, or with a release that comes before. */
  #askTogether<T>(key: string, limit: number, whole: Call, read: (reply: unknown) => T): Promise<T> {
    const { keys, args } = whole
    const driver = this.#calls.driver('acquire')
    if (driver instanceof Promise) return this.#calls.run(whole, read)
    const asked = this.#together.ask({ driver, key, keys, args: limit === 1 ? [...args, '1', '1'] : args })
    this.#link.sent()
    return asked.then(
      (reply) => {
        this.#link.ended()
        return reply === undefined ? this.#calls.run(whole, read) : read(reply)
      },
      (error: unknown) => {
        this.#link.ended()
        throw this.#calls.failure(driver, 'acquire', error)
      },
    )
  }

  /** One script can take them: they are mutexes, and on a Cluster in one slot. */
  #areTogether(requests: readonly AcquireRequest[]): boolean {
    const { shards, keyPrefix } = this.#link
    if (requests.some(({ limit }) => limit !== 1)) return false
    return shards === undefined || new Set(requests.map(({ key }) => slotOf(keyPrefix + key))).size <= 1
  }

  #adopt<T>({ keys, args }: Call, from: string, limit: number, read: (reply: unknown) => T): Promise<T> {
    const script = limit === 1 ? scripts.adoptMutex : scripts.adoptPool
    this.#notices.ended(from)
    return this.#calls.run({ operation: 'acquire', script, keys, args: [...args, `${from}\n`] }, read)
  }

  #handOff(key: string, owner: string, next: AcquireRequest): Promise<Handoff> {
    const { limit } = checked(next)
    if (next.key !== key) throw notSent('release', 'the next request has to be for the same key')
    const script = limit === 1 ? scripts.handoffMutex : scripts.handoffPool
    const args = [`${owner}\n`, ...this.#wish(next, this.#wayFor(next))]
    return this.#calls.run({ operation: 'release', script, keys: this.#keys(key), args }, (reply) => {
      const handoff = readHandoff(reply, limit)
      if (handoff.next.granted) this.#notices.granted(next.owner)
      else if (next.queueMs > 0) this.#notices.wantWay(key)
      return handoff
    })
  }

  #wayFor({ key, queueMs }: AcquireRequest): Way | undefined {
    return queueMs > 0 ? this.#notices.wayTo(key) : undefined
  }

  #wish(request: AcquireRequest, way: Way | undefined): string[] {
    const { owner, ttlMs, holder, limit, permits, queueMs, turns = 0 } = request
    const [ttl, tokenTtl] = times(ttlMs)
    const place = way === undefined ? '0' : String(Math.ceil(queueMs))
    const tail = this.#tail(holder)
    // on a Cluster the ordinary channel may be open at another node
    const heard = this.#link.shards === undefined && this.#notices.isHeard ? '1' : ''
    const wish = [`${owner}\n`, ttl, tokenTtl, way === 'shard' ? `+${tail}` : tail, place, String(turns), heard]
    return limit === 1 ? wish : [...wish, String(limit), String(permits)]
  }

  /** A hot key finds its names again. @throws InvalidKeyError */
  #keys(key: string): readonly string[] {
    if (this.#lastKeys[0] === key) return this.#lastKeys
    const { keyPrefix } = this.#link
    if (isAuxKey(key, keyPrefix)) throw new InvalidKeyError(`${key} ${isTaken}`)
    return (this.#lastKeys = keysOf(key, keyPrefix))
  }

  #aux(key: string, kind: AuxKind): string {
    return auxKey(key, kind, this.#link.keyPrefix)
  }
}

const isTaken = 'is, with the prefix, the name of what is kept beside another key; take another key, or another prefix.'

/** How long, at most, the first request that has to wait waits for the way to tell it of its grant. */
const openWithinMs = 1_000

function readReleased(reply: unknown): boolean {
  return readBoolean('release', reply)
}

/** A proxy before several servers, where the keys turn out to be in different places. */
function unlessApart(error: unknown): undefined {
  if (error instanceof Error && messageOf(error.cause).startsWith('CROSSSLOT')) return undefined
  throw error
}
