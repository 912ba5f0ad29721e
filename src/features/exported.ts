import { show } from '../core/duration.js'
import { InvalidOptionError } from '../core/errors.js'
import type { Exported } from '../core/export.js'
import type { Place } from './instance.js'

/** Reads what `lease.export()` gave, for the lock that adopts it. @throws InvalidOptionError, which never shows the text: it is a secret */
export function readExported({ space, terms }: Place, text: unknown): Exported {
  const exported = parse(text)
  if (exported === undefined) {
    throw new InvalidOptionError('adopt() takes the whole text that lease.export() gave: this is another.', terms.key)
  }
  const { key, limit, permits } = exported
  if (key !== terms.storeKey) {
    throw new InvalidOptionError(
      `The hold that was exported is one of ${show(key)}, and this lock is ${show(terms.storeKey)}, with the prefix: ` +
        'adopt it with a lock on the same key of an instance with the same prefix.',
      terms.key,
    )
  }
  if (limit !== terms.limit || permits !== terms.permits) {
    throw new InvalidOptionError(
      `The hold that was exported takes ${show(permits)} of ${show(limit)} permits, and this lock ${show(terms.permits)} of ` +
        `${show(terms.limit)}: adopt it with the same kind of lock.`,
      terms.key,
    )
  }
  if (space.store.capabilities.adopts !== true) {
    throw new InvalidOptionError(`${terms.key}: the store '${space.store.name}' cannot take a hold over.`, terms.key)
  }
  return exported
}

/** undefined: it is no such text. @throws InvalidOptionError when it is one of a later version */
function parse(text: unknown): Exported | undefined {
  if (typeof text !== 'string') return undefined
  let read: unknown
  try {
    read = JSON.parse(Buffer.from(text, 'base64url').toString())
  } catch {
    return undefined
  }
  if (typeof read !== 'object' || read === null) return undefined
  const found = read as Partial<Record<keyof Exported, unknown>>
  if (typeof found.v === 'number' && found.v !== 1) {
    throw new InvalidOptionError(
      `The hold was exported in form ${show(found.v)}, and this version of holdfast reads form 1: use the same on both sides.`,
    )
  }
  return isExported(found) ? found : undefined
}

function isExported(found: Partial<Record<keyof Exported, unknown>>): found is Exported {
  const { v, store, key, owner, limit, permits, leaseMs, heldMs, wallMs, expireMs, minHoldMs } = found
  const texts = [store, key].every((text) => typeof text === 'string')
  const numbers = [limit, permits, leaseMs, heldMs, wallMs, minHoldMs, expireMs ?? 0].every(
    (n) => Number.isFinite(n) && Number(n) >= 0,
  )
  // an owner is one line of a record
  return v === 1 && texts && numbers && typeof owner === 'string' && /^[\w.-]{1,100}$/.test(owner)
}
