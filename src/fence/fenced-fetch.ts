import { StaleTokenError } from '../core/errors.js'
import { checkHeld, type Held } from './held.js'
import { formatToken, readTokenHeader, tokenHeaderName } from './token-header.js'

/**
 * A `fetch` that sends key and token along, in the header `Holdfast-Token`, and rejects with StaleTokenError when the other side
 * answers that the token is stale: 412 with that header, as `guardRequests` does. Any other answer is given as it is.
 *
 * @param held A lease, or key and token.
 * @param using The `fetch` to call. Default: the global one.
 * @throws InvalidKeyError, InvalidOptionError
 *
 * @example
 * await lock('invoice-42').run((lease) => fencedFetch(lease)(url, { method: 'POST', body }))
 */
export function fencedFetch(held: Held, using: typeof fetch = fetch): typeof fetch {
  const { key, token } = checkHeld(held)
  return async (input, init) => {
    const headers = new Headers(init?.headers ?? (input instanceof Request ? input.headers : undefined))
    headers.set(tokenHeaderName, formatToken({ key, token }))
    const response = await using(input, { ...init, headers })
    const seen = response.status === 412 ? readSeen(response) : undefined
    if (seen?.key !== key) return response
    await response.body?.cancel()
    throw new StaleTokenError(key, token, seen.token)
  }
}

/** Whoever answers 412 may have its own reason, and its own headers. */
function readSeen({ headers }: Response): Held | undefined {
  try {
    return readTokenHeader(headers)
  } catch {
    return undefined
  }
}
