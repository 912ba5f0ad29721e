/** `npm run torture`: runs the cases, prints the verdicts, writes docs/torture.md from these and what was measured before. */
import { readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { format, resolveConfig } from 'prettier'
import { remember, remembered } from './record.js'
import { cases, columns, NOT_HERE, type Result, runTorture } from './run.js'
import { pageOf } from './table.js'

const usage = `Usage: npm run torture [-- options]
  --library X   one of ${columns.map(({ name }) => name).join(', ')}; default all
  --case ID     only the cases whose id contains this
  --at-once N   how many at a time (default 5)`

const between = /<!-- torture:begin -->[^]*<!-- torture:end -->/

const { values } = parseArgs({
  options: {
    library: { type: 'string' },
    case: { type: 'string' },
    'at-once': { type: 'string', default: '5' },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) console.log(usage)
else await torture()

async function torture(): Promise<void> {
  const chosen = columns.filter(({ name }) => values.library === undefined || name === values.library)
  const some = cases.filter(({ id }) => values.case === undefined || id.includes(values.case))
  if (chosen.length === 0 || some.length === 0) throw new Error(`There is nothing to run.\n${usage}`)
  const atOnce = Number(values['at-once'])
  const results = await runTorture({ columns: chosen, cases: some, atOnce, onResult: print })
  const all = remembered(cases, columns)
  if (all === undefined) console.log('docs/torture.md is written when every case was run on every library')
  else await write(all)
  const ours = results.filter(({ pass, column }) => pass === false && column.name === 'holdfast')
  for (const { case: one, reason } of ours) console.log(`✗ holdfast: ${one.id}: ${reason}`)
  if (ours.length > 0) process.exitCode = 1
}

function print(result: Result, left: number): void {
  const { case: one, column, pass, reason } = result
  if (!reason.startsWith(NOT_HERE)) remember([result])
  if (pass !== undefined) console.log(`${pass ? '✓' : '✗'} ${one.id} · ${column.name}: ${reason} (${left} left)`)
}

async function write(results: readonly Result[]): Promise<void> {
  const path = 'docs/torture.md'
  const page = pageOf(results, columns, new Date().toISOString().slice(0, 10))
  writeFileSync(path, await format(page, { ...(await resolveConfig(path)), parser: 'markdown' }))
  const table = between.exec(readFileSync(path, 'utf8'))?.[0]
  const readme = readFileSync('README.md', 'utf8')
  if (table !== undefined)
    writeFileSync(
      'README.md',
      readme.replace(between, () => table),
    )
  console.log(`${path} and the table of the README are written`)
}
