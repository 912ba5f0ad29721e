/** Writes what the documents show: docs/benchmarks.md, its charts, and the short table of the README. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../harness/packages.js'
import type { Results } from '../harness/results.js'
import { barsTable } from './bars.js'
import { type DrawnChart, drawCharts } from './charts.js'
import { limitsOf } from './limits.js'
import { summaryTable } from './summary.js'
import { scenarioTables } from './tables.js'

const BEGIN = '<!-- bench:begin -->'
const END = '<!-- bench:end -->'

/** Answers with the paths of what was written, from the folder of the project. */
export function writeDocuments(results: Results): string[] {
  const charts = drawCharts(results)
  const folder = join(root, 'docs', 'benchmarks')
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  for (const { file, svg } of charts) writeFileSync(join(folder, file), svg)
  writeFileSync(join(root, 'docs', 'benchmarks.md'), page(results, charts))
  const written = ['docs/benchmarks.md', ...charts.map(({ file }) => `docs/benchmarks/${file}`)]
  return intoReadme(summaryTable(results)) ? [...written, 'README.md'] : written
}

function page(results: Results, charts: readonly DrawnChart[]): string {
  const sections = results.scenarios.map((scenario) => {
    const own = charts.filter((chart) => chart.scenario === scenario.id)
    const images = own.map(({ file, title }) => `![${title}](benchmarks/${file})\n\n`).join('')
    return `${scenarioTables(scenario)}${images === '' ? '' : `\n${images.trimEnd()}\n`}`
  })
  return `# Benchmarks

<!-- made by \`npm run bench -- --write\`; do not edit -->

holdfast beside other libraries at their current versions, and beside the floor: what the same client needs with no library
on top. How it is measured:

- Each measurement of one library runs in fresh processes. Repetitions are interleaved and rotated (A B C, B C A, …), and
  ratios are medians of those within one repetition: they say more than the absolute figures.
- Libraries run as their documents say; where a second row says so, with a shorter interval of polling.
- Commands are counted as the client sends them. Times between processes are those of the machine's monotonic clock.
- A library that once let two in at the same time, lost an update of the counter, or gave a token that did not grow, is void
  in the whole run.

\`npm run bench\` measures anew; \`npm run bench -- --help\` tells how to run a part of it.

## In short

${summaryTable(results)}

## What it set out to show

holdfast by ioredis, unless said otherwise.

${barsTable(results)}

${limitsOf(results)}${sections.join('\n')}`
}

/** false: the README has no place for it. */
function intoReadme(table: string): boolean {
  const path = join(root, 'README.md')
  const text = existsSync(path) ? readFileSync(path, 'utf8') : ''
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)]
  if (begin === -1 || end < begin) return false
  writeFileSync(path, `${text.slice(0, begin + BEGIN.length)}\n\n${table}\n\n${text.slice(end)}`)
  return true
}
