import { parseArgs } from 'node:util'
import { scenarios } from './scenarios/index.js'
import type { Scenario } from './harness/scenario.js'

export const usage = `npm run bench -- [SCENARIO ...] [options]

SCENARIO      ${scenarios.map(({ id }) => id).join(' ')}; R3 means R3 and R3T. Default: all.
--case REGEX  only the tables with such an id, such as R3-8-0
--only REGEX  only libraries with such a name or id; floors always run
--reps N      repetitions. Default: 5, at most 3 where one takes long
--quick       one repetition, short windows, fewer libraries: whether it runs, not how fast
--from FILE   starts from the results of an earlier run; without SCENARIO nothing is measured
--json FILE   where the results are kept. Default: .cache/bench/results.json, of a part last.json
--write       writes docs/benchmarks.md, docs/benchmarks/*.svg and the table in the README anew`

export interface Options {
  readonly scenarios: readonly Scenario[]
  readonly cases: RegExp | undefined
  readonly only: RegExp | undefined
  readonly reps: number
  readonly quick: boolean
  readonly from: string | undefined
  readonly json: string | undefined
  readonly write: boolean
  readonly help: boolean
}

/** @throws Error for an option or a scenario that does not exist. */
export function readOptions(args: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      case: { type: 'string' },
      only: { type: 'string' },
      reps: { type: 'string' },
      quick: { type: 'boolean', default: false },
      from: { type: 'string' },
      json: { type: 'string' },
      write: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  const reps = values.reps === undefined ? (values.quick ? 1 : 5) : Number(values.reps)
  if (!Number.isInteger(reps) || reps < 1 || reps > 100)
    throw new Error(`--reps is ${String(values.reps)}: give 1 to 100`)
  return {
    scenarios: chosen(positionals, values.from !== undefined),
    cases: values.case === undefined ? undefined : new RegExp(values.case, 'i'),
    only: values.only === undefined ? undefined : new RegExp(values.only, 'i'),
    reps,
    quick: values.quick,
    from: values.from,
    json: values.json,
    write: values.write,
    help: values.help,
  }
}

function chosen(names: readonly string[], hasResults: boolean): readonly Scenario[] {
  if (names.length === 0) return hasResults ? [] : scenarios
  const starts = names.map((name) => name.toUpperCase())
  const unknown = starts.find((start) => !scenarios.some(({ id }) => id.startsWith(start)))
  if (unknown !== undefined) throw new Error(`there is no scenario ${unknown}\n\n${usage}`)
  return scenarios.filter(({ id }) => starts.some((start) => id.startsWith(start)))
}
