import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { checkHouse, type SourceFile, withInstallScript } from './support/house.js'

const root = new URL('..', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8')
const manifest = JSON.parse(read('package.json')) as { dependencies: Record<string, string> }
const dependencies = Object.keys(manifest.dependencies)

describe('the house', () => {
  it('keeps its rules', () => {
    const names = readdirSync(new URL('src', root), { recursive: true, encoding: 'utf8' })
    const paths = names.map((name) => name.replaceAll('\\', '/')).filter((name) => name.endsWith('.ts'))
    const files = paths.map((path) => ({ path, text: read(`src/${path}`) }))
    expect(files.map(({ path }) => path)).toContain('index.ts')
    expect(checkHouse(files, dependencies)).toEqual([])
  })

  it('gives users no package that runs a script when installed', () => {
    expect(withInstallScript(JSON.parse(read('package-lock.json')) as Parameters<typeof withInstallScript>[0])).toEqual(
      [],
    )
  })

  it('names no registry in the lock file', () => {
    expect(read('package-lock.json')).not.toContain('"resolved"')
  })
})

describe('the check of the house', () => {
  const check = (path: string, text: string): string[] => checkHouse([{ path, text } satisfies SourceFile], ['acorn'])

  const good: readonly [path: string, text: string][] = [
    ['core/key.ts', `import { hash } from 'node:crypto'; import { x } from './errors.js'; export const y: number = x`],
    [
      'features/lock.ts',
      `import { x } from '../core/key.js'; import { y } from './wrap.js'; import { parse } from 'acorn'`,
    ],
    [
      'features/open-store.ts',
      `export const a = () => import('../stores/redis/index.js'); import '../stores/memory.js'`,
    ],
    [
      'stores/redis/connect.ts',
      `export const a = () => import('ioredis'); import type { S } from '../../core/store.js'`,
    ],
    ['stores/redis/index.ts', `export { redis } from './store.js'; export type { Client } from './client.js'`],
    ['layers/blocking/index.ts', `import { a } from '../../core/a.js'; export { b } from './b.js'`],
    ['layers/blocking/worker.ts', `import { openStore } from '../../features/open-store.js'`],
    ['layers/blocking/blocking.ts', `import { openStore } from '../../features/open-store.js'`],
    ['testing/index.ts', `export { faulty } from './faulty.js'; export type { Store } from '../core/store.js'`],
    ['testing/virtual-time.ts', `import { createHoldfast } from '../features/holdfast.js'`],
    ['testing/simulation/records.ts', `import { memory } from '../../stores/memory/memory.js'`],
    ['fence/index.ts', `export { fenceGate } from './gate.js'; export { StaleTokenError } from '../core/errors.js'`],
    ['index.ts', `export { lock } from './features/lock.js'; export { memory } from './stores/memory.js'`],
    ['core/parse.ts', `import type { Node } from 'acorn'`],
    ['core/words.ts', `export const many: string = 'any'; // any! import x from '../index.js'`],
  ]
  it.each(good)('accepts %s with: %s', (path, text) => {
    expect(check(path, text)).toEqual([])
  })

  const bad: readonly [problem: string, path: string, text: string][] = [
    ['may not import stores/memory.ts', 'core/a.ts', `import { m } from '../stores/memory.js'`],
    ['may not import features/lock.ts', 'core/a.ts', `import type { L } from '../features/lock.js'`],
    ['may not import features/lock.ts', 'core/a.ts', `export const f = () => import('../features/lock.js')`],
    ['may not import features/lock.ts', 'core/a.ts', `export type L = import('../features/lock.js').Lock`],
    ['core may not import the package acorn', 'core/a.ts', `import { parse } from 'acorn'`],
    ['core may not import the package ioredis', 'core/a.ts', `import type { Redis } from 'ioredis'`],
    ['may not import stores/memory.ts', 'features/lock.ts', `import { m } from '../stores/memory.js'`],
    ['may not import stores/memory.ts', 'stores/redis/a.ts', `import { m } from '../memory.js'`],
    ['may not import stores/memory.ts', 'stores/machine.ts', `import { m } from './memory.js'`],
    ['may not import stores/memory.ts', 'layers/quorum.ts', `import { m } from '../stores/memory.js'`],
    ['may not import layers/blocking/index.ts', 'layers/quorum.ts', `import { m } from './blocking/index.js'`],
    [
      'may not import features/open-store.ts',
      'layers/blocking/store.ts',
      `import { openStore } from '../../features/open-store.js'`,
    ],
    ['may not import features/lock.ts', 'layers/blocking/worker.ts', `import { l } from '../../features/lock.js'`],
    ['may not import stores/redis/index.ts', 'layers/blocking/worker.ts', `import '../../stores/redis/index.js'`],
    ['may not import features/lock.ts', 'stores/memory.ts', `import { l } from '../features/lock.js'`],
    [
      'may not import stores/redis/client.ts',
      'fence/redis-guard.ts',
      `import type { C } from '../stores/redis/client.js'`,
    ],
    ['imports pg, which users need not have', 'fence/postgres-guard.ts', `import type { Client } from 'pg'`],
    ['may not import features/lock.ts', 'testing/suite.ts', `import { l } from '../features/lock.js'`],
    ['may not import stores/redis/store.ts', 'testing/virtual-time.ts', `import { r } from '../stores/redis/store.js'`],
    ['may not import testing/faulty.ts', 'features/lock.ts', `import { f } from '../testing/faulty.js'`],
    ['may not import testing/faulty.ts', 'index.ts', `export { f } from './testing/faulty.js'`],
    ['may not import index.ts', 'features/lock.ts', `import { l } from '../index.js'`],
    ['may not import index.ts', 'cli/main.ts', `import { l } from '../index.js'`],
    ['may not import dashboard/page.ts', 'cli/main.ts', `import { l } from '../dashboard/page.js'`],
    ['may not import cli/main.ts', 'features/lock.ts', `import { l } from '../cli/main.js'`],
    ['imports ../../test/a.js, which is not in src/', 'core/a.ts', `import { l } from '../../test/a.js'`],
    ['imports ./b without .js at its end', 'core/a.ts', `import { b } from './b'`],
    ['imports ioredis, which users need not have', 'features/lock.ts', `export const f = () => import('ioredis')`],
    ['imports ioredis, which users need not have', 'stores/redis/a.ts', `import { Redis } from 'ioredis'`],
    ['imports ioredis, which users need not have', 'stores/redis/a.ts', `import type { Redis } from 'ioredis'`],
    ['re-exports', 'features/lock.ts', `export { l } from '../core/lease.js'`],
    ['re-exports', 'features/index.ts', `export type { L } from '../core/lease.js'`],
    ['re-exports', 'features/lock.ts', `import { l } from '../core/lease.js'; export { l as m }`],
    ['exports with a star', 'index.ts', `export * from './core/errors.js'`],
    ['has logic', 'index.ts', `export const a = 1`],
    ['is in no room of the house', 'utils/a.ts', ''],
    ['is not named in kebab-case', 'core/fooBar.ts', ''],
    ['uses any', 'core/a.ts', `export function f(x: any[]): void {}`],
    ['uses !', 'core/a.ts', `export const f = (x?: { y: string }) => x!.y`],
    ['has 301 lines', 'core/a.ts', 'export {}\n'.repeat(301)],
  ]
  it.each(bad)('finds "%s" in %s', (problem, path, text) => {
    expect(check(path, text)).toEqual([expect.stringContaining(`src/${path}: ${problem}`)])
  })

  it('finds install scripts of what users get, and of nothing else', () => {
    const packages = {
      '': { hasInstallScript: true },
      'node_modules/tool': { dev: true, hasInstallScript: true },
      'node_modules/quiet': {},
      'node_modules/noisy': { hasInstallScript: true },
    }
    expect(withInstallScript({ packages })).toEqual(['node_modules/noisy'])
  })
})
