import type { Verdict } from './rig.js'

/** A machine that is busy with something else may be so late; what is measured stands in the reason. */
const SLACK_MS = 250

const ms = (value: number): string => `${Math.round(value).toLocaleString('en-US')} ms`

/** The holder was to be told at `dueMs`. */
export function toldBy(toldMs: number | undefined, dueMs: number, watchedMs: number): Verdict {
  if (toldMs === undefined) return { pass: false, reason: `never told, in ${ms(watchedMs)}` }
  const lateMs = toldMs - dueMs
  if (lateMs <= SLACK_MS)
    return { pass: true, reason: lateMs <= 0 ? `told ${ms(-lateMs)} before` : `told ${ms(lateMs)} after` }
  return { pass: false, reason: `told ${ms(lateMs)} late` }
}

/** Something was to happen within `limitMs`. */
export function within(tookMs: number | undefined, limitMs: number, what: string, watchedMs: number): Verdict {
  if (tookMs === undefined) return { pass: false, reason: `not ${what} in ${ms(watchedMs)}` }
  return { pass: tookMs <= limitMs + SLACK_MS, reason: `${what} after ${ms(Math.max(0, tookMs))}` }
}

export const passed = (reason: string): Verdict => ({ pass: true, reason })
export const failed = (reason: string): Verdict => ({ pass: false, reason })
