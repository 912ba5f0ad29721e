/** The options of users, checked where they are written: an unknown name or a junk value is an InvalidOptionError at once. */
import { type Duration, parseDuration, show } from '../core/duration.js'
import type { Env } from '../core/env.js'
import { InvalidOptionError } from '../core/errors.js'
import { leastTtlMs } from '../core/plan.js'
import { longestShown } from '../core/printable.js'
import type { AnyStore } from '../core/store.js'
import type { Terms } from '../core/terms.js'
import type { Logger } from '../core/trace.js'

/** Options of one lock. */
export interface LockOptions<Alias extends string = string> {
  /** How long acquiring may take. true: for ever; false, 0: it does not wait. Default: it does not wait. */
  readonly wait?: Duration | boolean
  /**
   * Length of the lease: how soon a crashed holder is replaced. Renewed by itself while held. At least 100 ms.
   * Default 30 s; in memory none, for a crashed holder is gone with its process.
   */
  readonly ttl?: Duration
  /** Hard limit: the hold ends then, finished or not. Default: none. */
  readonly expire?: Duration
  /** Stays held at least that long after the acquisition, even if released early. Default: 0. At most `expire`. */
  readonly minHold?: Duration
  /** Cancels the wait; acquiring rejects with `signal.reason`. */
  readonly signal?: AbortSignal
  /** What happens at the end of `run`, a wrapper or `using` when the hold was lost: 'throw' (default) or 'warn' only. */
  readonly onLost?: 'throw' | 'warn'
  /** Alias of one of the `stores`. Default: the main store. */
  readonly store?: Alias
  /** Tells people what the lock is for: shown by `inspect()` and in `LockedError`. At most 1,024 characters. */
  readonly label?: string
  /** Names of the parameters of the function to wrap, where a minifier erases them. Default: read from its source. */
  readonly args?: readonly string[]
}

/** Options of an instance. */
export interface HoldfastOptions {
  /** A store, or the URL of one (`redis://…`). Default: the memory of this process. */
  readonly store?: StoreSpec
  /** More stores by alias, for the option `store` of a lock. */
  readonly stores?: Readonly<Record<string, StoreSpec>>
  /** Put before each key in the stores. Default `holdfast:`. */
  readonly prefix?: string
  /** Default `ttl` of the locks. */
  readonly ttl?: Duration
  /** Default `ttl` of what `cached` keeps; null, the default: it has no end. */
  readonly cacheTtl?: Duration | null
  /** Time limit of each call of a store. Default: the smaller of a third of the ttl and 5 s. */
  readonly storeTimeout?: Duration
  /** How many requests may wait for one key in this process; one more is a TooManyWaitersError. Default 100,000; Infinity: any number. */
  readonly maxWaiters?: number
  /** Where contention and lost holds are logged. Default: nowhere. `console` fits. */
  readonly logger?: Logger
  /**
   * On SIGTERM and SIGINT, and where the process ends by itself, what is held is released first; the exit code stays what it would have
   * been. Whoever listens for the signal keeps the say over the end. Default false. `close()` ends it.
   */
  readonly releaseOnExit?: boolean
  /** Clock, timers and randomness. Default: the real ones. For tests. */
  readonly env?: Env
}

/** A store, or the URL of one. */
export type StoreSpec = string | AnyStore

/** Options of a lock, read. */
export interface ParsedOptions {
  readonly waitMs: number
  readonly ttlMs: number | undefined
  readonly expireMs: number | undefined
  readonly minHoldMs: number
  readonly signal: AbortSignal | undefined
  readonly onLost: 'throw' | 'warn'
  readonly store: string | undefined
  readonly label: string | undefined
  readonly args: readonly string[] | undefined
  /** How many permits the key has, and how many a request takes. */
  readonly limit: number
  readonly permits: number
  /** A hold may serve several of this process in turn (`Terms.passes`). */
  readonly passes: boolean
  /** Who waits in this process (`Terms.line`). */
  readonly line: Terms['line']
  /** A refusal is told by whoever asked for it: the core logs none. */
  readonly quiet: boolean
}

/** Options of an instance, read. */
export interface ParsedHoldfastOptions {
  readonly store: StoreSpec | undefined
  readonly stores: Readonly<Record<string, StoreSpec>>
  readonly prefix: string
  readonly ttlMs: number | undefined
  readonly cacheTtlMs: number | null
  readonly storeTimeoutMs: number | undefined
  readonly maxWaiters: number | undefined
  readonly logger: Logger | undefined
  readonly releaseOnExit: boolean
  readonly env: Env | undefined
}

export const defaults: ParsedOptions = {
  waitMs: 0,
  ttlMs: undefined,
  expireMs: undefined,
  minHoldMs: 0,
  signal: undefined,
  onLost: 'throw',
  store: undefined,
  label: undefined,
  args: undefined,
  limit: 1,
  permits: 1,
  passes: true,
  line: undefined,
  quiet: false,
}

/** Reads one option: gives the value as it is used. @throws InvalidOptionError */
export type Check = (value: unknown, option: string) => unknown

export const lockChecks: Readonly<Record<keyof LockOptions, Check>> = {
  wait: (value, option) => {
    if (value === true) return Number.POSITIVE_INFINITY
    return value === false ? 0 : parseDuration(value, option)
  },
  ttl: (value, option) => parseDuration(value, option, leastTtlMs),
  expire: (value, option) => parseDuration(value, option, 1),
  minHold: (value, option) => parseDuration(value, option),
  signal: (value, option) => typed(value instanceof AbortSignal, value, option, 'an AbortSignal'),
  onLost: (value, option) => typed(value === 'throw' || value === 'warn', value, option, `'throw' or 'warn'`),
  store: (value, option) => typed(typeof value === 'string', value, option, 'the alias of a store'),
  label: (value, option) => typed(isLabel(value), value, option, `text of ${longestShown} characters at most`),
  args: (value, option) => typed(isListOfText(value), value, option, `a list of names such as ['id']`),
}

