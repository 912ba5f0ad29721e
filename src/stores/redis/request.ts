import { InvalidOptionError } from '../../core/errors.js'
import type { AcquireRequest } from '../../core/store.js'
import { tokenStaysMs } from './lua-clock.js'

/** @throws InvalidOptionError */
export function checked(request: AcquireRequest): AcquireRequest {
  const { limit, permits } = request
  if (permits > limit) {
    throw new InvalidOptionError(`A request for ${permits} permits can never be granted by a limit of ${limit}.`)
  }
  return request
}

/** The lease, and how long its token is remembered, in the whole milliseconds that Redis counts in. @throws InvalidOptionError */
export function times(ttlMs: number | null): [ttl: string, tokenTtl: string] {
  if (ttlMs === null || !(ttlMs > 0)) {
    throw new InvalidOptionError('On Redis a lease needs an end: ttl has to be a time above 0.')
  }
  const wholeMs = Math.ceil(ttlMs)
  return [String(wholeMs), String(wholeMs + tokenStaysMs)]
}
