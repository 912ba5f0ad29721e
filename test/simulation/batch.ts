import { drawOptions, type Options } from './options.js'
import { type Outcome, Simulation } from './simulation.js'

/** Runs the worlds of these options one after another; `each` is called as they end. */
export async function runWorlds(worlds: Iterable<Options>, each: (outcome: Outcome) => void): Promise<void> {
  for (const options of worlds) each(await runWorld(options))
}

/** Runs one world by itself, all of it in one turn of the event loop; `keepLines` for people. */
export function runWorld(options: Options, keepLines = false): Promise<Outcome> {
  return new Promise((resolve) => {
    // not from a promise job, which would keep those of the world from running
    setImmediate(() => {
      const simulation = new Simulation(options, keepLines)
      do runJobs()
      while (simulation.step())
      resolve(simulation.outcome())
    })
  })
}

export function* seeds(first: number, count: number): Iterable<Options> {
  for (let seed = first; seed < first + count; seed++) yield drawOptions(seed)
}

/**
 * What Node does after each callback: next ticks, promise jobs, those that they make, and rejections that nobody heeds.
 * A turn of the event loop would do as well, in 2 µs in place of 0.1.
 */
const runJobs: () => void = tickCallback()

function tickCallback(): () => void {
  const run: unknown = Reflect.get(process, '_tickCallback')
  if (typeof run !== 'function') throw new TypeError('This Node has no process._tickCallback: use one that has it.')
  return () => {
    Reflect.apply(run, process, [])
  }
}