const holdfastChecks = {
  store: (value) => value, // judged where it is opened
  stores: (value, option) => typed(isRecord(value), value, option, 'an object of stores by alias'),
  prefix: (value, option) => typed(isPrefix(value), value, option, 'well-formed text'),
  ttl: lockChecks.ttl,
  cacheTtl: (value, option) => (value === null ? null : parseDuration(value, option, 1)),
  storeTimeout: (value, option) => parseDuration(value, option, 1),
  maxWaiters: (value, option) => typed(isCount(value), value, option, 'a whole number above 0, or Infinity'),
  logger: (value, option) => typed(hasMethod(value, 'warn'), value, option, 'an object with warn(message)'),
  releaseOnExit: (value, option) => typed(typeof value === 'boolean', value, option, 'true or false'),
  env: (value, option) => typed(hasMethod(value, 'nowMs'), value, option, 'an Env'),
} satisfies Record<keyof HoldfastOptions, Check>

const lockNames = { wait: 'waitMs', ttl: 'ttlMs', expire: 'expireMs', minHold: 'minHoldMs' } as const

/** Reads the options of a lock, and those that `more` has besides. @throws InvalidOptionError */
export function parseLockOptions(options: LockOptions | undefined, more?: Record<string, Check>): ParsedOptions {
  if (options === undefined) return defaults
  const checks = more === undefined ? lockChecks : { ...lockChecks, ...more }
  const parsed = { ...defaults, ...readOptions(options, checks, lockNames) }
  if (parsed.expireMs !== undefined && parsed.minHoldMs > parsed.expireMs) {
    throw new InvalidOptionError('minHold is longer than expire: a hold cannot last longer than its hard limit.')
  }
  return parsed
}

/** @throws InvalidOptionError */
export function parseHoldfastOptions(options: HoldfastOptions | undefined): ParsedHoldfastOptions {
  if (options !== undefined && isRecord(options) && 'store' in options && options['store'] === undefined) {
    throw new InvalidOptionError(
      'store is undefined (a variable of the environment that is not set?): leave it out for locks within this process only.',
    )
  }
  const parsed = readOptions(options === undefined ? {} : options, holdfastChecks, {
    ttl: 'ttlMs',
    cacheTtl: 'cacheTtlMs',
    storeTimeout: 'storeTimeoutMs',
  })
  const empty = {
    store: undefined,
    stores: {},
    prefix: 'holdfast:',
    ttlMs: undefined,
    cacheTtlMs: null,
    maxWaiters: undefined,
    logger: undefined,
    releaseOnExit: false,
    env: undefined,
  }
  return { ...empty, storeTimeoutMs: undefined, ...parsed }
}

/** Reads an object of options by a table of checks; `undefined` counts as not given. */
export function readOptions(
  options: object,
  checks: Record<string, Check>,
  names: Record<string, string>,
): Record<string, unknown> {
  if (!isRecord(options)) throw new InvalidOptionError(`The options are ${show(options)}; give an object.`)
  const parsed: Record<string, unknown> = {}
  for (const [option, value] of Object.entries(options)) {
    const check = Object.hasOwn(checks, option) ? checks[option] : undefined
    if (check === undefined) {
      throw new InvalidOptionError(
        `Unknown option ${show(option)}${didYouMean(option, checks)}: there are ${Object.keys(checks).join(', ')}.`,
      )
    }
    if (value !== undefined) parsed[names[option] ?? option] = check(value, option)
  }
  return parsed
}

/** @throws InvalidOptionError when it does not fit */
export function typed(fits: boolean, value: unknown, option: string, wanted: string): unknown {
  if (!fits) throw new InvalidOptionError(`${option} is ${show(value)}: give ${wanted}.`)
  return value
}

function didYouMean(option: string, checks: Record<string, Check>): string {
  const given = option.toLowerCase()
  const known = Object.keys(checks)
  const elsewhere = Object.hasOwn(namesElsewhere, given) ? namesElsewhere[given] : undefined
  const meant =
    elsewhere?.find((name) => known.includes(name)) ?? known.find((name) => isNear(given, name.toLowerCase()))
  return meant === undefined ? '' : ` (did you mean '${meant}'?)`
}

/** What other lock libraries call ours. */
const namesElsewhere: Record<string, readonly string[]> = {
  timeout: ['wait', 'storeTimeout'],
  lifetime: ['ttl'],
  duration: ['ttl'],
  keyprefix: ['prefix'],
}

/** A beginning in common, or at most a letter too many in each. */
function isNear(given: string, name: string): boolean {
  return name.startsWith(given.slice(0, 3)) || shortened(given).some((text) => shortened(name).includes(text))
}

/** The word, and the word less one of its letters. */
function shortened(word: string): string[] {
  return [word, ...Array.from(word, (_, index) => word.slice(0, index) + word.slice(index + 1))]
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isListOfText(value: unknown): boolean {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}

/** Two halves of surrogate pairs would be one name on the wire. */
function isPrefix(value: unknown): boolean {
  return typeof value === 'string' && value.isWellFormed()
}

function isLabel(value: unknown): boolean {
  return typeof value === 'string' && value.length <= longestShown
}

function isCount(value: unknown): boolean {
  return typeof value === 'number' && (value === Number.POSITIVE_INFINITY || (Number.isInteger(value) && value > 0))
}

function hasMethod(value: unknown, name: string): boolean {
  return typeof value === 'object' && value !== null && typeof (value as Record<string, unknown>)[name] === 'function'
}
