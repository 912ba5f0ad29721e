// A process of the simulator, started by scripts/simulate.mjs from a bundle: it runs the seeds that it is sent, or
// explains one.
import { runWorld, runWorlds, seeds } from './batch.js'
import { Marks } from './marks.js'
import { drawOptions, type Options } from './options.js'
import { shrink } from './shrink.js'
import type { Outcome } from './simulation.js'

/** Seeds `first` to `first + count - 1`. */
interface Order {
  readonly first: number
  readonly count: number
}

interface Failure {
  readonly seed: number
  readonly checker: string
  readonly detail: string
}

Error.stackTraceLimit = 0 // thousands of errors are made in each world, and nobody reads their stacks

let unhandled = 0
process.on('unhandledRejection', () => (unhandled += 1))

const [mode, argument] = process.argv.slice(2)
if (mode === 'explain') await explain(JSON.parse(argument ?? '') as number | Options)
else process.on('message', (order: Order) => void serve(order))

async function serve(order: Order): Promise<void> {
  const marks = new Marks()
  const failures: Failure[] = []
  let events = 0
  let hash = 0
  const before = unhandled
  const each = (outcome: Outcome): void => {
    events += outcome.events
    hash ^= outcome.hash
    marks.add(outcome.marks)
    if (outcome.violation !== undefined) failures.push({ seed: outcome.seed, ...outcome.violation })
  }
  await runWorlds(seeds(order.first, order.count), each)
  if (unhandled > before) failures.push(...(await findUnhandled(order)))
  process.send?.({ ...order, events, hash, failures, marks: [...marks.counts] })
}

/** Worlds run together: one at a time tells whose promise it was. */
async function findUnhandled(order: Order): Promise<Failure[]> {
  for (const options of seeds(order.first, order.count)) {
    const before = unhandled
    await runWorld(options)
    if (unhandled > before) return [{ seed: options.seed, checker: 'unhandled rejection', detail: '' }]
  }
  return [{ seed: order.first, checker: 'unhandled rejection', detail: 'of one of many' }]
}

/** Prints a failing world, made as small as it gets, as a timeline. */
async function explain(given: number | Options): Promise<void> {
  Error.stackTraceLimit = 10
  const options = typeof given === 'number' ? drawOptions(given) : given
  const { violation } = await runWorld(options)
  const shown = violation === undefined ? options : await shrink(options, violation.checker)
  const outcome = await runWorld(shown, true)
  const { faults, ...rest } = shown
  console.log(`seed ${options.seed}, made as small as it gets: ${faults.length} of ${options.faults.length} faults`)
  console.log(JSON.stringify(rest))
  for (const fault of faults) console.log(JSON.stringify(fault))
  for (const { atMs, text } of outcome.lines ?? []) console.log(`${atMs.toFixed(3).padStart(12)} ms  ${text}`)
  console.log(`${outcome.events} events, hash ${(outcome.hash >>> 0).toString(16)}`)
  console.log(
    outcome.violation === undefined ? 'no violation' : `${outcome.violation.checker}: ${outcome.violation.detail}`,
  )
  console.log(`as a kept world: ${JSON.stringify(shown)}`)
}
