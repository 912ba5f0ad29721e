import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const script = fileURLToPath(new URL('../scripts/docs-check.mjs', import.meta.url))
const example = ['// #region first', 'function a() {', '  return 1', '}', '// #endregion', '', 'a()', ''].join('\n')

describe('the docs check', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'holdfast-docs-'))
    mkdirSync(join(folder, 'docs'))
    mkdirSync(join(folder, 'examples'))
    writeFileSync(join(folder, 'examples/a.ts'), example)
    writeFileSync(join(folder, 'docs/guide.md'), '# The guide\n\n## What `lock` is, and is not\n')
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  function check(readme: string, ...args: string[]): string {
    writeFileSync(join(folder, 'README.md'), readme)
    const { status, stderr } = spawnSync(process.execPath, [script, ...args], { cwd: folder, encoding: 'utf8' })
    expect(status).toBe(stderr === '' ? 0 : 1)
    return stderr
  }

  it('accepts links that lead somewhere and quotes that are equal', () => {
    const links = '[a](docs/guide.md) [b](docs/guide.md#what-lock-is-and-is-not) [c](https://example.org) [d](#hello)'
    const quotes = `${quote('examples/a.ts', 'function a() {\n  return 1\n}\n\na()\n')}${quote('examples/a.ts#first', 'function a() {\n  return 1\n}\n')}`
    expect(check(`# Hello\n${links}\n\`[not](a-link)\`\n${quotes}`)).toBe('')
  })

  it.each([
    ['[a](docs/gone.md)', 'the link to docs/gone.md leads nowhere'],
    ['[a](docs/guide.md#gone)', 'the link to docs/guide.md#gone leads nowhere'],
    ['![a](gone.png)', 'the link to gone.png leads nowhere'],
    ['[a]: gone.md', 'the link to gone.md leads nowhere'],
    [quote('examples/gone.ts', ''), 'there is no examples/gone.ts to quote'],
    [quote('examples/a.ts#gone', ''), 'has no "// #region gone"'],
    [quote('examples/a.ts#first', 'function a() {\n  return 2\n}\n'), 'differs in its line 2'],
    [`see ${['', 'home', 'me', 'notes'].join('/')}`, 'is a path of one machine'],
  ])('finds what is wrong with %s', (readme, problem) => {
    expect(check(readme)).toContain(`README.md: `)
    expect(check(readme)).toContain(problem)
  })

  it('writes the quotes anew', () => {
    check(`before\n${quote('examples/a.ts#first', 'old\n')}after\n`, '--write')
    const written = readFileSync(join(folder, 'README.md'), 'utf8')
    expect(written).toBe(`before\n${quote('examples/a.ts#first', 'function a() {\n  return 1\n}\n')}after\n`)
    expect(check(written)).toBe('')
  })
})

function quote(source: string, body: string): string {
  return `\`\`\`ts file=${source}\n${body}\`\`\`\n`
}
