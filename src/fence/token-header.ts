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
 * @param headers `request.headers` of a web-standard Request, or of node:http.
 * @throws InvalidOptionError, InvalidKeyError when it has another form, or came more than once
 */
export function readTokenHeader(
  headers: Headers | Readonly<Record<string, string | string[] | undefined>>,
): Held | undefined {
  const value = headers instanceof Headers ? headers.get(tokenHeaderName) : headers[tokenHeaderName.toLowerCase()]
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

/** No comma: a header that came twice is joined by one. */
const form = /^([1-9]\d{0,15}) ([\w.!~*'()%-]+)$/

function decode(encoded: string): string | undefined {
  try {
    return decodeURIComponent(encoded)
  } catch {
    return undefined
  }
}
