import { argsOfAll, namesOfAll } from '../../../src/stores/redis/lua-acquire-all.js'
import { argsOfEach, namesOfEach } from '../../../src/stores/redis/lua-together.js'
import { scripts, type Script, type Scripts, valueScripts } from '../../../src/stores/redis/scripts.js'

export type ScriptName = keyof Scripts | keyof typeof valueScripts

/** All that the server can be asked to run. */
export const allScripts = Object.entries({ ...scripts, ...valueScripts }) as [ScriptName, Script][]

/** What a request asks for, as it comes in ARGV. Texts where a script gives them back as they came. */
export interface Wish {
  readonly owner: string
  readonly ttl: number
  readonly tokenTtl: number
  readonly tail: string
  /** 0: it does not stand in the queue. */
  readonly queueMs: number
  readonly turns: number
  /** Its process knows that messages reach it. */
  readonly heard: boolean
  readonly limit: number
  readonly permits: number
}

/** One call of a script, read: the only place that knows where KEYS and ARGV put things. */
export interface ScriptCall {
  readonly name: ScriptName
  readonly key: string
  /** Whose hold is renewed, released or asked about. */
  readonly owner: string
  readonly ttl: number
  readonly tokenTtl: number
  /** Of an acquire or a hand-over. */
  readonly wish: Wish | undefined
  /** Of an adoption: who gave its hold away. */
  readonly from: string
  /** Of a forced release: the store that asks. */
  readonly wakeId: string
  /** Of what is to be kept; `lastsMs` undefined: without end. */
  readonly value: { readonly token: number; readonly text: string; readonly lastsMs: number | undefined }
}

const nameBySha = new Map<string, ScriptName>(allScripts.map(([name, { sha }]) => [sha, name]))

export function scriptNamed(sha: string): ScriptName | undefined {
  return nameBySha.get(sha)
}

export function readCall(name: ScriptName, keys: readonly string[], args: readonly string[]): ScriptCall {
  const [first = ''] = keys
  const nothing = { ttl: 0, tokenTtl: 0, wish: undefined, from: '', wakeId: '', value: noValue }
  const call = { name, key: first, owner: ownerOf(args[0]), ...nothing }
  switch (name) {
    case 'acquireOnce':
    case 'acquireMutex':
    case 'acquirePool':
    case 'acquireAll':
    case 'acquireTogether':
      return { ...call, wish: readWish(args, 0) }
    case 'adoptMutex':
    case 'adoptPool':
      return { ...call, wish: readWish(args.slice(0, -1), 0), from: ownerOf(args.at(-1)) }
    case 'handoffMutex':
    case 'handoffPool':
      return { ...call, wish: readWish(args, 1) }
    case 'renew':
      return { ...call, ttl: Number(args[1]), tokenTtl: Number(args[2]) }
    case 'forceRelease':
      return { ...call, wakeId: args[0] ?? '' }
    case 'wasRevoked':
      return { ...call, key: besideOf(first), owner: args[0] ?? '' }
    case 'getValue':
      return { ...call, key: besideOf(first), owner: '' }
    case 'setValue': {
      const [token, text = '', lastsMs = ''] = args
      const value = { token: Number(token), text, lastsMs: lastsMs === '' ? undefined : Number(lastsMs) }
      return { ...call, key: besideOf(first), owner: '', value }
    }
    case 'deleteValue':
      return { ...call, key: besideOf(first), owner: '', tokenTtl: Number(args[0]) }
    case 'release':
    case 'inspect':
    case 'resize':
      return call
  }
}

/** The key that this name stands beside. */
export function besideOf(name: string): string {
  return /^\{(.*)\}:(?:revoked|value)$/.exec(name)?.[1] ?? name
}

const noValue = { token: 0, text: '', lastsMs: undefined }

/** The requests of one acquireTogether, off Cluster. */
export function readTogether(keys: readonly string[], args: readonly string[]): ScriptCall[] {
  return Array.from({ length: keys.length / namesOfEach }, (_, at) =>
    readCall('acquireTogether', keys.slice(at * namesOfEach), args.slice(1 + at * argsOfEach)),
  )
}

/** The requests of one acquireAll. */
export function readAll(keys: readonly string[], args: readonly string[]): ScriptCall[] {
  return Array.from({ length: keys.length / namesOfAll.length }, (_, at) =>
    readCall('acquireAll', keys.slice(at * namesOfAll.length), args.slice(at * argsOfAll, (at + 1) * argsOfAll)),
  )
}

function readWish(args: readonly string[], from: number): Wish {
  const [owner, ttl, tokenTtl, tail = '', queueMs = '0', turns = '0', heard = '', limit = '1', permits = '1'] =
    args.slice(from)
  return {
    owner: ownerOf(owner),
    ttl: Number(ttl),
    tokenTtl: Number(tokenTtl),
    tail,
    queueMs: Number(queueMs),
    turns: Number(turns),
    heard: heard === '1',
    limit: Number(limit),
    permits: Number(permits),
  }
}

/** Owners that stand in a record come with the newline that ends them there. */
function ownerOf(mark: string | undefined): string {
  return mark === undefined ? '' : mark.endsWith('\n') ? mark.slice(0, -1) : mark
}
