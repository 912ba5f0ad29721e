/**
 * Writes the comparison of docs/chaos.md from reports of runs with one seed: `npm run soak -- --chaos --library X --seed N` first, for
 * each library, then `node --import tsx test/chaos/compare.ts N`.
 */
import { join } from 'node:path'
import { libraries } from '../fleet/libraries.js'
import { type Column, countOf, fill, reportsIn, type SavedReport, tableOf, today } from './page.js'
import { shapes } from './plan.js'

const columns: readonly Column[] = [
  ['library', ({ library, version }) => `${library} ${version}`],
  ['faults', ({ faults }) => faults.all ?? 0],
  ['grants a second', ({ grantsPerSecond }) => grantsPerSecond ?? '–'],
  ['two at once', ({ overlaps }) => overlaps.whileConditionsHeld],
  ['the same, excused', ({ overlaps }) => countOf(overlaps.excused)],
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

const [seed = '', folder = join('.cache', 'chaos')] = process.argv.slice(2)
const reports = reportsIn(folder, (report) => String(report.seed) === seed)
const [first] = reports
if (first === undefined) throw new Error(`There are no reports with the seed ${seed} in ${folder}.`)
const about = `Seed ${seed}, ${first.clients} processes, ttl 1 s, Node ${process.versions.node}, ${today()}.`
await fill('chaos', [...shapes.redis.flatMap(tablesOf), about].join('\n\n'))

function tablesOf(shape: string): string[] {
  const rows: SavedReport[] = libraries.flatMap(({ id }) =>
    reports.filter((one) => one.library === id && one.shape === shape),
  )
  return rows.length === 0 ? [] : [`### ${shape}\n\n${tableOf(columns, rows)}`]
}

function idle(byWorkload: Readonly<Record<string, number>>): string {
  const names = Object.entries(byWorkload).filter(([, count]) => count === 0)
  return names.length === 0 ? 'none' : names.map(([name]) => name).join(', ')
}
