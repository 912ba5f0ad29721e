import { execFile, spawn } from 'node:child_process'
import { chown, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createConnection } from 'mysql2/promise'
import pg from 'pg'
import { until } from '../until.js'
import { binaryOf, unprivileged } from './binary.js'
import { freePort } from './free-port.js'
import { end, endWithThisProcess, hasEnded } from './process.js'

/** A server of a database; its URL is for any client. */
export interface SqlServer {
  readonly url: string
  /** Ends the process and removes its folder. */
  stop(): Promise<void>
}

const host = '127.0.0.1'
const startLimitMs = 60_000

/** The PostgreSQL that HOLDFAST_TEST_POSTGRES_URL names, or one on a free loopback port. */
export function startPostgres(): Promise<SqlServer> {
  const given = process.env['HOLDFAST_TEST_POSTGRES_URL']
  if (given) return Promise.resolve({ url: given, stop: async () => {} })
  return start({
    name: 'postgres',
    urlOf: (port) => `postgres://postgres@${host}:${port}/postgres`,
    prepare: (folder) => [
      binaryOf('initdb'),
      ['-D', folder, '-A', 'trust', '-U', 'postgres', '--no-sync', '-E', 'UTF8', '--locale=C'],
    ],
    serve: (folder, port) => [
      binaryOf('postgres'),
      ['-D', folder, '-p', String(port), '-h', host, '-k', '', '-c', 'fsync=off', '-c', 'shared_buffers=16MB'],
    ],
    ask: async (url) => {
      const client = new pg.Client(url)
      client.on('error', () => {})
      await client.connect()
      await client.end()
    },
    endBy: 'SIGINT', // without waiting for clients
  })
}

/** The MySQL or MariaDB that HOLDFAST_TEST_MYSQL_URL names, or a MariaDB on a free loopback port. */
export function startMysql(): Promise<SqlServer> {
  const given = process.env['HOLDFAST_TEST_MYSQL_URL']
  if (given) return Promise.resolve({ url: given, stop: async () => {} })
  return start({
    name: 'mariadbd',
    urlOf: (port) => `mysql://root@${host}:${port}/test`,
    prepare: (folder) => [
      binaryOf('mariadb-install-db'),
      ['--no-defaults', `--datadir=${folder}`, '--auth-root-authentication-method=normal', '--skip-log-bin'],
    ],
    serve: (folder, port) => [
      binaryOf('mariadbd'),
      [
        '--no-defaults',
        `--datadir=${folder}`,
        `--port=${port}`,
        `--bind-address=${host}`,
        `--socket=${folder}/s.sock`,
        `--pid-file=${folder}/p.pid`,
        '--innodb-flush-log-at-trx-commit=0',
        '--innodb-buffer-pool-size=16M',
        '--skip-name-resolve',
      ],
    ],
    ask: async (url) => {
      const connection = await createConnection(url)
      await connection.end()
    },
    endBy: 'SIGKILL',
  })
}

type Command = readonly [path: string, args: readonly string[]]

interface Kind {
  readonly name: string
  urlOf(port: number): string
  prepare(folder: string): Command
  serve(folder: string, port: number): Command
  /** Rejects while it does not answer. */
  ask(url: string): Promise<void>
  readonly endBy: NodeJS.Signals
}

async function start(kind: Kind): Promise<SqlServer> {
  const dir = await mkdtemp(join(tmpdir(), `holdfast-${kind.name}-`))
  const remove = (): Promise<void> => rm(dir, { recursive: true, force: true })
  try {
    const { uid, gid } = unprivileged
    if (uid !== undefined && gid !== undefined) await chown(dir, uid, gid)
    const [prepare, prepareArgs] = kind.prepare(join(dir, 'data'))
    await promisify(execFile)(prepare, prepareArgs, { cwd: dir, ...unprivileged })
    const port = await freePort()
    const [serve, args] = kind.serve(join(dir, 'data'), port)
    const child = spawn(serve, args, { cwd: dir, stdio: ['ignore', 'ignore', 'pipe'], ...unprivileged })
    let log = ''
    child.stderr.on('data', (chunk: Buffer) => void (log = (log + chunk.toString()).slice(-4000)))
    endWithThisProcess(child)
    const url = kind.urlOf(port)
    const answers = async (): Promise<boolean> => {
      if (hasEnded(child)) throw new Error(`${kind.name} ended at its start:\n${log}`)
      return kind.ask(url).then(
        () => true,
        () => false,
      )
    }
    await until(answers, startLimitMs).catch(async (error: unknown) => {
      await end(child)
      throw new Error(`${kind.name} does not answer:\n${log}`, { cause: error })
    })
    return {
      url,
      stop: async () => {
        await end(child, kind.endBy)
        await remove()
      },
    }
  } catch (error) {
    await remove()
    throw error
  }
}
