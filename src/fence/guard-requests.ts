import { HoldfastError, InvalidOptionError, StaleTokenError } from '../core/errors.js'
import { type FenceGate, fenceGate } from './gate.js'
import { checkNames, type Held } from './held.js'
import { formatToken, readTokenHeader, tokenHeaderName } from './token-header.js'

/** A handler of web-standard requests, as Hono, Deno, Bun, Next.js and others call it; `rest` is whatever they add. */
export type RequestHandler<Rest extends unknown[]> = (request: Request, ...rest: Rest) => Response | Promise<Response>

export interface GuardRequestsOptions {
  /**
   * The key whose token a request must carry; undefined: it needs none. Without this option the key that the sender names is
   * believed, so say it where you can: a sender with the wrong lock is refused then.
   */
  readonly key?: (request: Request) => string | undefined
  /** Where the largest tokens are remembered. Default: a gate of its own, in the memory of this process. */
  readonly gate?: Pick<FenceGate, 'run'>
}

/**
 * Lets a handler see only requests whose token, in the header `Holdfast-Token`, is not older than the largest seen of its key. A
 * request with a newer token waits until those with older ones are answered. Others are answered here, as
 * `application/problem+json` with `code`, `key`, `token`, `latest`:
 *
 * - 412 the token is stale. Also when the handler throws a StaleTokenError, of a guard further down
 * - 428 there is no token. GET, HEAD, OPTIONS and TRACE need none, but one that they carry is checked
 * - 400 the header is malformed, or names another key than it has to
 *
 * The header says what its sender wants it to say: put this behind whatever checks who may send. A gate in memory knows what came to
 * this process; where several serve, pass the token on to what they share, and guard that.
 *
 * @throws InvalidOptionError
 *
 * @example
 * serve(guardRequests(pay, { key: (request) => `invoice-${new URL(request.url).pathname.slice(1)}` }))
 */
export function guardRequests<Rest extends unknown[]>(
  handler: RequestHandler<Rest>,
  options: GuardRequestsOptions = {},
): (request: Request, ...rest: Rest) => Promise<Response> {
  checkNames(options, ['key', 'gate'], 'guardRequests')
  const { gate = fenceGate(), key: keyOf } = options
  return async (request, ...rest) => {
    const answer = async (): Promise<Response> => handler(request, ...rest)
    const wanted = keyOf?.(request)
    const held = readHeld(request, wanted)
    if (held instanceof Response) return held
    try {
      if (held !== undefined) return await gate.run(held, answer)
    } catch (error) {
      if (error instanceof StaleTokenError) return stale(error)
      throw error
    }
    const needsNone = safeMethods.includes(request.method) || (keyOf !== undefined && wanted === undefined)
    return needsNone ? answer() : missing(wanted)
  }
}

/** They change nothing, by the definition of HTTP; OPTIONS is also sent by browsers, which cannot add a header to it. */
const safeMethods = ['GET', 'HEAD', 'OPTIONS', 'TRACE']

function readHeld({ headers }: Request, wanted: string | undefined): Held | undefined | Response {
  try {
    const held = readTokenHeader(headers)
    if (held === undefined || wanted === undefined || held.key === wanted) return held
    throw new InvalidOptionError(
      `The header ${tokenHeaderName} names the key ${held.key}, and this is guarded by ${wanted}: send the token of a lock on that.`,
      held.key,
    )
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error
    return problem(400, 'Bad Request', error.message, { code: error.code })
  }
}

function missing(key: string | undefined): Response {
  const whose = key === undefined ? 'that guards this' : key
  const detail = `This is written only under a lock: acquire ${whose}, and send its token in the header ${tokenHeaderName}.`
  return problem(428, 'Precondition Required', detail, { key })
}

function stale({ code, message, key, token, latest }: StaleTokenError): Response {
  const response = problem(412, 'Precondition Failed', message, { code, key, token, latest })
  response.headers.set(tokenHeaderName, formatToken({ key, token: latest ?? token }))
  return response
}

/** RFC 9457. */
function problem(status: number, title: string, detail: string, more: object): Response {
  const headers = { 'content-type': 'application/problem+json', 'cache-control': 'no-store' }
  return new Response(JSON.stringify({ title, status, detail, ...more }), { status, headers })
}
