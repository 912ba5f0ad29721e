import { transformSync } from 'esbuild'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { functionFrom, keyOf } from './support/key-of.js'
import { failureOf } from './support/tools.js'

/** Each gives the function `f`, whose key is `bill-42` when it is called with 42. */
const sources: Readonly<Record<string, string>> = {
  function: 'function f(this: unknown, id: number, note?: string): number { return id }',
  'async function': 'async function f(id: number): Promise<number> { return await Promise.resolve(id) }',
  generator: 'function* f(id: number): Generator<number> { yield id }',
  'async generator': 'async function* f(id: number): AsyncGenerator<number> { yield id }',
  arrow: 'const f = (id: number): number => id',
  'async arrow': 'const f = async (id: number): Promise<number> => id',
  method:
    'const f = new (class { constructor(private readonly x = 1) {} charge(id: number) { return () => this.x } })().charge',
  'async method': 'const f = ({ async charge(id: number) { return await id } }).charge',
  'static method': 'class A { static charge<T>(id: T): T { return id } }; const f = A.charge',
  'private method':
    'class A { #charge(id: number) { return id } static of() { return new A().#charge } }; const f = A.of()',
  'method that uses private fields':
    'class A { #n = 1; charge(id: number) { return () => this.#n } }; const f = A.prototype.charge',
}

const targets = { ES2015: ts.ScriptTarget.ES2015, ES2017: ts.ScriptTarget.ES2017, ES2023: ts.ScriptTarget.ES2023 }

function byTypeScript(source: string, target: ts.ScriptTarget): string {
  return ts.transpileModule(source, { compilerOptions: { target, module: ts.ModuleKind.ESNext } }).outputText
}

function byEsbuild(source: string, target: string): string {
  return transformSync(source, { loader: 'ts', target, keepNames: true, minifyWhitespace: true }).code
}

function functionOf(program: string): ReturnType<typeof functionFrom> {
  return functionFrom(`(() => { ${program}\n; return f })()`)
}

describe('a placeholder finds its parameter in what compilers make of', () => {
  it.each(Object.entries(sources))('the %s', async (_, source) => {
    for (const target of Object.values(targets)) {
      const fn = functionOf(byTypeScript(source, target))
      expect(await keyOf('bill-{id}', { fn, args: [42] }), ts.ScriptTarget[target]).toBe('bill-42')
    }
    for (const target of ['es2017', 'es2023']) {
      const fn = functionOf(byEsbuild(source, target))
      expect(await keyOf('bill-{id}', { fn, args: [42] }), `esbuild ${target}`).toBe('bill-42')
    }
  })

  it('defaults, destructuring and rest', async () => {
    const source =
      'const f = async ({ id, kind = "k" }: { id: number; kind?: string }, n = -1, ...rest: string[]) => id'
    for (const target of [targets.ES2017, targets.ES2023]) {
      const fn = functionOf(byTypeScript(source, target))
      expect(await keyOf('{id}:{kind}:{n}:{rest.0}', { fn, args: [{ id: 1 }, undefined, 'r'] })).toBe('1:k:-1:r')
    }
  })

  it('and says so where a compiler erased the names', async () => {
    const old = functionOf(byTypeScript('const f = async (id = 5) => id', targets.ES2015))
    const error = await failureOf(() => keyOf('bill-{id}', { fn: old }))
    expect(error.code).toBe('KEY_TEMPLATE')
    expect(error.message).toContain(`{ args: ['id'] }`)
    expect(await keyOf('bill-{id}', { fn: old, args: [42], options: { args: ['id'] } })).toBe('bill-42')
  })
})
