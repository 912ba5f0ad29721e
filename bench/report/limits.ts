/** What holds the bars that a run does not meet: measured once, and kept in decision records. */
import type { Results } from '../harness/results.js'
import { unmetCases } from './bars.js'

interface Limit {
  readonly cases: readonly string[]
  readonly text: string
}

const cheapCalls = '[record 10](decisions/0010-cheap-calls.md)'
const onRedis = '[record 11](decisions/0011-where-the-time-goes-on-redis.md)'

const limits: readonly Limit[] = [
  {
    cases: ['M1', 'M3'],
    text: `A pair reads the wall clock once, for \`since\`: 37 to 47 ns on a virtual machine, a fifth of a pair without promises. Two awaited promises are 110 ns, the prototype of a handle that can be called 55 to 110. The libraries beside us keep no owner, token, lease or deadline, and read no clock. Sync has been at 0.92 to 1.08 of async-lock from run to run, a kept handle at 0.49 to 0.60 (${cheapCalls}).`,
  },
  {
    cases: ['R1'],
    text: `The scripts cost the server 10 to 12 µs of CPU a pair more than \`SET\` and a compare-and-delete, cold as they are between two calls: entering Lua, the time, and the token, which none of the faster ones has; the client some 15 to 20 µs more: the deadline, its timer, the lease. From run to run it has been 1.01 to 1.21 times the floor (${onRedis}).`,
  },
  {
    cases: ['R2'],
    text: `One Redis is one core. Divide a second by the column "Redis CPU": so many pairs are all that it can do, and 1.25 times the best peer is beyond it, and beyond the floor. The token is a third of what a script costs it (${onRedis}).`,
  },
  {
    cases: ['R3T-4-0', 'R3T-2-0', 'R3T-2-2', 'R3T-2-10'],
    text: `A strict hand-over takes two scripts and three replies to be read, a token by BLPOP two plain commands and two replies. The client has twice the floor's CPU to spend, for a lease to be kept and a third wake-up, and three busy processes share two cores (${onRedis}).`,
  },
  {
    cases: ['R3-8-2', 'R3-64-2'],
    text: `Of 17 hand-overs one crosses over to the other process, at the price above: 1.1 ms where the other one slept; the others take some 40 µs. That is 0.1 ms for each 2 ms of work, 95 %.`,
  },
  {
    cases: ['P1'],
    text: `From run to run it has been 93.8 to 95.8 %, and the floor 85.8 to 88.5 %: a permit that changes hands across processes costs a tenth of a millisecond for each 2 ms of work, where three busy processes share two cores.`,
  },
  {
    cases: ['C2'],
    text: `The floor of this table, an async function around a look-up in a Map, is at 8.8 to 9.2 times cache-manager: what is above that is taken by nothing that could be left out.`,
  },
]

/** As Markdown; empty where every bar was met. */
export function limitsOf(results: Results): string {
  const unmet = unmetCases(results)
  const lines = limits
    .map(({ cases, text }) => ({ cases: cases.filter((id) => unmet.has(id)), text }))
    .filter(({ cases }) => cases.length > 0)
    .map(({ cases, text }) => `- ${cases.join(', ')}: ${text}`)
  return lines.length === 0 ? '' : `What holds those that are not met:\n\n${lines.join('\n')}\n\n`
}
