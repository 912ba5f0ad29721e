import { describe, expect, inject, it } from 'vitest'
import { freshKey } from '../features/support/tools.js'
import { runProgram } from './support/child.js'

/** Prints every file under node_modules that was loaded, by `import` and by `require`. */
const tellLoaded = `
  const { createRequire, register } = await import('node:module')
  const packages = () => {
    const required = Object.keys(createRequire(process.cwd() + '/index.js').cache)
    return [...new Set([...seen, ...required].flatMap((path) => /node_modules.([^/\\\\]+)/.exec(path)?.[1] ?? []))].sort()
  }
  const { MessageChannel } = await import('node:worker_threads')
  const { port1, port2 } = new MessageChannel()
  const seen = []
  port1.on('message', (url) => seen.push(url))
  port1.unref()
  const hooks = \`
    let port
    export const initialize = (data) => { port = data.port }
    export const load = (url, context, next) => { port.postMessage(url); return next(url, context) }\`
  register('data:text/javascript,' + encodeURIComponent(hooks), { data: { port: port2 }, transferList: [port2] })
  const report = async (step) => {
    await new Promise((resolve) => setTimeout(resolve, 100)) // the loader's thread reports by messages
    console.log(step, JSON.stringify(packages()))
  }
`

describe("import 'holdfast'", () => {
  it('loads no package; a placeholder loads acorn, and a Redis URL its driver, when they are used', async () => {
    const child = runProgram(`${tellLoaded}
      const { configure, createHoldfast, lock, localLock } = await import('holdfast')
      await report('import')
      configure()
      lock('key').acquireSync().release()
      await lock('key').run(() => {})
      await lock('bill')(async () => {})()
      await lock('bill-{0}-{this.id}')(async function () {}).call({ id: 1 }, 2)
      await lock((id) => 'bill-' + id)(async () => {})(1)
      await localLock().run(() => {})
      const far = createHoldfast({ store: ${JSON.stringify(inject('redisUrl'))} })
      await report('use')
      await lock('bill-{id}')(async (id) => id)(1)
      await report('placeholder')
      await far.lock(${JSON.stringify(freshKey())}).run(() => {})
      await report('redis')`)
    const { code } = await child.ends()
    const [imported, used, placeholder, redis] = child.output.split('\n')
    expect(imported).toBe('import []')
    expect(used).toBe('use []')
    expect(placeholder).toBe('placeholder ["acorn"]')
    expect(redis).toContain('"ioredis"')
    expect(code).toBe(0)
  })

  it('loads no module of Redis, and no worker', async () => {
    const child = runProgram(`
      await import('holdfast')
      const loaded = process.moduleLoadList.filter((name) => /NativeModule (net|tls|dns|http|worker_threads|child_process)$/.test(name))
      console.log(JSON.stringify(loaded))`)
    await child.ends()
    const bare = runProgram(`
      const loaded = process.moduleLoadList.filter((name) => /NativeModule (net|tls|dns|http|worker_threads|child_process)$/.test(name))
      console.log(JSON.stringify(loaded))`)
    await bare.ends()
    expect(child.output).toBe(bare.output)
    expect(child.errors).toBe('')
  })

  it('has no side effect: no timer, no connection, no listener, no output', async () => {
    const child = runProgram(`
      const before = process.eventNames().length
      await import('holdfast')
      const alive = process.getActiveResourcesInfo().filter((name) => /Timeout|Immediate|TCP|Message|Worker/.test(name))
      console.log(alive.length, process.eventNames().length - before)`)
    const { code } = await child.ends()
    expect(child.output).toBe('0 0\n')
    expect(child.errors).toBe('')
    expect(code).toBe(0)
  })
})

describe("require('holdfast')", () => {
  it('works, and gives what import gives', async () => {
    const child = runProgram(
      `const { configure, lock, LockedError, ...rest } = require('holdfast')
      const { redis } = require('holdfast/redis')
      const { faulty } = require('holdfast/testing')
      configure()
      const lease = lock('key').acquireSync()
      lock('key').acquire().catch(async (error) => {
        console.log(error instanceof LockedError, typeof redis, typeof faulty)
        const imported = await import('holdfast')
        console.log(imported.LockedError === LockedError, imported.lock('key').isLockedSync())
        const wrapped = lock('bill-{id}')(async (id) => id)
        console.log(await wrapped(7))
      })`,
      { commonJs: true },
    )
    const { code } = await child.ends()
    expect(child.output).toBe('true function function\ntrue true\n7\n')
    expect(code).toBe(0)
  })
})
