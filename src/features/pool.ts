import { show } from '../core/duration.js'
import { InvalidOptionError } from '../core/errors.js'
import { callableOf } from './callable.js'
import type { Handle } from './handle.js'
import type { Source } from './instance.js'
import { type Check, notReentrant, type ParsedOptions, parseLockOptions, typed } from './options.js'
import { checkMax, isCount, PoolHandle } from './pool-handle.js'
import { poolLine } from './pool-line.js'
import type { PoolFunction, PoolOptions } from './pool-types.js'
import type { Callable as Fn, KeySpec } from './decorate.js'
import type { HandleOf } from './wrap.js'

/** A `pool` function that works for the instance `source` gives. */
export function poolOn(source: Source): PoolFunction {
  const pool = (key: KeySpec, given: PoolOptions): unknown => {
    const { onFull, ...options } = parsePoolOptions(given)
    const handle = (text: string): Handle => new PoolHandle(source, text, options)
    return callableOf({ source, key, options, handle, refused: onFull, calls: sizeCalls }, 'pool')
  }
  return pool as PoolFunction // the overloads of one function
}

type ParsedPoolOptions = ParsedOptions & { readonly onFull: Fn | undefined }

const poolChecks: Record<string, Check> = {
  ...notReentrant('a pool counts each holder, inner ones too. Use lock(key, { reentrant: true }) for one at a time.'),
  max: checkMax,
  permits: (value, option) => typed(isCount(value), value, option, 'a whole number above 0'),
  onFull: (value, option) => typed(typeof value === 'function', value, option, 'a function'),
}

/** @throws InvalidOptionError */
function parsePoolOptions(options: PoolOptions): ParsedPoolOptions {
  // a table of checks is read by name: what it gives is what they let through
  const read = parseLockOptions(options, poolChecks) as ParsedPoolOptions & { max?: number }
  const { max, onFull, permits, ...rest } = read
  if (max === undefined)
    throw new InvalidOptionError('A pool needs to know how many may hold at a time: give { max: 10 }.')
  if (permits > max) {
    throw new InvalidOptionError(
      `permits is ${show(permits)}, and the pool has ${show(max)}: it could never be granted.`,
    )
  }
  return { ...rest, onFull, permits, limit: max, line: poolLine, quiet: true }
}

function sizeCalls(at: HandleOf, isAsync: boolean): Record<string, Fn> {
  const size: Fn = isAsync
    ? async function (...args) {
        return await at(this, args).size()
      }
    : function (...args) {
        return at(this, args).sizeSync()
      }
  return { size }
}
