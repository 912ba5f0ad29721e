import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { createHoldfast } from 'holdfast'
import { redis } from 'holdfast/redis'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { realEnv } from '../../src/core/env.js'
import { parseAddress } from '../../src/stores/redis/address.js'
import { connectIoredis, connectNodeRedis } from '../../src/stores/redis/connect.js'
import { freePort } from '../support/servers/free-port.js'
import { type RedisServer, startRedis } from '../support/servers/redis.js'
import { freshKey } from './support.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const password = 'pl4nted-s3cret'
let server: RedisServer
let dir: string
let port: number
let ca: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'holdfast-tls-'))
  ca = join(dir, 'cert.pem')
  const key = join(dir, 'key.pem')
  const wish = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost', '-keyout', key, '-out', ca]
  await promisify(execFile)('openssl', ['req', ...wish, ...subject])
  port = await freePort()
  const files = ['--tls-cert-file', ca, '--tls-key-file', key, '--tls-auth-clients', 'no']
  server = await startRedis({ password, args: ['--tls-port', String(port), ...files] })
})
afterAll(async () => {
  await server.stop()
  await rm(dir, { recursive: true })
})

describe('rediss://', () => {
  test.each([
    { name: 'ioredis', connect: connectIoredis },
    { name: 'node-redis', connect: connectNodeRedis },
  ])('refuses a certificate that nobody has signed, by $name', async ({ connect }) => {
    const address = parseAddress(`rediss://:${password}@localhost:${String(port)}`)
    await expect(connect(address, { env: realEnv, onEnd: () => undefined })).rejects.toThrow(/self-signed certificate/)
  })

  test('says so, and not the password', async () => {
    const { lock, close } = createHoldfast({ store: `rediss://:${password}@localhost:${String(port)}` })
    const error: unknown = await lock(freshKey())
      .acquire()
      .catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'STORE_FAILED', outcome: 'not-applied' })
    expect(String(error)).toContain('self-signed certificate')
    expect(String(error)).not.toContain(password)
    await close()
  })

  test.each([
    ['localhost', 'held'],
    ['127.0.0.1', "does not match certificate's altnames"],
  ])('trusts a certificate for its name only: %s', async (host, told) => {
    const program = `
      import { createHoldfast } from 'holdfast'
      const { lock, close } = createHoldfast({ store: ${JSON.stringify(`rediss://:${password}@${host}:${String(port)}`)} })
      await lock('key').run(() => console.log('held')).catch((error) => console.log(error.message))
      await close()`
    const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
      cwd: root,
      env: { ...process.env, NODE_EXTRA_CA_CERTS: ca },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
    await once(child, 'close')
    expect(output).toContain(told)
  })

  test('is what a client of yours makes of it, with a certificate of your own', async () => {
    const client = new Redis({ host: 'localhost', port, password, tls: { ca: await readFile(ca, 'utf8') } })
    const { lock, close } = createHoldfast({ store: redis(client) })
    expect(await lock(freshKey()).run(() => 'done')).toBe('done')
    await close()
    client.disconnect()
  })
})
