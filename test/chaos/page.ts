/** What the scripts that fill docs/chaos.md share. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { format, resolveConfig } from 'prettier'
import type { Report } from './report.js'

const PAGE = join('docs', 'chaos.md')

/** As they are written, with what broke a promise. */
export type SavedReport = Report & { readonly problems: readonly string[] }

export type Column = readonly [title: string, of: (report: SavedReport) => string | number]

export function reportsIn(folder: string, isWanted: (report: SavedReport) => boolean): SavedReport[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as SavedReport)
    .filter(isWanted)
}

export function tableOf(columns: readonly Column[], reports: readonly SavedReport[]): string {
  const head = `| ${columns.map(([title]) => title).join(' | ')} |\n|${' --- |'.repeat(columns.length)}`
  return [head, ...reports.map((report) => `| ${columns.map(([, of]) => String(of(report))).join(' | ')} |`)].join('\n')
}

/** Puts the text between `<!-- name:begin -->` and `<!-- name:end -->`. */
export async function fill(name: string, text: string): Promise<void> {
  const between = new RegExp(`(<!-- ${name}:begin -->)[^]*(<!-- ${name}:end -->)`)
  const page = readFileSync(PAGE, 'utf8')
  const filled = page.replace(between, (_, begin: string, end: string) => `${begin}\n\n${text}\n\n${end}`)
  await save(PAGE, filled)
}

/** Writes a file as the house formats it. */
export async function save(path: string, text: string): Promise<void> {
  writeFileSync(path, await format(text, { ...(await resolveConfig(path)), filepath: path }))
}

export const today = (): string => new Date().toISOString().slice(0, 10)
export const countOf = (numbers: Readonly<Record<string, number>>): number =>
  Object.values(numbers).reduce((sum, count) => sum + count, 0)
