import {
  type ErrorCode,
  HoldfastError,
  InvalidKeyError,
  InvalidOptionError,
  type Outcome,
  StoreError,
} from '../../core/errors.js'

/** An error as it crosses the threads: structured clone would make a plain Error of it, without its fields. */
export interface PackedError {
  readonly code: ErrorCode
  /** Of a StoreError: what follows its operation; else the message. */
  readonly text: string
  readonly operation: string
  readonly outcome: Outcome
  readonly cause: string | undefined
}

export function packError(error: unknown, operation: string): PackedError {
  const cause = error instanceof Error && error.cause !== undefined ? textOf(error.cause) : undefined
  if (error instanceof StoreError) {
    const start = new StoreError(error.operation, '').message
    const text = error.message.startsWith(start) ? error.message.slice(start.length) : error.message
    return { code: error.code, text, operation: error.operation, outcome: error.outcome, cause }
  }
  if (error instanceof HoldfastError) {
    return { code: error.code, text: error.message, operation, outcome: 'not-applied', cause }
  }
  return { code: 'STORE_FAILED', text: textOf(error), operation, outcome: 'unknown', cause }
}

/** `hide` takes what is secret out of a text. */
export function unpackError(packed: PackedError, hide: (text: string) => string): HoldfastError {
  const { code, operation, outcome } = packed
  const text = hide(packed.text)
  if (code === 'INVALID_OPTION') return new InvalidOptionError(text)
  if (code === 'INVALID_KEY') return new InvalidKeyError(text)
  return new StoreError(operation, text, {
    outcome,
    ...(packed.cause !== undefined && { cause: hide(packed.cause) }),
  })
}

export function textOf(error: unknown): string {
  return error instanceof Error ? `${error.name === 'Error' ? '' : `${error.name}: `}${error.message}` : String(error)
}

/** Takes the password of `url`, as it stands there and decoded, out of a text. */
export function hiderOf(url: string): (text: string) => string {
  const { password } = new URL(url)
  const secrets = [url, password, decoded(password)].filter((secret) => secret !== '')
  if (password === '') return (text) => text
  return (text) => secrets.reduce((hidden, secret) => hidden.replaceAll(secret, '***'), text)
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text // a % of its own: the store judges
  }
}
