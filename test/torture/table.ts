/** The results as Markdown: a short table, and every case with its reasons. */
import { elsewhere } from './elsewhere.js'
import type { Column, Result } from './run.js'

const markOf = ({ pass }: Result): string => (pass === undefined ? '–' : pass ? '✓' : '✗')
/** A reason stands in a cell: nothing in it may end that. */
const cell = (text: string): string =>
  text
    .replaceAll('|', '\\|')
    .replaceAll('<', '&lt;')
    .replace(/\/tmp\/[^/]+\//g, '')
    .replaceAll('\n', ' ')

export function pageOf(results: readonly Result[], columns: readonly Column[], date: string): string {
  const ids = [...new Set(results.map((result) => result.case.id))]
  const rows = ids.map((id) => columns.map((column) => find(results, id, column)))
  return `# The torture table

What lock libraries do when something goes wrong: each fault is one case, run on each library in fresh processes, with real servers.
\`npm run torture\` runs it again and writes this page. ✓ as expected, ✗ not, – does not apply.

<!-- torture:begin -->

${summary(rows, columns)}

${columns.map(({ name, version }) => `${name} ${version}`).join(' · ')} · Node ${process.versions.node} · ${date}

<!-- torture:end -->

Cases that ask for Redis do not apply to libraries without it, and so on: the reason stands in the cell. Times are of one run on a machine
that does other things as well: what is asked for has 250 ms of slack, and what failed while the timers of the machine itself were late
is tried again, twice at most. A library is used as its documents say, with the defaults of its client (ioredis),
and asks again every 50 ms where it polls. The cases stand in [test/torture/cases](../test/torture/cases).

## Faults that are no case here

| fault | where it is tried, or why not |
| --- | --- |
${elsewhere.map(([fault, where]) => `| ${fault} | ${where} |`).join('\n')}

## Every case, with what was measured

${rows.map(section).join('\n\n')}
`
}

function summary(rows: readonly Result[][], columns: readonly Column[]): string {
  const head = `| | ${columns.map(({ name }) => name).join(' | ')} |\n| --- |${' :-: |'.repeat(columns.length)}`
  const body = rows.map((row) => `| ${cell(row[0]?.case.title ?? '')} | ${row.map(markOf).join(' | ')} |`)
  const totals = columns.map((_, at) => {
    const tried = rows.flatMap((row) => row[at] ?? []).filter(({ pass }) => pass !== undefined)
    return `**${tried.filter(({ pass }) => pass).length} of ${tried.length}**`
  })
  return [head, ...body, `| **as expected** | ${totals.join(' | ')} |`].join('\n')
}

function section(row: readonly Result[]): string {
  const [first] = row
  if (first === undefined) return ''
  const lines = row.map((result) => `| ${result.column.name} | ${markOf(result)} | ${cell(result.reason)} |`)
  return `### ${first.case.title}

Expected: ${first.case.expected}. (\`${first.case.id}\`)

| library | | |
| --- | :-: | --- |
${lines.join('\n')}`
}

function find(results: readonly Result[], id: string, column: Column): Result {
  const result = results.find((one) => one.case.id === id && one.column === column)
  if (result === undefined) throw new Error(`${id} was not tried on ${column.name}`)
  return result
}
