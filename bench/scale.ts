/**
 * `npm run scale`: how far it goes. A million locks held, 100,000 waiters on a key, in memory and on a Redis of its own; each
 * measurement in a process of its own. Writes the figures into docs/scale.md; `--print` only prints them.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { createHoldfast } from 'holdfast'
import { machine } from './harness/machine.js'
import { startServer } from './harness/server.js'
import { held } from './scale/held.js'
import { pageOf } from './scale/page.js'
import type { Numbers } from './scale/tools.js'
import { waiters } from './scale/waiters.js'

const sizes = [1000, 10_000, 100_000, 1_000_000]
const lines = [1000, 10_000, 100_000]
const page = new URL('../docs/scale.md', import.meta.url)

const parts: Readonly<Record<string, () => Promise<Numbers[]>>> = {
  async heldInMemory() {
    await using holdfast = createHoldfast()
    return await held(holdfast.lock, { sizes, width: 1, batches: 50, batch: 200 })
  },
  async leasedInMemory() {
    await using holdfast = createHoldfast()
    return await held(holdfast.lock, { sizes, width: 1, batches: 50, batch: 200, ttl: '1h' })
  },
  async waitersInMemory() {
    await using holdfast = createHoldfast()
    return await waiters(holdfast.lock, { sizes: lines })
  },
  async heldOnRedis() {
    const server = await startServer()
    try {
      await using holdfast = createHoldfast({ store: server.url })
      const storeBytes = async (): Promise<number> => (await server.counts()).memoryBytes
      return await held(holdfast.lock, { sizes, width: 256, batches: 20, batch: 50, ttl: '1h', storeBytes })
    } finally {
      await server.stop()
    }
  },
  async waitersOnRedis() {
    const server = await startServer()
    try {
      await using holdfast = createHoldfast({ store: server.url })
      return await waiters(holdfast.lock, { sizes: lines, commands: async () => (await server.counts()).executed })
    } finally {
      await server.stop()
    }
  },
}

const [name = ''] = process.argv.slice(2)
const part = parts[name]
if (part !== undefined) {
  console.log(JSON.stringify(await part()))
  process.exit(0) // a million leases are not released one by one
}

const results: Record<string, Numbers[]> = {}
for (const each of Object.keys(parts)) results[each] = await inItsOwnProcess(each)
const server = await startServer()
await server.stop()
const today = new Date().toISOString().slice(0, 10)
const text = pageOf(results, `${machine(server.version)}; ${today}`, readFileSync(page, 'utf8'))
if (process.argv.includes('--print')) console.log(text)
else writeFileSync(page, text)

async function inItsOwnProcess(each: string): Promise<Numbers[]> {
  const path = fileURLToPath(import.meta.url)
  const flags = ['--expose-gc', '--max-old-space-size=6000', '--import', 'tsx']
  const child = spawn(process.execPath, [...flags, path, each], { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Error(`${each} ended with ${String(code)}`)
  return JSON.parse(output, (_, value: unknown) => (value === null ? Number.NaN : value)) as Numbers[]
}
