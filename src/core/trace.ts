/**
 * What happens, for those who watch: `node:diagnostics_channel`, one channel for each event, 3 ns when nobody listens.
 *
 * @example
 * import { subscribe } from 'node:diagnostics_channel'
 * subscribe('holdfast:contended', (message) => counter.add(1, { key: message.key }))
 */
import { channel } from 'node:diagnostics_channel'
import type { EndCode } from './errors.js'

/** Where warnings go: `console` fits, so does any logger with `warn`. */
export interface Logger {
  warn(message: string): void
}

/** The messages of each channel. Keys are the user's, without prefix; owners are never shown. */
export interface TraceEvents {
  /** A request was granted. */
  'holdfast:acquired': { key: string; token: number; waitedMs: number }
  /** A request was refused, and gives up (`waits` false) or goes on waiting. */
  'holdfast:contended': { key: string; waits: boolean }
  /** A hold was released by its holder. */
  'holdfast:released': { key: string; token: number }
  /** A hold ended before its body: expired, revoked or lost. */
  'holdfast:ended': { key: string; token: number; code: EndCode }
  /** A renewal came through. */
  'holdfast:renewed': { key: string; token: number }
  /** A call of the store failed. What follows from it is told elsewhere. */
  'holdfast:store-failed': { key: string; operation: string; error: unknown }
}

const channels = {
  'holdfast:acquired': channel('holdfast:acquired'),
  'holdfast:contended': channel('holdfast:contended'),
  'holdfast:released': channel('holdfast:released'),
  'holdfast:ended': channel('holdfast:ended'),
  'holdfast:renewed': channel('holdfast:renewed'),
  'holdfast:store-failed': channel('holdfast:store-failed'),
}

/** Does anybody listen? Ask before building a message on a hot path. */
export function traced(event: keyof TraceEvents): boolean {
  return channels[event].hasSubscribers
}

export function trace<E extends keyof TraceEvents>(event: E, message: TraceEvents[E]): void {
  if (channels[event].hasSubscribers) channels[event].publish(message)
}
