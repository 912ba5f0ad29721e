/** `npm run bench`: the tables of the README, measured on this machine in one run. */
import { cpus } from 'node:os'
import { startRedis } from '../test/support/servers/redis.js'
import { measure, type Row, type Rounds } from './measure.js'
import { memoryTasks, pairsPerRun } from './memory.js'
import { ioredisTasks, nodeRedisTasks, type RedisTasks } from './redis.js'

const quick = process.argv.includes('--quick')
const rounds = quick ? 3 : 9
const roundMs = quick ? 100 : 500

console.log(
  `Node ${process.version}, ${String(cpus().length)} × ${cpus()[0]?.model.trim() ?? 'unknown'}, ${new Date().toISOString().slice(0, 10)}`,
)
console.log(
  `medians of ${String(rounds)} interleaved rounds of ${String(roundMs)} ms; ratios are taken within a round\n`,
)

print('In memory: uncontended acquire + release', await measure(memoryTasks(), progress('memory')), pairsPerRun)
const server = await startRedis()
try {
  for (const [name, make] of [
    ['ioredis', ioredisTasks],
    ['node-redis', nodeRedisTasks],
  ] as const) {
    const tasks: RedisTasks = await make(server.url)
    print(`Redis on loopback by ${name}: uncontended acquire + release`, await measure(tasks.tasks, progress(name)), 1)
    console.log(`${(await tasks.commands()).toFixed(2)} commands sent for one acquire + release\n`)
    await tasks.close()
  }
} finally {
  await server.stop()
}

function progress(what: string): Rounds {
  return {
    rounds,
    roundMs,
    progress: (round) => {
      process.stderr.write(`\r${what}: round ${String(round)} of ${String(rounds)}${round === rounds ? '\n' : ''}`)
    },
  }
}

function print(title: string, rows: readonly Row[], pairs: number): void {
  console.log(`### ${title}\n\n| | time | × the first |\n| --- | --- | --- |`)
  for (const { name, ns, ratio } of rows) {
    const each = ns / pairs
    const time = each < 1000 ? `${each.toFixed(0)} ns` : `${(each / 1000).toFixed(1)} µs`
    console.log(`| ${name} | ${time} | ${ratio.toFixed(2)} |`)
  }
  console.log()
}
