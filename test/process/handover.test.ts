import { describe, expect, inject, it } from 'vitest'
import { createHoldfast } from 'holdfast'
import { failureOf, freshKey, until } from '../features/support/tools.js'
import { type Child, runProgram } from './support/child.js'

/** A process with `holdfast` on Redis and a `key`, that does what the program says. */
function start(key: string, program: string): Child {
  return runProgram(`import { createHoldfast } from 'holdfast'
    const holdfast = createHoldfast({ store: ${JSON.stringify(inject('redisUrl'))} })
    const key = ${JSON.stringify(key)}
    ${program}`)
}

const exporting = `
  const lease = await holdfast.lock(key, { ttl: '2s' }).acquire()
  const text = await lease.export()
  console.log('exported', text, lease.token)
  setInterval(() => {}, 1000)`

const adopting = `
  process.stdin.once('data', async (line) => {
    try {
      const lease = await holdfast.lock(key, { ttl: '2s' }).adopt(line.toString().trim())
      console.log('adopted', lease.token)
      process.stdin.once('data', async () => {
        console.log('released', await lease.release())
        process.exit()
      })
    } catch (error) {
      console.log('refused', error.code)
      process.exit()
    }
  })
  console.log('ready')`

async function exportedBy(giver: Child): Promise<{ text: string; token: number }> {
  const [, text = '', token] = (await giver.says('exported')).split(' ')
  return { text, token: Number(token) }
}

describe('between two processes, on Redis', () => {
  it('a hold outlives the process that gave it away', async () => {
    const key = freshKey()
    const watcher = createHoldfast({ store: inject('redisUrl') })
    const [giver, receiver] = [start(key, exporting), start(key, adopting)]
    await receiver.says('ready')
    const { text, token } = await exportedBy(giver)
    receiver.tell(text)
    const adopted = Number((await receiver.says('adopted')).split(' ')[1])
    expect(adopted).toBeGreaterThan(token)
    giver.kill()
    const leftMs = async (): Promise<number> => {
      const { holders } = (await watcher.lock(key).inspect()) ?? { holders: [] }
      expect(holders.map((holder) => holder.token)).toEqual([adopted])
      return holders[0]?.remainingMs ?? 0
    }
    let beforeMs = await leftMs()
    await until('it is renewed there', async () => {
      const nowMs = await leftMs()
      const renewed = nowMs > beforeMs
      beforeMs = nowMs
      return renewed
    })
    expect((await failureOf(() => watcher.lock(key).acquire())).code).toBe('LOCKED')
    receiver.tell('release')
    expect(await receiver.says('released')).toBe('released true')
    expect(await watcher.lock(key).tryAcquire()).toBeDefined()
    await watcher.close()
  })

  it('one of several who are given it adopts it', async () => {
    const key = freshKey()
    const receivers = [start(key, adopting), start(key, adopting), start(key, adopting)]
    await Promise.all(receivers.map((receiver) => receiver.says('ready')))
    const { text } = await exportedBy(start(key, exporting))
    for (const receiver of receivers) receiver.tell(text)
    await until('all have answered', () => receivers.every(({ output }) => /adopted|refused/.test(output)))
    const outputs = receivers.map(({ output }) => output)
    expect(outputs.filter((output) => output.includes('adopted'))).toHaveLength(1)
    expect(outputs.filter((output) => output.includes('refused LOCK_LOST'))).toHaveLength(2)
  })

  it('a hold that nobody adopts comes free when its ttl is over', async () => {
    const key = freshKey()
    const watcher = createHoldfast({ store: inject('redisUrl') })
    const { text } = await exportedBy(start(key, exporting))
    await until('the key is free', async () => !(await watcher.lock(key).isLocked()))
    expect((await failureOf(() => watcher.lock(key).adopt(text))).code).toBe('LOCK_LOST')
    await watcher.close()
  })

  it('a process that has nothing else to do learns that it came too late', async () => {
    const key = freshKey()
    const child = start(
      key,
      `
      const lease = await holdfast.lock(key).acquire()
      const text = await lease.export()
      await (await holdfast.lock(key).adopt(text)).release()
      await holdfast.lock(key).adopt(text).catch((error) => console.log(error.code))`,
    )
    expect((await child.ends()).code).toBe(0)
    expect(child.output).toBe('LOCK_LOST\n')
  })

  it('a process that has nothing else to do learns that what it releases was lost', async () => {
    const key = freshKey()
    const child = start(
      key,
      `
      await holdfast.lock(key).run(async () => {
        await new Promise((resolve) => setTimeout(resolve, 100))
        const { Redis } = await import('ioredis')
        const client = new Redis(${JSON.stringify(inject('redisUrl'))})
        await client.del('holdfast:' + key)
        client.disconnect()
      }).catch((error) => console.log(error.code))`,
    )
    expect((await child.ends()).code).toBe(0)
    expect(child.output).toBe('LOCK_LOST\n')
  })
})
