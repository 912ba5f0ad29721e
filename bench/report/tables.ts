/** Results as Markdown. */
import { bestPeer, type CaseResult, ratio, type Row, type ScenarioResult } from '../harness/results.js'
import type { Column } from '../harness/scenario.js'

/** One scenario: its heading, what it measures, a table for each case. */
export function scenarioTables(scenario: ScenarioResult): string {
  const { id, title, about, cases } = scenario
  const tables = cases.map((one) => {
    const heading = one.id !== id ? `### ${one.id}: ${one.title}\n\n` : ''
    return `${heading}${caseTable(one, scenario.columns)}\n`
  })
  return [`## ${id}: ${title}\n`, `${about}\n`, ...tables, `${conditions([scenario])}\n`].join('\n')
}

/** Where, when, and how often: of one scenario, or of all that a table is made of. */
export function conditions(scenarios: readonly ScenarioResult[]): string {
  const warning = scenarios.some(({ quick }) => quick) ? '**A quick run, not to be compared.** ' : ''
  const machines = [...new Set(scenarios.map(({ machine }) => machine))]
  // that of a run on Redis says all that one in memory does
  const named = machines.filter((machine) => !machines.some((other) => other !== machine && other.startsWith(machine)))
  const days = span(scenarios.map(({ at }) => at.slice(0, 10)))
  const reps = span(scenarios.map((scenario) => String(scenario.reps)))
  return `${warning}${named.join('; ')}; ${days}; medians of ${reps} interleaved ${reps === '1' ? 'repetition' : 'repetitions'}.`
}

function span(values: readonly string[]): string {
  const sorted = [...new Set(values)].sort()
  const [first = '', last = first] = [sorted[0], sorted.at(-1)]
  return first === last ? first : `${first} to ${last}`
}

function caseTable(result: CaseResult, columns: readonly Column[]): string {
  const { rows, primary, better } = result
  const shown = columns.filter((column) => rows.some((row) => isShown(row, column)))
  const floor = rows.find(({ library }) => library === result.floor)
  const best = bestPeer(result)
  const worth = (row: Row): number => {
    const value = row.voided === undefined ? row.figures[primary] : undefined
    return value === undefined ? Number.NEGATIVE_INFINITY : value * (better === 'high' ? 1 : -1)
  }
  const titles = shown.map(({ key, title }) => (key === primary ? `${title} ${better === 'high' ? '↑' : '↓'}` : title))
  const head = ['library', 'version', 'woken by', ...titles, '× floor', '× best peer']
  const lines = [...rows]
    .sort((a, b) => worth(b) - worth(a))
    .map((row) => {
      const figures = shown.map(({ key, digits }, index) => {
        if (row.voided !== undefined) return index === 0 ? row.voided : ''
        return format(row.figures[key], digits)
      })
      const ratios = row.voided === undefined ? [ratio(row, floor, primary), ratio(row, best, primary)] : []
      return [mark(row), row.version, row.wake, ...figures, ...[0, 1].map((i) => format(ratios[i], 2))]
    })
  const notes = rows.filter(({ notes }) => notes.length > 0).map(({ label, notes }) => `${label}: ${notes.join('; ')}`)
  return [
    `| ${head.join(' | ')} |`,
    `| ${head.map((_, index) => (index < 3 ? '---' : '---:')).join(' | ')} |`,
    ...lines.map((cells) => `| ${cells.join(' | ')} |`),
    ...(notes.length > 0 ? ['', ...notes.map((note) => `- ${escaped(note)}`)] : []),
  ].join('\n')
}

function isShown({ figures }: Row, { key, rare }: Column): boolean {
  const value = figures[key]
  return value !== undefined && !(rare === true && value === 0)
}

const mark = ({ label, role }: Row): string =>
  role === 'ours' ? `**${label}**` : role === 'floor' ? `*${label}*` : label

/** Messages of the libraries stand as they are, but are no Markdown. */
const escaped = (text: string): string => text.replace(/[<>|`*_]/g, ' ').slice(0, 200)

/** Short: large numbers by thousands, no digits that say nothing. */
export function format(value: number | undefined, digits: number): string {
  if (value === undefined || !Number.isFinite(value)) return ''
  const places = Math.abs(value) >= 1000 ? 0 : digits
  return value.toLocaleString('en', { minimumFractionDigits: places, maximumFractionDigits: places })
}
