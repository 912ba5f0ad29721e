/** What a run found: kept as JSON, from which tables and charts are made. */
import type { Library } from '../library.js'
import type { Case, Column, Figures, Measured } from './scenario.js'
import { median } from './stats.js'

export interface Row {
  readonly library: string
  readonly label: string
  readonly role: Library['role']
  readonly version: string
  readonly wake: string
  /** Over the repetitions. */
  readonly figures: Figures
  /** Each repetition by itself; undefined: it failed. */
  readonly runs: readonly (Figures | undefined)[]
  readonly faults: readonly string[]
  /** Why nothing of this library counts in this run: its faults here, or in another table. */
  readonly voided?: string
  readonly notes: readonly string[]
}

export interface CaseResult {
  readonly id: string
  readonly title: string
  readonly primary: string
  readonly better: 'low' | 'high'
  readonly floor: string
  readonly rows: readonly Row[]
}

export interface ScenarioResult {
  readonly id: string
  readonly title: string
  readonly about: string
  readonly columns: readonly Column[]
  readonly reps: number
  readonly quick: boolean
  /** ISO date and time of its end. */
  readonly at: string
  readonly machine: string
  readonly cases: readonly CaseResult[]
}

export interface Results {
  readonly scenarios: readonly ScenarioResult[]
}

/** A measurement that failed has no figures and one note. */
export type Attempt = Measured | { readonly figures: undefined; readonly note: string }

export function rowOf(
  library: Library,
  { attempts, columns, version }: { attempts: readonly Attempt[]; columns: readonly Column[]; version: string },
): Row {
  const runs = attempts.map(({ figures }) => figures)
  const { id, label, role, wake } = library
  const faults = attempts.flatMap((attempt) => ('faults' in attempt ? (attempt.faults ?? []) : []))
  const notes = attempts.flatMap(({ note }) => (note === undefined ? [] : [note]))
  return { library: id, label, role, wake, version, figures: totals(runs, columns), runs, faults, notes: unique(notes) }
}

export function caseResult({ id, title, primary, better, floor }: Case, rows: readonly Row[]): CaseResult {
  return { id, title, primary, better, floor, rows }
}

/** One overlap, lost update or shrunk token voids a library in the whole run. */
export function judged({ scenarios }: Results): Results {
  const voided = new Map<string, string>()
  for (const { id, rows } of scenarios.flatMap(({ cases }) => cases)) {
    for (const { library, faults } of rows) {
      if (faults.length > 0 && !voided.has(library)) voided.set(library, `void: ${faults.join(', ')} in ${id}`)
    }
  }
  const judge = ({ voided: _before, ...row }: Row): Row => {
    const reason = voided.get(row.library)
    return reason === undefined ? row : { ...row, voided: reason }
  }
  return {
    scenarios: scenarios.map((scenario) => ({
      ...scenario,
      cases: scenario.cases.map((one) => ({ ...one, rows: one.rows.map(judge) })),
    })),
  }
}

/** The median over the repetitions of the ratio within one: what the machine did meanwhile cancels out. */
export function ratio(row: Row | undefined, base: Row | undefined, key: string): number {
  if (row === undefined || base === undefined) return Number.NaN
  const ratios = row.runs.map((run, rep) => (run?.[key] ?? Number.NaN) / (base.runs[rep]?.[key] ?? Number.NaN))
  return median(ratios.filter((value) => Number.isFinite(value)))
}

/** The peer that did best, of those that kept the lock and served everybody they should. */
export function bestPeer(
  result: CaseResult,
  { key = result.primary, better = result.better }: { key?: string; better?: 'low' | 'high' } = {},
): Row | undefined {
  const fit = result.rows.filter((row) => row.role === 'peer' && row.voided === undefined && !row.figures['unserved'])
  const known = fit.filter((row) => Number.isFinite(row.figures[key] ?? Number.NaN))
  const worth = (row: Row): number => (row.figures[key] ?? 0) * (better === 'high' ? 1 : -1)
  return known.sort((a, b) => worth(b) - worth(a))[0]
}

function totals(runs: readonly (Figures | undefined)[], columns: readonly Column[]): Figures {
  const keys = unique(runs.flatMap((run) => Object.keys(run ?? {})))
  const entries = keys.map((key): [string, number] => {
    const values = runs.map((run) => run?.[key] ?? Number.NaN).filter((value) => Number.isFinite(value))
    const total = columns.find((column) => column.key === key)?.total
    if (total === 'sum') return [key, values.reduce((sum, value) => sum + value, 0)]
    return [key, total === 'max' ? Math.max(...values) : median(values)]
  })
  return Object.fromEntries(entries.filter(([, value]) => Number.isFinite(value)))
}

const unique = <T>(values: readonly T[]): T[] => [...new Set(values)]
