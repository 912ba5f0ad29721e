import { show } from '../core/duration.js'
import { InvalidOptionError } from '../core/errors.js'
import { checkHeld, type Held } from './held.js'

/** Name of the header that carries a key and its token. */
export const tokenHeaderName = 'Holdfast-Token'

/**
 * The header of a request that is sent while a key is held, for any HTTP client:
 *
 *     Holdfast-Token: 1763740800123456 invoice-42
 *
 * the token in decimal digits, a space, and the key, percent-encoded as by `encodeURIComponent`.
 *
 * @throws InvalidKeyError, InvalidOptionError
 */
export function tokenHeader(held: Held): { readonly [tokenHeaderName]: string } {
  return { [tokenHeaderName]: formatToken(held) }
}

/** @throws InvalidKeyError, InvalidOptionError */
export function formatToken(held: Held): string {
  const { key, token } = checkHeld(held)
  return `${String(token)} ${encodeURIComponent(key)}`
}

/**
 * Reads the header of a request; undefined when there is none.
 *
 * @param headers `request.headers` of a web-standard Request, of node:http, or any object with the names of headers.
 * @throws InvalidOptionError, InvalidKeyError when it has another form, or came more than once
 */
export function readTokenHeader(headers: HeadersLike): Held | undefined {
  const value = isHeaders(headers) ? headers.get(tokenHeaderName) : valueOf(headers)
  if (value === undefined || value === null) return undefined
  const [, digits, encoded] = form.exec(String(value)) ?? []
  const key = encoded === undefined ? undefined : decode(encoded)
  if (digits === undefined || key === undefined) {
    throw new InvalidOptionError(
      `The header ${tokenHeaderName} is ${show(String(value))}: it has to be a token, a space, and the percent-encoded key.`,
    )
  }
  return checkHeld({ key, token: Number(digits) })
}

type HeadersLike = Pick<Headers, 'get'> | Readonly<Record<string, string | readonly string[] | undefined>>

function isHeaders(headers: HeadersLike): headers is Pick<Headers, 'get'> {
  return typeof headers['get'] === 'function'
}

/** Not all servers give names in small letters, as node:http does. */
function valueOf(headers: Exclude<HeadersLike, Pick<Headers, 'get'>>): string | readonly string[] | undefined {
  const name = tokenHeaderName.toLowerCase()
  return Object.entries(headers).find(([other]) => other.toLowerCase() === name)?.[1]
}

/** No comma: a header that came twice is joined by one. */
const form = /^([1-9]\d{0,15}) ([\w.!~*'()%-]+)$/

function decode(encoded: string): string | undefined {
  try {
    return decodeURIComponent(encoded)
  } catch {
    return undefined
  }
}
