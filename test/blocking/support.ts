import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { createHoldfast, type Holdfast, type LockOptions, type SyncLock } from 'holdfast'
import { blocking, type BlockingOptions } from 'holdfast/blocking'
import { afterEach, inject } from 'vitest'
import { realEnv } from '../../src/core/env.js'

export const url: string = inject('redisUrl')

const opened: Holdfast[] = []
afterEach(async () => {
  for (const holdfast of opened.splice(0)) await holdfast.close()
})

/** An instance on a store that blocks, closed after the test. */
export function open(at: string = url, options?: BlockingOptions): Holdfast<'sync'> {
  const holdfast = createHoldfast({ store: blocking(at, options) })
  opened.push(holdfast)
  return holdfast
}

/** An instance on the URL itself, as another process has it. */
export function openAsync(at: string = url): Holdfast<'async'> {
  const holdfast = createHoldfast({ store: at })
  opened.push(holdfast)
  return holdfast
}

/** A lock on a key that no other test uses, by a worker that is up already. */
export function warmLock({ lock }: Holdfast<'sync'>, options: LockOptions<never> = {}, key = freshKey()): SyncLock {
  lock(freshKey()).isLockedSync()
  return lock(key, options)
}

export function freshKey(): string {
  return realEnv.randomId()
}

/** Computes, as far as the event loop can tell. */
export function beBusy(ms: number): void {
  const end = performance.now() + ms
  while (performance.now() < end);
}

/** Sends a command to Redis from another process, `afterMs` from when it is up: while this one is blocked. */
export async function elsewhere(at: string, afterMs: number, command: string): Promise<{ done: Promise<unknown> }> {
  const { port, password } = new URL(at)
  const lines = `${password === '' ? '' : `AUTH ${password}\\r\\n`}${command}\\r\\n`
  const child = spawn(process.execPath, [
    '-e',
    `console.log('up'); setTimeout(() => require('net').connect(${port}, '127.0.0.1').end('${lines}'), ${afterMs})`,
  ])
  const done = once(child, 'exit')
  await once(child.stdout, 'data')
  return { done }
}

export interface Ran {
  readonly code: number | null
  readonly out: string
  readonly tookMs: number
}

/** Runs a program of its own on the built package; `$dist` in it is the URL of dist/. */
export async function runProgram(program: string, args: readonly string[] = ['--input-type=module']): Promise<Ran> {
  const dist = new URL('../../dist/', import.meta.url).href
  const startMs = performance.now()
  const child = spawn(process.execPath, [...args, '-e', program.replaceAll('$dist/', dist)], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    timeout: 15_000,
  })
  let out = ''
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (out += chunk.toString()))
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, out, tookMs: performance.now() - startMs }
}

export function thrownBy(act: () => unknown): unknown {
  try {
    act()
  } catch (error) {
    return error
  }
  throw new Error('it should have thrown')
}
