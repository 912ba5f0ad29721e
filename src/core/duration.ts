import { InvalidOptionError } from './errors.js'
import { withoutPasswords } from './printable.js'

/** Milliseconds as a number, or text with a unit: `'250ms'`, `'10s'`, `'5m'`, `'1h'`. Junk throws where it is written. */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h'}`

const unitMs: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }
const pattern = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/
/** Ten years. */
export const longestMs: number = 10 * 365.25 * 24 * 3_600_000

/** Reads a duration strictly. @throws InvalidOptionError for anything that is not a length of time up to ten years. */
export function parseDuration(value: unknown, option: string, leastMs = 0): number {
  const ms = toMs(value)
  if (ms === undefined || !Number.isFinite(ms)) {
    throw new InvalidOptionError(
      `${option} is ${show(value)}: give milliseconds as a number, or text such as '250ms', '10s', '5m', '1h'.`,
    )
  }
  if (ms < leastMs || ms < 0) {
    throw new InvalidOptionError(`${option} is ${show(value)}: the least is ${String(leastMs)} ms.`)
  }
  if (ms > longestMs) throw new InvalidOptionError(`${option} is ${show(value)}: the most is ten years.`)
  return ms
}

/** A value as it may stand in a message: short, quoted when it is text, and without the password of a URL. */
export function show(value: unknown): string {
  if (typeof value === 'string') return `'${withoutPasswords(value, 40)}'`
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object'
  if (typeof value === 'function') return 'a function'
  return String(value)
}

function toMs(value: unknown): number | undefined {
  if (typeof value === 'number') return value
  if (typeof value !== 'string') return undefined
  const [, digits, unit] = pattern.exec(value) ?? []
  const factor = unit === undefined ? undefined : unitMs[unit]
  return factor === undefined ? undefined : Number(digits) * factor
}
