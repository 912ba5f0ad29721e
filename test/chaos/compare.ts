/**
 * Writes the table of docs/chaos.md from reports of runs with one seed: `npm run soak -- --chaos --library X --seed N` first, for
 * each library, then `node --import tsx test/chaos/compare.ts N`.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { format, resolveConfig } from 'prettier'
import { libraries } from '../fleet/libraries.js'
import { shapes } from './plan.js'
import type { Report } from './report.js'

const FOLDER = join('.cache', 'chaos')
const PAGE = join('docs', 'chaos.md')
const BETWEEN = /(<!-- chaos:begin -->)[\s\S]*(<!-- chaos:end -->)/

const columns: readonly (readonly [title: string, of: (report: Report) => string | number])[] = [
  ['library', ({ library, version }) => `${library} ${version}`],
  ['faults', ({ faults }) => faults.all ?? 0],
  ['grants a second', ({ grantsPerSecond }) => grantsPerSecond ?? '–'],
  ['two at once', ({ overlaps }) => overlaps.whileConditionsHeld],
  ['the same, excused', ({ overlaps }) => Object.values(overlaps.excused).reduce((sum, count) => sum + count, 0)],
  ['effects after the successor’s', ({ staleEffects }) => staleEffects.all],
  ['of these refused by the token', ({ staleEffects }) => staleEffects.refused],
  ['updates lost, unfenced', ({ lostUpdates }) => lostUpdates['counter-unfenced'] ?? 0],
  ['fenced', ({ lostUpdates }) => lostUpdates['counter-fenced'] ?? 'no token'],
  ['wait p99, ms', ({ waits }) => Math.round(waits.p99Ms)],
  ['hand-over p50, ms', ({ handOverMs }) => handOverMs.p50.toFixed(1)],
  ['unhandled rejections', ({ unhandled }) => unhandled.length],
  ['without a grant after the heal', ({ grantsAfterHeal }) => idle(grantsAfterHeal.byWorkload)],
  ['processes that stayed', ({ stayed }) => stayed],
  ['keys left', ({ leakedKeys }) => leakedKeys.length],
]
const head = `| ${columns.map(([title]) => title).join(' | ')} |\n|${' --- |'.repeat(columns.length)}`
const rowOf = (report: Report): string => `| ${columns.map(([, of]) => String(of(report))).join(' | ')} |`

const [seed = ''] = process.argv.slice(2)
const reports = readdirSync(FOLDER)
  .filter((name) => name.endsWith(`-${seed}.json`) && !name.startsWith('test-'))
  .map((name) => JSON.parse(readFileSync(join(FOLDER, name), 'utf8')) as Report)
if (reports.length === 0) throw new Error(`There are no reports with the seed ${seed} in ${FOLDER}.`)

const page = readFileSync(PAGE, 'utf8')
const filled = page.replace(BETWEEN, (_, begin: string, end: string) => `${begin}\n\n${tables()}\n\n${end}`)
writeFileSync(PAGE, await format(filled, { ...(await resolveConfig(PAGE)), parser: 'markdown' }))

function tables(): string {
  const parts = shapes.redis.map((shape) => {
    const rows = libraries.flatMap(({ id }) => reports.filter((one) => one.library === id && one.shape === shape))
    return rows.length === 0 ? [] : [`### ${shape}\n\n${head}\n${rows.map(rowOf).join('\n')}`]
  })
  const [first] = reports
  const about = `Seed ${seed}, ${String(first?.clients)} processes, ttl 1 s, Node ${process.versions.node}, ${new Date().toISOString().slice(0, 10)}.`
  return [...parts.flat(), about].join('\n\n')
}

function idle(byWorkload: Readonly<Record<string, number>>): string {
  const names = Object.entries(byWorkload).filter(([, count]) => count === 0)
  return names.length === 0 ? 'none' : names.map(([name]) => name).join(', ')
}
