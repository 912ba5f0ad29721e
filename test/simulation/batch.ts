import { drawOptions, type Options } from './options.js'
import { type Outcome, Simulation } from './simulation.js'

/** This many worlds share one turn of the event loop: 0.2 µs for each step in place of 1.8. */
const lanes = 64

/** Runs the worlds of these options, many at a time; `each` is called as they end. */
export async function runWorlds(worlds: Iterable<Options, undefined>, each: (outcome: Outcome) => void): Promise<void> {
  const next: Iterator<Options, undefined> = worlds[Symbol.iterator]()
  const running: Simulation[] = []
  const fill = (): void => {
    while (running.length < lanes) {
      const { value } = next.next()
      if (value === undefined) return
      running.push(new Simulation(value))
    }
  }
  for (;;) {
    fill()
    if (running.length === 0) return
    await turn()
    for (let at = running.length - 1; at >= 0; at--) {
      const simulation = running[at]
      if (simulation === undefined || simulation.step()) continue
      each(simulation.outcome())
      running.splice(at, 1)
    }
  }
}

/** Runs one world by itself; `keepLines` for people. */
export async function runWorld(options: Options, keepLines = false): Promise<Outcome> {
  const simulation = new Simulation(options, keepLines)
  do await turn()
  while (simulation.step())
  return simulation.outcome()
}

export function* seeds(first: number, count: number): Iterable<Options, undefined> {
  for (let seed = first; seed < first + count; seed++) yield drawOptions(seed)
  return undefined
}

/** Promise jobs, those that they make, and refusals that nobody heeds. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}
