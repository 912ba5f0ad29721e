import { describe, expect, it } from 'vitest'
import { redisCommand } from '../support/servers/redis-command.js'
import { freshKey, runProgram, url } from './support.js'

const program = (body: string): string => `
  import { createHoldfast } from '$dist/index.js'
  import { blocking } from '$dist/layers/blocking/index.js'
  const { lock, close } = createHoldfast({ store: blocking('${url}') })
  ${body}
  const end = performance.now()
  process.on('exit', () => console.log('ended', performance.now() - end < 500 ? 'at once' : 'late'))`

describe('a process', () => {
  it('that holds ends by itself, at once; its lease frees the key', async () => {
    const key = freshKey()
    const { code, out } = await runProgram(program(`lock('${key}', { ttl: '2s' }).acquireSync(); console.log('holds')`))
    expect(out).toBe('holds\nended at once\n')
    expect(code).toBe(0)
    expect(Number(await redisCommand(url, ['PTTL', `holdfast:${key}`]))).toBeGreaterThan(0)
  })

  it('that held for a while, with notices and renewals, ends by itself too', async () => {
    const body = `
      const lease = lock('${freshKey()}', { ttl: 300 }).acquireSync()
      await new Promise((resolve) => setTimeout(resolve, 700))
      console.log(lease.active)`
    expect(await runProgram(program(body))).toMatchObject({ out: 'true\nended at once\n', code: 0 })
  })

  it('that released, or closed, ends too', async () => {
    const body = `lock('${freshKey()}').runSync(() => console.log('ran')); await close()`
    expect(await runProgram(program(body))).toMatchObject({ out: 'ran\nended at once\n', code: 0 })
  })

  it('that calls process.exit while it holds ends with its code', async () => {
    const body = `lock('${freshKey()}').acquireSync(); process.exit(7)`
    expect(await runProgram(program(body))).toMatchObject({ code: 7 })
  })

  it('starts no worker before the first call', async () => {
    const body = `lock('${freshKey()}'); console.log(process.getActiveResourcesInfo().join())`
    const { out } = await runProgram(program(body))
    expect(out).not.toMatch(/worker|port/i)
  })

  it('may be a CommonJS program', async () => {
    const cjs = `
      const { createHoldfast } = require(new URL('$dist/index.js').pathname)
      const { blocking } = require(new URL('$dist/layers/blocking/index.js').pathname)
      createHoldfast({ store: blocking('${url}') }).lock('${freshKey()}').runSync(() => console.log('ran'))`
    expect(await runProgram(cjs, [])).toMatchObject({ out: expect.stringContaining('ran') as string, code: 0 })
  })

  it('may be run by tsx', async () => {
    const body = `lock('${freshKey()}').runSync(() => console.log('ran'))`
    const { out, code } = await runProgram(program(body), ['--import', 'tsx', '--input-type=module'])
    expect(out).toBe('ran\nended at once\n')
    expect(code).toBe(0)
  })
})
