import { type HeldBy, LockedError } from './errors.js'
import type { HolderInfo } from './store.js'
import type { Space } from './space.js'
import type { Terms } from './terms.js'
import { trace } from './trace.js'

/** A holder as users see it. */
export function heldBy(holder: HolderInfo | undefined): HeldBy | undefined {
  if (holder === undefined) return undefined
  const { host, pid, label, since } = holder
  return { host, pid, label, since: new Date(since) }
}

/** Tells those who watch that a request was refused. */
export function traceContention(terms: Terms, waits: boolean): void {
  trace('holdfast:contended', { key: terms.key, waits })
}

/** The refusal as an error, logged unless it is to be quiet. */
export function refusal(
  space: Space,
  terms: Terms,
  holder: HolderInfo | undefined,
  quiet: boolean | undefined,
): LockedError {
  const error = new LockedError(terms.key, heldBy(holder))
  if (quiet !== true) space.warn(error.message)
  return error
}
