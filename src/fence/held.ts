import { show } from '../core/duration.js'
import { InvalidOptionError } from '../core/errors.js'
import { checkKey } from '../core/key.js'

/** On whose behalf something is written: the key that was held, and the token of that hold. A lease is one. */
export interface Held {
  /** The key as it was given to `lock`, without prefix. */
  readonly key: string
  /** Positive and below 2^53. */
  readonly token: number
}

/** @throws InvalidKeyError, InvalidOptionError */
export function checkHeld({ key, token }: Held): Held {
  checkKey(key)
  if (!Number.isSafeInteger(token) || token < 1) {
    throw new InvalidOptionError(
      `The token of ${key} is ${show(token)}: give a lease, or the key and lease.token, a whole number from 1 on.`,
      key,
    )
  }
  return { key, token }
}

/** @throws InvalidOptionError when there is an option of another name */
export function checkNames(options: object, names: readonly string[], of: string): void {
  const unknown = Object.keys(options).find((name) => !names.includes(name))
  if (unknown === undefined) return
  throw new InvalidOptionError(`${of} has no option ${show(unknown)}: its options are ${names.join(', ')}.`)
}
