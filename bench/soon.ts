/**
 * `npm run soon`: how soon after its deadline a holder is told, and how soon after a crash the next one holds, with a Redis of
 * its own. Writes the figures into docs/guarantees.md; `--print` only prints them. Fails when they are not as promised.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { machine } from './harness/machine.js'
import { startServer } from './harness/server.js'
import { percentile } from './harness/stats.js'
import { withFigures } from './scale/page.js'
import { type Lateness, ownExpire, silentStore } from './soon/abort.js'
import { crashes } from './soon/crash.js'

interface Row {
  readonly what: string
  readonly values: readonly number[]
  /** No value may be larger, or, with `atMost` 99, no more than 1 % of them. */
  readonly boundMs?: number
  readonly atMost?: 99 | 100
}

setInterval(() => undefined, 60_000) // a hold keeps no process alive
const page = new URL('../docs/guarantees.md', import.meta.url)
const ttls = [300, 1000]
const server = await startServer()
await server.stop()
const figures: Record<string, string> = {}
const told: Row[] = []
await ownExpire({ holds: 200, expireMs: 300 }) // until the code is compiled
const expired = await ownExpire({ holds: 400, expireMs: 500 })
told.push(...rowsOf('its own `expire` of 500 ms, in memory', expired))
const silent = await silentStore({ rounds: 8, holds: 40, ttlMs: 1000 })
told.push(...rowsOf('Redis is frozen, ttl 1 s', silent))
const marginMs = 2 + 1000 / 100 // by which the deadline comes before the end of the lease
const afterEnd = silent.map((late) => late.told - marginMs)
told.push({ what: 'the same, after the end of its lease at the server', values: afterEnd, boundMs: 0, atMost: 100 })
const replaced: Row[] = []
for (const ttlMs of ttls) {
  const values = await crashes({ ttlMs, times: 30 })
  replaced.push({ what: `ttl ${String(ttlMs)} ms`, values, boundMs: ttlMs + 100, atMost: 100 })
}
figures['soonMachine'] = `${machine(server.version)}; ${new Date().toISOString().slice(0, 10)}.`
figures['soonTold'] = table('the holder is told, ms', told)
figures['soonReplaced'] = table('SIGKILL of the holder to the grant of a waiter, ms', replaced)
const text = Object.values(figures).join('\n\n')
console.log(text)
if (!process.argv.includes('--print')) writeFileSync(page, withFigures(readFileSync(page, 'utf8'), figures))
const missed = [...told, ...replaced].filter(
  ({ values, boundMs, atMost = 100 }) => boundMs !== undefined && !(percentile(values, atMost) <= boundMs),
)
for (const { what } of missed) console.error(`missed: ${what}`)
process.exit(missed.length === 0 ? 0 : 1)

function rowsOf(what: string, found: readonly Lateness[]): Row[] {
  return [
    { what: `${what}, after the deadline`, values: found.map(({ told }) => told), boundMs: 20, atMost: 99 },
    { what: 'a timer of Node.js for the same moments', values: found.map(({ timer }) => timer) },
  ]
}

function table(title: string, rows: readonly Row[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [
    line([title, 'times', 'median', 'p99', 'longest', 'promised']),
    line(['---', '---:', '---:', '---:', '---:', '---:']),
    ...rows.map(({ what, values, boundMs, atMost }) => {
      const [median, most, longest] = [50, 99, 100].map((percent) => percentile(values, percent).toFixed(1))
      const promised = boundMs === undefined ? '–' : `${String(boundMs)}${atMost === 99 ? ' (p99)' : ''}`
      return line([what, String(values.length), median ?? '', most ?? '', longest ?? '', promised])
    }),
  ].join('\n')
}
