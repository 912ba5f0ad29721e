import { HoldfastError, type Outcome, StoreError } from '../../core/errors.js'
import { printable, withoutPasswords } from '../../core/printable.js'

/** Turns what a client library threw into a `StoreError`: without secrets, and saying whether the call may have had its effect. */
export function storeError(operation: string, error: unknown, secrets: readonly string[]): HoldfastError {
  if (error instanceof HoldfastError) return error
  const cause = withoutSecrets(error, secrets)
  if (isErrorReply(error)) {
    const hint = hints.find(({ begins }) => cause.message.startsWith(begins))?.hint ?? ''
    return new StoreError(operation, `Redis answered ${cause.message}${hint}`, { cause, outcome: 'not-applied' })
  }
  const outcome: Outcome = neverSent.some((text) => cause.message.includes(text)) ? 'not-applied' : 'unknown'
  const detail = outcome === 'unknown' ? 'no answer came, so it may have been done or not' : 'it could not be sent'
  return new StoreError(operation, `${detail}: ${cause.message}`, { cause, outcome })
}

/** Nothing was sent. `error`: what kept us from it, if anything was thrown. */
export function notSent(
  operation: string,
  detail: string,
  error?: unknown,
  secrets: readonly string[] = [],
): StoreError {
  if (error === undefined) return new StoreError(operation, detail, { outcome: 'not-applied' })
  const cause = withoutSecrets(error, secrets)
  return new StoreError(operation, `${detail}: ${cause.message}`, { cause, outcome: 'not-applied' })
}

/** A reply that makes no sense. */
export function badReply(operation: string): StoreError {
  return new StoreError(operation, 'Redis gave a reply of an unexpected form')
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** A copy with only what helps: ioredis puts the command with all its arguments on an error, AUTH and owners included. */
export function withoutSecrets(error: unknown, secrets: readonly string[]): Error {
  const hide = (text: string, most?: number): string => withoutPasswords(secrets.reduce(hideSecret, text), most)
  // The messages of an AggregateError (a host with several addresses) are those of its parts.
  const parts: readonly unknown[] = error instanceof AggregateError ? error.errors : []
  const message = messageOf(error) || parts.map(messageOf).join('; ')
  const copy: Error & { code?: string } = new Error(printable(hide(message)))
  if (!(error instanceof Error)) return copy
  copy.name = error.name
  if (error.stack !== undefined)
    copy.stack = hide(
      error.stack.replace(message, () => copy.message),
      longestStack,
    )
  if ('code' in error && typeof error.code === 'string') copy.code = error.code
  return copy
}

const longestStack = 10_000

/** What the libraries say when they refuse to send: ioredis without its offline queue, node-redis closed or without its. */
const neverSent: readonly string[] = [
  "Stream isn't writeable and enableOfflineQueue options is false",
  'The client is closed',
  'The client is offline',
]

const hints: readonly { readonly begins: string; readonly hint: string }[] = [
  { begins: 'MOVED', hint: '. A Redis Cluster needs a cluster client: give redis() one of ioredis or node-redis.' },
  { begins: 'NOPERM', hint: '. The documentation of redis() names the rights that are needed.' },
]

function hideSecret(text: string, secret: string): string {
  return text.replaceAll(secret, '***').replaceAll(encodeURIComponent(secret), '***')
}

/** `ERR …`, `READONLY …`: Redis' own words. The libraries' and the system's begin otherwise (`connect ECONNREFUSED …`). */
export function isErrorReply(error: unknown): boolean {
  return error instanceof Error && /^[A-Z][A-Z0-9]+ /.test(error.message)
}
