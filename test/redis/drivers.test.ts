import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RedisServer, startRedis } from '../support/servers/redis.js'
import { ownRedis } from './support.js'

let server: RedisServer
let dir: string
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

/** The store built into a folder where only what a test links is installed. */
beforeAll(async () => {
  server = await startRedis()
  dir = await mkdtemp(join(emptyHome(), 'holdfast-drivers-'))
  await build({
    entryPoints: [here('../../src/stores/redis/index.ts')],
    outfile: join(dir, 'redis.mjs'),
    bundle: true,
    format: 'esm',
    platform: 'node',
    external: ['ioredis', 'redis'],
  })
})
afterAll(async () => {
  await rm(dir, { recursive: true, force: true })
  await server.stop()
})

/** A folder for temporary ones that has no packages in a folder above it: some machines have a /tmp/node_modules. */
function emptyHome(): string {
  const isEmpty = (home: string): boolean => {
    const { resolve } = createRequire(join(home, 'any', 'file.js'))
    return ['ioredis', 'redis'].every((name) => {
      try {
        return resolve(name) === ''
      } catch {
        return true
      }
    })
  }
  const home = [tmpdir(), '/var/tmp', '/dev/shm'].find(isEmpty)
  if (home === undefined)
    throw new Error('packages are installed above every temporary folder: remove those node_modules')
  return home
}

interface Run {
  readonly stdout: string
  readonly stderr: string
  readonly code: number
}

const preamble = `
import { redis } from './redis.mjs'
const url = process.argv[2]
const request = (key, owner = 'anna') => ({ key, owner, ttlMs: 30_000, limit: 1, permits: 1, queueMs: 0,
  holder: { host: 'here', pid: 1, label: undefined, since: 1 } })
const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const answers = async (call) => {
  const hold = setTimeout(() => {}, 60_000)
  try { return await call } finally { clearTimeout(hold) }
}
const store = redis(url)
`

/** Runs a program in that folder, with these packages installed; one that does not end by itself fails. */
async function run(packages: readonly string[], program: string, url = server.url, broken?: string): Promise<Run> {
  const modules = join(dir, 'node_modules')
  await rm(modules, { recursive: true, force: true })
  await mkdir(modules)
  for (const name of packages) {
    if (broken === undefined) await symlink(here(`../../node_modules/${name}`), join(modules, name))
    else await mkdir(join(modules, name)).then(() => writeFile(join(modules, name, 'index.js'), broken))
  }
  await writeFile(join(dir, 'program.mjs'), preamble + program)
  const options = { cwd: dir, timeout: 15_000 }
  return promisify(execFile)(process.execPath, ['program.mjs', url], options).then(
    ({ stdout, stderr }) => ({ stdout, stderr, code: 0 }),
    (error: unknown) => error as Run,
  )
}

test('without a driver the error shows the line that installs one', async () => {
  const { stdout } = await run(
    [],
    `await answers(store.acquire(request('a'))).catch((e) => console.log(e.code, e.outcome, e.message))`,
  )
  expect(stdout).toContain('STORE_FAILED not-applied')
  expect(stdout).toMatch(/Install one: npm i ioredis$/m)
})

test('a driver that is broken is not taken for one that is missing', async () => {
  const program = `await answers(store.acquire(request('a'))).catch((e) => console.log(e.outcome, e.message))`
  const { stdout } = await run(['ioredis'], program, server.url, 'throw new Error("cannot be loaded")')
  expect(stdout).toMatch(/^not-applied .*cannot be loaded/)
})

describe.each(['ioredis', 'redis'])('with only %s installed', (driver) => {
  test('a URL works, with user, password and database, and close() ends the process', async () => {
    await server.command('ACL', 'SETUSER', 'app', 'on', '>p@ss', '~*', '&*', '+@all')
    const program = `
      console.log((await answers(store.acquire(request('holdfast:a')))).granted)
      console.log(await answers(store.release('holdfast:a', 'anna')), await answers(store.list('holdfast:', 10)))
      await store.close()`
    const url = `redis://app:p%40ss@127.0.0.1:${server.port}/2`
    expect(await run([driver], program, url)).toEqual({
      stdout: 'true true { keys: [], cursor: undefined }\n'.replace('true ', 'true\n'),
      stderr: '',
      code: 0,
    })
    expect(await server.command('EXISTS', '{holdfast:a}:token')).toBe(0)
  })

  test('an idle store keeps no process alive, held or not, with the connection for notices open', async () => {
    const program = `
      const { granted } = await answers(store.acquire(request('holdfast:' + Math.random())))
      const resynced = new Promise((resolve) => store.onNotice((notice) => resolve(notice.type)))
      await answers(store.acquire(request('holdfast:' + Math.random())))
      console.log(granted, await answers(resynced))`
    expect(await run([driver], program)).toEqual({ stdout: 'true resync\n', stderr: '', code: 0 })
  })

  test('nor does one whose server is gone', async () => {
    const own = await ownRedis()
    const program = `
      await answers(store.acquire(request('holdfast:a')))
      process.kill(${own.pid}, 'SIGKILL')
      await later(300)
      await answers(store.acquire(request('holdfast:a'))).catch((e) => console.log(e.outcome))`
    expect(await run([driver], program, own.url)).toEqual({ stdout: 'not-applied\n', stderr: '', code: 0 })
  })

  test('a server that comes back is found', async () => {
    const own = await ownRedis()
    const program = `
      process.stdin.resume()
      await answers(store.acquire(request('holdfast:a')))
      process.kill(${own.pid}, 'SIGKILL')
      for (;;) {
        await later(20)
        const back = await answers(store.acquire(request('holdfast:b'))).catch(() => undefined)
        if (back?.granted) break
      }
      console.log('back')
      process.exit()`
    const running = run([driver], program, own.url)
    await expect.poll(() => own.command('PING').catch(() => 'gone'), { timeout: 5_000 }).toBe('gone')
    await own.restart({ keepData: false })
    expect(await running).toMatchObject({ stdout: 'back\n', code: 0 })
  })

  test('a wrong password and a missing database are told', async () => {
    await server.command('ACL', 'SETUSER', 'app', 'on', '>right', '~*', '&*', '+@all')
    const program = `await answers(store.acquire(request('a'))).catch((e) => console.log(e.outcome, e.message))`
    expect((await run([driver], program, `redis://app:wr0ng@127.0.0.1:${server.port}`)).stdout).toMatch(
      /^not-applied.*WRONGPASS/,
    )
    expect((await run([driver], program, `${server.url}/999`)).stdout).toMatch(/^not-applied.*DB index/)
  })
})
