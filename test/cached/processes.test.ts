import { Redis } from 'ioredis'
import { expect, inject, it, onTestFinished } from 'vitest'
import { createHoldfast } from 'holdfast'
import { runProgram } from '../process/support/child.js'
import { freshKey } from '../features/support/tools.js'

const url = inject('redisUrl')

/** Asks for a value as soon as it is told; each computation is counted on the server, and takes 50 ms. */
const program = (key: string, options = '{}'): string => `
  import { createHoldfast } from 'holdfast'
  import { Redis } from 'ioredis'
  import { once } from 'node:events'
  import { setTimeout as sleep } from 'node:timers/promises'
  const counter = new Redis(${JSON.stringify(url)})
  await counter.ping()
  const { cached, close } = createHoldfast({ store: ${JSON.stringify(url)} })
  const load = cached(${JSON.stringify(`${key}-{id}`)}, ${options})(async (id) => {
    const call = await counter.incr(${JSON.stringify(`${key}:calls`)})
    console.log('computing')
    await sleep(id === 'endless' ? 600_000 : 50)
    return { id, call }
  })
  await cached(${JSON.stringify(`${key}-warm-up`)})(async () => 1)()
  console.log('ready')
  const [line] = await once(process.stdin, 'data')
  const [id, times] = String(line).trim().split(' ')
  const values = await Promise.all(Array.from({ length: Number(times) }, () => load(id)))
  console.log('values ' + [...new Set(values.map((value) => JSON.stringify(value)))].join(' and ') + ' of ' + values.length)
  process.stdin.destroy()
  counter.disconnect()
  await close()
`

it('100 concurrent misses in each of two processes run the function once in all', async () => {
  const key = freshKey()
  const redis = new Redis(url)
  onTestFinished(() => redis.disconnect())
  const children = [runProgram(program(key)), runProgram(program(key))]
  await Promise.all(children.map((child) => child.says('ready')))
  for (const child of children) child.tell('one 100')
  const said = await Promise.all(children.map((child) => child.says('values')))
  expect(said).toEqual(['values {"id":"one","call":1} of 100', 'values {"id":"one","call":1} of 100'])
  expect(await redis.get(`${key}:calls`)).toBe('1')
  expect(await Promise.all(children.map((child) => child.ends()))).toMatchObject([{ code: 0 }, { code: 0 }])
})

it('a process that dies while it computes is replaced when its lease is over', async () => {
  const key = freshKey()
  const child = runProgram(program(key, `{ lease: '1s' }`))
  await child.says('ready')
  child.tell('endless 1')
  await child.says('computing')
  await using holdfast = createHoldfast({ store: url })
  let calls = 0
  const load = holdfast.cached(`${key}-{id}`, { lease: '1s' })(async (id: string) => `${id} ${++calls}`)
  const values = [load('endless'), load('endless')]
  const waits = holdfast.lock(`cached:${key}-endless`)
  await expect.poll(async () => (await waits.inspect())?.waiters.length, { timeout: 5_000 }).toBe(1)
  expect(calls).toBe(0)
  child.kill()
  const diedAt = performance.now()
  expect(await Promise.all(values)).toEqual(['endless 1', 'endless 1'])
  expect(performance.now() - diedAt).toBeLessThan(5_000)
})
