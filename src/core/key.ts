import { show } from './duration.js'
import { InvalidKeyError } from './errors.js'

/** Longest key in bytes of UTF-8, after the prefix. The same on every store. */
export const maxKeyBytes = 1024

/**
 * Checks a key: 1 to 1,024 bytes of well-formed text. Two lone surrogates have equal UTF-8 bytes, so they would be one
 * key on the wire and two in memory; they are refused everywhere.
 * @throws InvalidKeyError
 */
export function checkKey(key: unknown): string {
  if (typeof key !== 'string') throw new InvalidKeyError(`A key must be text, not ${show(key)}.`)
  if (key === '') throw new InvalidKeyError('A key must not be empty.', key)
  // three bytes of UTF-8 at most for each unit of UTF-16
  if (key.length * 3 > maxKeyBytes) {
    const bytes = Buffer.byteLength(key)
    if (bytes > maxKeyBytes) {
      throw new InvalidKeyError(
        `The key ${show(key)} has ${String(bytes)} bytes; the most is ${String(maxKeyBytes)}. Use a hash of its long part.`,
        key,
      )
    }
  }
  if (!key.isWellFormed()) throw new InvalidKeyError(`The key ${show(key)} is not well-formed text.`, key)
  return key
}
