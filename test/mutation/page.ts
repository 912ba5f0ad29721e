import type { Reason } from './reasons/reasons.js'
import { type MutatedFile, type Report, scoreOf, type Survivor, survivorsOf, type Tally, tallyOf } from './report.js'

/** The page of docs/ that tells what a run found, in Markdown. `versions` names what it ran on. */
export function pageOf(report: Report, reasons: readonly Reason[], versions: string): string {
  const paths = Object.keys(report.files).sort()
  const folders = [...new Set(paths.map(folderOf))]
  const filesIn = (folder: string): MutatedFile[] =>
    paths.filter((path) => folderOf(path) === folder).flatMap((path) => report.files[path] ?? [])
  const survivors = survivorsIn(report)
  const below = Object.entries(report.files)
    .map(([path, file]) => ({ path, tally: tallyOf([file]) }))
    .filter(({ tally }) => scoreOf(tally) < goal)
  const unexplained = survivors.filter((survivor) => reasonFor(survivor, reasons) === undefined).length
  return [
    intro(versions),
    '## Score\n',
    '| folder | mutants | found | not found | score |',
    '| --- | --- | --- | --- | --- |',
    ...folders.map((folder) => row(`\`${folder}\``, tallyOf(filesIn(folder)))),
    row('all', tallyOf(Object.values(report.files))),
    '',
    below.length === 0 ? `No file is below ${String(goal)} %.` : `Files below ${String(goal)} %:\n`,
    ...below.map(({ path, tally }) => `- \`${path}\`: ${percent(tally)}`),
    '\n## What no test finds\n',
    `${String(survivors.length)} mutants, ${unexplained === 0 ? 'each' : `${String(survivors.length - unexplained)} of them`} with the reason why no test finds it.\n`,
    ...paths.flatMap((path) => table(path, survivors, reasons)),
  ].join('\n')
}

/** The reason why no test finds a mutant; undefined: nobody has said. */
export function reasonFor(survivor: Survivor, reasons: readonly Reason[]): string | undefined {
  return reasons.find((reason) => fits(reason, survivor))?.why
}

/** Reasons of what tests find by now, or of code that has changed: to be taken out. */
export function needless(report: Report, reasons: readonly Reason[]): Reason[] {
  const survivors = survivorsIn(report)
  return reasons.filter((reason) => !survivors.some((survivor) => fits(reason, survivor)))
}

function survivorsIn({ files }: Report): Survivor[] {
  return Object.entries(files).flatMap(([path, file]) => survivorsOf(path, file))
}

function fits({ file, code, from, to }: Reason, survivor: Survivor): boolean {
  return (
    (file === '*' || survivor.path.endsWith(`/${file}`)) &&
    survivor.code.includes(code) &&
    (from === undefined || survivor.original === from) &&
    (to === undefined || survivor.replacement === to)
  )
}

const goal = 90

function intro(versions: string): string {
  return `# Mutation testing

Stryker changes the code of \`src/core\` and \`src/stores\` in one small place at a time (a mutant), and runs the tests that reach it.
A mutant that no test finds is code that may break unseen. \`npm run mutation\` writes this page, from its JSON report.

${versions}

What is not mutated: the Lua scripts, which are text to TypeScript. Not run against mutants: tests of several seconds, the simulator,
and whatever runs the built package; they find more than is counted here. A test that hangs or a loop that never ends counts as found.
`
}

function row(name: string, tally: Tally): string {
  const { killed, survived } = tally
  return `| ${name} | ${String(killed + survived)} | ${String(killed)} | ${String(survived)} | ${percent(tally)} |`
}

function percent(tally: Tally): string {
  return `${scoreOf(tally).toFixed(1)} %`
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'))
}

function table(path: string, all: readonly Survivor[], reasons: readonly Reason[]): string[] {
  const survivors = all.filter((survivor) => survivor.path === path)
  if (survivors.length === 0) return []
  const rows = survivors.map((survivor) => {
    const { original, replacement, line } = survivor
    return `| ${String(line)} | ${cell(original)} | ${cell(replacement)} | ${reasonFor(survivor, reasons) ?? '**not explained**'} |`
  })
  return [
    `### ${path}\n`,
    '| line | code | changed to | why no test finds it |',
    '| --- | --- | --- | --- |',
    ...rows,
    '',
  ]
}

/** Code in one line of a table. */
function cell(code: string): string {
  const line = code.replaceAll(/\s+/g, ' ').trim()
  const short = line.length > 60 ? `${line.slice(0, 57)}…` : line
  return short === '' ? 'nothing' : `\`\` ${short.replaceAll('|', '\\|')} \`\``
}
