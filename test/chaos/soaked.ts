/**
 * Writes what a soak came to into docs/chaos.md, and its figures into docs/chaos-soak.json: `npm run soak -- --chaos` first, then
 * `node --import tsx test/chaos/soaked.ts FOLDER...` with the folders of its reports.
 */
import { join } from 'node:path'
import { type Column, countOf, fill, reportsIn, save, type SavedReport, tableOf, today } from './page.js'

const columns: readonly Column[] = [
  ['store', ({ library, shape }) => (library === 'holdfast' ? `Redis, ${shape}` : 'memory')],
  ['minutes', ({ seconds }) => Math.round((seconds ?? 0) / 60)],
  ['seed', ({ seed }) => seed],
  ['faults', ({ faults }) => faults.all ?? 0],
  ['grants', ({ grants }) => grants],
  ['effects', ({ effects }) => effects],
  ['two at once', ({ overlaps }) => overlaps.whileConditionsHeld],
  ['the same, excused', ({ overlaps }) => countOf(overlaps.excused)],
  ['stale effects refused', ({ staleEffects }) => staleEffects.refused],
  ['let through by their token', ({ staleEffects }) => staleEffects.accepted],
  ['fenced updates lost', ({ lostUpdates }) => lostUpdates['counter-fenced'] ?? 0],
  ['tokens that did not grow', ({ shrunkTokens, repeatedTokens }) => shrunkTokens + repeatedTokens],
  ['unhandled rejections', ({ unhandled }) => unhandled.length],
  ['processes that stayed', ({ stayed }) => stayed],
  ['keys left', ({ leakedKeys }) => leakedKeys.length],
]

const folders = process.argv.slice(2)
const reports = (folders.length > 0 ? folders : [join('.cache', 'chaos')]).flatMap((folder) =>
  reportsIn(folder, ({ library, seconds }) => library.startsWith('holdfast') && (seconds ?? 0) >= 300),
)
if (reports.length === 0) throw new Error('There is no report of holdfast over five minutes.')
const faults = reports.reduce((sum, report) => sum + (report.faults.all ?? 0), 0)
const about = `${faults.toLocaleString('en-US')} faults in all, ttl 1 s, Node ${process.versions.node}, ${today()}. By kind, and more: [chaos-soak.json](chaos-soak.json).`
await fill('soak', [tableOf(columns, reports), about].join('\n\n'))
const json = { date: today(), node: process.versions.node, faults, runs: reports.map(kept) }
await save(join('docs', 'chaos-soak.json'), JSON.stringify(json, null, 2))

/** Without what is long, or of this machine only. */
function kept({ failed, ...report }: SavedReport) {
  return { ...report, callsThatFailed: countOf(failed) }
}
