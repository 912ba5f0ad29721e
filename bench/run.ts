/** `npm run bench`: holdfast beside other libraries and beside the floor. `--help` tells the options. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { build } from './harness/build.js'
import { root } from './harness/packages.js'
import { judged, type Results, type ScenarioResult } from './harness/results.js'
import { runScenario } from './harness/rounds.js'
import { type Options, readOptions, usage } from './options.js'
import { barsTable } from './report/bars.js'
import { writeDocuments } from './report/page.js'
import { scenarioTables } from './report/tables.js'
import { scenarios } from './scenarios/index.js'

const options = readOptions(process.argv.slice(2))
// 'exit' listeners end the servers and the measured processes
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))
if (options.help) console.log(usage)
else await bench(options)

async function bench(options: Options): Promise<void> {
  const { from, json = join(root, '.cache', 'bench', isWhole(options) ? 'results.json' : 'last.json') } = options
  let results: Results = from === undefined ? { scenarios: [] } : (JSON.parse(readFileSync(from, 'utf8')) as Results)
  if (options.scenarios.length > 0) {
    results = await measured(options, results, (soFar) => {
      mkdirSync(dirname(json), { recursive: true })
      writeFileSync(json, JSON.stringify(soFar))
    })
  } else {
    for (const scenario of results.scenarios) console.log(scenarioTables(scenario))
  }
  console.log(`## What it set out to show\n\n${barsTable(results)}`)
  if (options.write) for (const path of writeDocuments(results)) process.stderr.write(`wrote ${path}\n`)
}

/** Its results are kept apart, so that a look at one scenario does not cost the run of half an hour. */
function isWhole({ scenarios: chosen, quick, only, cases }: Options): boolean {
  return chosen.length === scenarios.length && !quick && only === undefined && cases === undefined
}

/** Each scenario is printed and kept as soon as it ends, in place of what `before` has of it. */
async function measured(options: Options, before: Results, keep: (results: Results) => void): Promise<Results> {
  const { reps, quick, only, cases } = options
  process.stderr.write('building\n')
  const { worker, remove } = await build()
  const scratch = mkdtempSync(join(tmpdir(), 'holdfast-bench-'))
  const forget = (): void => rmSync(scratch, { recursive: true, force: true })
  process.once('exit', forget)
  const startMs = performance.now()
  const progress = (line: string): void => {
    process.stderr.write(`${((performance.now() - startMs) / 1000).toFixed(0).padStart(5)} s  ${line}\n`)
  }
  let results = before
  try {
    for (const scenario of options.scenarios) {
      const result = await runScenario(scenario, { worker, reps, quick, only, cases, scratch, progress })
      if (result.cases.length === 0) continue
      results = judged(inOrder(results, result))
      keep(results)
      for (const scenario of results.scenarios) {
        if (scenario.id === result.id) console.log(scenarioTables(scenario))
      }
    }
  } finally {
    forget()
    remove()
  }
  return results
}

function inOrder(before: Results, added: ScenarioResult): Results {
  const byId = new Map([...before.scenarios, added].map((result) => [result.id, result]))
  return { scenarios: scenarios.flatMap(({ id }) => byId.get(id) ?? []) }
}
