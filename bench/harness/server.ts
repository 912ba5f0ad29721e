/** A Redis of this run on a free loopback port, with its own counts of what it did. */
import { Redis } from 'ioredis'
import { startRedis } from '../../test/support/servers/redis.js'

export interface Counts {
  /** Commands that were executed, those that scripts call included. */
  readonly executed: number
  /** Times that Redis read from a socket. */
  readonly reads: number
  readonly cpuUs: number
  readonly memoryBytes: number
}

export interface BenchServer {
  readonly url: string
  readonly version: string
  /** Forgets all data; scripts stay. */
  reset(): Promise<void>
  counts(): Promise<Counts>
  stop(): Promise<void>
}

export async function startServer(): Promise<BenchServer> {
  const server = await startRedis()
  const admin = new Redis(server.url)
  const version = /redis_version:(\S+)/.exec(await admin.info('server'))?.[1] ?? '?'
  return {
    url: server.url,
    version,
    async reset() {
      await admin.flushall()
    },
    counts: async () => read(await admin.info('all')),
    async stop() {
      admin.disconnect()
      await server.stop()
    },
  }
}

/** What happened in between, less the INFO itself. */
export function between(before: Counts, after: Counts): Counts {
  return {
    executed: after.executed - before.executed,
    reads: Math.max(0, after.reads - before.reads - 1),
    cpuUs: after.cpuUs - before.cpuUs,
    memoryBytes: after.memoryBytes - before.memoryBytes,
  }
}

function read(info: string): Counts {
  const number = (name: string): number => Number(new RegExp(`^${name}:([0-9.]+)`, 'm').exec(info)?.[1] ?? Number.NaN)
  let executed = 0
  for (const [, command, calls] of info.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)) {
    if (command !== 'info') executed += Number(calls)
  }
  return {
    executed,
    reads: number('total_reads_processed'),
    cpuUs: (number('used_cpu_sys') + number('used_cpu_user')) * 1e6,
    memoryBytes: number('used_memory'),
  }
}
