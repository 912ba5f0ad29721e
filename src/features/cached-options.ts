import { type Duration, parseDuration } from '../core/duration.js'
import { InvalidOptionError } from '../core/errors.js'
import { leastTtlMs } from '../core/plan.js'
import { type AnyCodec, type Codec, Packing } from './codec.js'
import { defaults, lockChecks, type ParsedOptions, readOptions, typed } from './options.js'

/** Options of one cached function. */
export interface CachedOptions<Alias extends string = string> {
  /** How long a value is fresh; null: until it is reset or makes way. Default: `cacheTtl` of the instance. */
  readonly ttl?: Duration | null
  /** For so long after its `ttl` a value is still given, at once, while a new one is computed. Default: 0. */
  readonly staleWhileRevalidate?: Duration
  /** For so long after its `ttl` a value is given where computing a new one fails. Default: 0. */
  readonly staleIfError?: Duration
  /** How values become text: `{ encode, decode }`. Default: JSON where the store keeps text; in memory the value itself. */
  readonly codec?: AnyCodec
  /** What takes more, encoded, is neither kept nor read. Default 1,048,576. */
  readonly maxValueBytes?: number
  /**
   * How long to wait for another who computes the value; then LockTimeoutError. true: as long as it takes, false, 0: not at
   * all. Default: true.
   */
  readonly wait?: Duration | boolean
  /**
   * Length of the lease of the one who computes, renewed meanwhile: how soon a crashed one is replaced. At least 100 ms.
   * Default: `ttl` of the instance, else 30 s; in memory none.
   */
  readonly lease?: Duration
  /** Alias of one of the `stores`. Default: the main store. */
  readonly store?: Alias
  /** Tells people what is computed: shown by `inspect()` and in `LockedError`. */
  readonly label?: string
  /** Names of the parameters of the function, where a minifier erases them. Default: read from its source. */
  readonly args?: readonly string[]
}

/** Options of a cached function, read. */
export interface ParsedCachedOptions {
  /** undefined: the instance says. */
  readonly ttlMs: number | null | undefined
  readonly revalidateMs: number
  readonly ifErrorMs: number
  readonly packing: Packing
  /** Of the lock under which a value is computed. */
  readonly lock: ParsedOptions
}

const checks = {
  ttl: (value: unknown, option: string) => (value === null ? null : parseDuration(value, option, 1)),
  staleWhileRevalidate: parseDuration,
  staleIfError: parseDuration,
  codec: (value: unknown, option: string) =>
    typed(isCodec(value), value, option, 'an object with encode(value) and decode(text)'),
  maxValueBytes: (value: unknown, option: string) =>
    typed(Number.isSafeInteger(value) && Number(value) > 0, value, option, 'a whole number above 0'),
  wait: lockChecks.wait,
  lease: (value: unknown, option: string) => parseDuration(value, option, leastTtlMs),
  store: lockChecks.store,
  label: lockChecks.label,
  args: lockChecks.args,
} satisfies Record<keyof CachedOptions, unknown>

const names = {
  ttl: 'ttlMs',
  staleWhileRevalidate: 'revalidateMs',
  staleIfError: 'ifErrorMs',
  wait: 'waitMs',
  lease: 'leaseMs',
} as const

interface Given {
  readonly ttlMs?: number | null
  readonly revalidateMs?: number
  readonly ifErrorMs?: number
  readonly codec?: Codec
  readonly maxValueBytes?: number
  readonly waitMs?: number
  readonly leaseMs?: number
  readonly store?: string
  readonly label?: string
  readonly args?: readonly string[]
}

/** @throws InvalidOptionError */
export function parseCachedOptions(options: CachedOptions | undefined): ParsedCachedOptions {
  const given: Given = options === undefined ? {} : readOptions(options, checks, names)
  const { ttlMs, revalidateMs = 0, ifErrorMs = 0, codec, maxValueBytes = 1_048_576 } = given
  const { waitMs = Number.POSITIVE_INFINITY, leaseMs, store, label, args } = given
  if (ttlMs === null && revalidateMs + ifErrorMs > 0) {
    throw new InvalidOptionError(
      'ttl is null, so that a value never becomes stale: leave out staleWhileRevalidate and staleIfError.',
    )
  }
  // each grant is the store's: else a token that was reserved before a reset would count as one of before it
  const lock: ParsedOptions = {
    ...{ ...defaults, waitMs, ttlMs: leaseMs, onLost: 'warn', passes: false },
    ...{ store, label, args },
  }
  return { ttlMs, revalidateMs, ifErrorMs, packing: new Packing(codec, maxValueBytes), lock }
}

function isCodec(value: unknown): value is Codec {
  if (typeof value !== 'object' || value === null) return false
  const { encode, decode } = value as Partial<Record<keyof Codec, unknown>>
  return typeof encode === 'function' && typeof decode === 'function'
}
