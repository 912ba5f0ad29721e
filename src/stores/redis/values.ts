import type { KeptValue, NewValue, ValuesOf } from '../../core/store.js'
import type { Calls } from './calls.js'
import { auxKey } from './keys.js'
import { valueScripts } from './scripts.js'
import { tokenStaysMs } from './lua-clock.js'
import { badReply } from './failure.js'
import { readBoolean, textOf, whole } from './replies.js'

/**
 * A value is one string, in the slot of its lock: `token \n stale \n text`, where `stale` says for how many of its last
 * milliseconds it is stale. A token alone: a value was deleted.
 */
export class RedisValues implements ValuesOf<'async'> {
  readonly live = false
  readonly #calls: Calls
  readonly #keyPrefix: string

  constructor(calls: Calls, keyPrefix: string) {
    this.#calls = calls
    this.#keyPrefix = keyPrefix
  }

  /** A plain GET, unless it has to be known how much time is left. */
  async get(key: string, exactly = false): Promise<KeptValue | undefined> {
    const name = this.#name(key, 'value')
    if (exactly) return this.#getExactly(name)
    const value = readValue(await this.#calls.command('get', (driver) => driver.get(name)), undefined)
    return value === 'stale?' ? this.#getExactly(name) : value
  }

  async set(key: string, { content, token, freshMs, staleMs }: NewValue): Promise<boolean> {
    if (typeof content !== 'string') throw new TypeError('Redis keeps text only') // a fault of ours
    const wholeStaleMs = freshMs === null ? 0 : Math.ceil(staleMs)
    const lastsMs = freshMs === null ? '' : String(Math.max(Math.ceil(freshMs), 1) + wholeStaleMs)
    const args = [String(token), `${token}\n${wholeStaleMs}\n${content}`, lastsMs]
    const call = { operation: 'set', script: valueScripts.setValue, keys: this.#names(key), args }
    return this.#calls.run(call, (reply) => readBoolean('set', reply))
  }

  async delete(key: string): Promise<boolean> {
    const call = {
      operation: 'delete',
      script: valueScripts.deleteValue,
      keys: this.#names(key),
      args: [String(tokenStaysMs)],
    }
    return this.#calls.run(call, (reply) => readBoolean('delete', reply))
  }

  async #getExactly(name: string): Promise<KeptValue | undefined> {
    const call = { operation: 'get', script: valueScripts.getValue, keys: [name], args: [] }
    const value = await this.#calls.run(call, (reply) => {
      if (!Array.isArray(reply)) return undefined
      const [text, leftMs] = reply as readonly unknown[]
      return readValue(text, whole('get', leftMs, -2))
    })
    if (value === 'stale?') throw badReply('get')
    return value
  }

  #names(key: string): string[] {
    return [this.#name(key, 'value'), this.#name(key, 'token')]
  }

  #name(key: string, kind: 'value' | 'token'): string {
    return auxKey(key, kind, this.#keyPrefix)
  }
}

const unreadable: KeptValue = { content: undefined, token: 0, staleMs: 0 }

/** undefined: none, or it was deleted. 'stale?': `leftMs` has to be known to tell. */
function readValue(reply: unknown, leftMs: number | undefined): KeptValue | undefined | 'stale?' {
  if (reply === null) return undefined
  const text = textOf(reply)
  const tokenEnd = text.indexOf('\n')
  if (tokenEnd === -1) return isToken(Number(text)) ? undefined : unreadable
  const staleEnd = text.indexOf('\n', tokenEnd + 1)
  const token = Number(text.slice(0, tokenEnd))
  const staleMs = Number(text.slice(tokenEnd + 1, staleEnd))
  if (staleEnd === -1 || !isToken(token) || !Number.isSafeInteger(staleMs) || staleMs < 0) return unreadable
  if (staleMs > 0 && leftMs === undefined) return 'stale?'
  const content = text.slice(staleEnd + 1)
  return { content, token, staleMs: staleMs === 0 ? 0 : Math.max(staleMs - (leftMs ?? 0), 0) }
}

function isToken(number: number): boolean {
  return Number.isSafeInteger(number) && number > 0
}
