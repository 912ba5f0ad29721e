import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from './free-port.js'
import { end, endWithThisProcess, hasEnded } from './process.js'
import { type Reply, redisCommand } from './redis-command.js'

const HOST = '127.0.0.1'
const START_TRIES = 5
const START_LIMIT_MS = 30_000

export interface RedisServer {
  readonly url: string
  readonly host: string
  readonly port: number
  /** Its temporary folder; gone after `stop`. */
  readonly dir: string
  /** The process that serves now; another one after `restart`. */
  readonly pid: number
  /** Sends one command over a connection of its own, around any proxy. */
  command(...args: string[]): Promise<Reply>
  /** Ends the process at once (SIGKILL), as a crash does; `start` and `restart` bring it back on the same port. */
  kill(): Promise<void>
  /** Starts it again, after `kill` or an end of its own, with what its folder holds. */
  start(): Promise<void>
  /** Freezes the process (SIGSTOP): connections stay open, nothing is answered. */
  pause(): void
  resume(): void
  /** Ends the process and starts it again on the same port, with or without the data it had. */
  restart(options: { keepData: boolean }): Promise<void>
  /** Ends the process and removes its folder; may be called twice. */
  stop(): Promise<void>
}

export interface RedisOptions {
  /** More arguments of redis-server, such as `['--maxmemory', '10mb']`. */
  readonly args?: readonly string[]
  /** Asked of every client, and part of `url`. Default: none. */
  readonly password?: string
  /** More variables of its environment. */
  readonly env?: Readonly<Record<string, string>>
}

/** Starts a redis-server of its own on a free loopback port. */
export async function startRedis({ args = [], password, env = {} }: RedisOptions = {}): Promise<RedisServer> {
  const dir = await mkdtemp(join(tmpdir(), 'holdfast-redis-'))
  const allArgs = password === undefined ? args : [...args, '--requirepass', password]
  const urlOf = (port: number): string => `redis://${password === undefined ? '' : `:${password}@`}${HOST}:${port}`
  const start = (port: number): Promise<ChildProcess> => launch({ url: urlOf(port), port, dir, args: allArgs, env })
  const started = await startOnFreePort(start).catch(async (error: unknown) => {
    await rm(dir, { recursive: true, force: true })
    throw error
  })
  const { port } = started
  let { child } = started
  const url = urlOf(port)
  const command = (...words: string[]): Promise<Reply> => redisCommand(url, words)
  return {
    url,
    host: HOST,
    port,
    dir,
    get pid() {
      return pidOf(child)
    },
    command,
    kill: () => end(child),
    async start() {
      await end(child)
      child = await start(port)
    },
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    async restart({ keepData }) {
      if (keepData) await command('SAVE')
      await end(child)
      if (!keepData) await rm(join(dir, 'dump.rdb'), { force: true })
      child = await start(port)
    },
    async stop() {
      await end(child)
      await rm(dir, { recursive: true, force: true })
    },
  }
}

/** The Redis for all tests: the one that HOLDFAST_TEST_REDIS_URL names, or one that is started here. */
export async function sharedRedis(): Promise<Pick<RedisServer, 'url' | 'stop'>> {
  const url = process.env['HOLDFAST_TEST_REDIS_URL']
  if (!url) return startRedis()
  await redisCommand(url, ['PING'])
  return { url, stop: async () => {} }
}

interface Launch {
  readonly url: string
  readonly port: number
  readonly dir: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

async function startOnFreePort(
  start: (port: number) => Promise<ChildProcess>,
): Promise<{ port: number; child: ChildProcess }> {
  for (let tries = 1; ; tries++) {
    const port = await freePort()
    try {
      return { port, child: await start(port) }
    } catch (error) {
      // Another process may have taken the port in between.
      if (tries === START_TRIES || !String(error).includes('Address already in use')) throw error
    }
  }
}

async function launch({ url, port, dir, args, env }: Launch): Promise<ChildProcess> {
  const basics = ['--port', String(port), '--bind', HOST, '--save', '', '--appendonly', 'no', '--dir', dir]
  const child = spawn('redis-server', [...basics, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let log = ''
  const remember = (chunk: Buffer): void => void (log = (log + chunk.toString()).slice(-4000))
  child.stdout.on('data', remember)
  child.stderr.on('data', remember)
  let startError: Error | undefined
  child.once('error', (error) => (startError = error))
  endWithThisProcess(child)
  const deadline = performance.now() + START_LIMIT_MS
  while (!(await answers(url, child))) {
    if (startError) throw new Error('redis-server could not be started: is it on the PATH?', { cause: startError })
    if (hasEnded(child)) throw new Error(`redis-server ended at its start:\n${log}`)
    if (performance.now() > deadline) {
      await end(child)
      throw new Error(`redis-server at ${HOST}:${port} does not answer:\n${log}`)
    }
    await sleep(10)
  }
  return child
}

/** Whether this very process answers: on a port that was taken in between it would be another one. */
async function answers(url: string, child: ChildProcess): Promise<boolean> {
  try {
    if ((await redisCommand(url, ['PING'], 1000)) !== 'PONG') return false
    const info = await redisCommand(url, ['INFO', 'server'], 1000)
    return String(info).includes(`process_id:${child.pid}\r\n`)
  } catch {
    return false // not yet; the caller asks again until its deadline
  }
}

function pidOf(child: ChildProcess): number {
  if (child.pid === undefined) throw new Error('redis-server is not running')
  return child.pid
}
