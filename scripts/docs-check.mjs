// Checks the Markdown files: links resolve, quoted programs equal examples/, no path of somebody's machine.
// `--write` copies the programs into the quotes again.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'

const MACHINE_PATH = /(?:^|[\s"'`(=:])((?:\/(?:work|root|home|Users)\/|[A-Za-z]:\\)[^\s"'`)]*)/g
const QUOTE = /^( *)```ts file=([^\s#]+)(?:#(\S+))?[^\n]*\n([\s\S]*?)^\1```$/gm

const write = process.argv.includes('--write')
const problems = markdownFiles().flatMap((file) => [...checkQuotes(file), ...checkLinks(file), ...checkPaths(file)])
for (const problem of problems) console.error(problem)
if (problems.length > 0) process.exitCode = 1

function markdownFiles() {
  const inDocs = existsSync('docs') ? readdirSync('docs', { recursive: true }).map((name) => join('docs', name)) : []
  return [...readdirSync('.'), ...inDocs].filter((name) => name.endsWith('.md'))
}

function checkQuotes(file) {
  const found = []
  const before = readFileSync(file, 'utf8')
  const after = before.replace(QUOTE, (quote, indent, source, region, body) => {
    const program = readProgram(source, region)
    if (program.problem) {
      found.push(`${file}: ${program.problem}`)
      return quote
    }
    const wanted = program.lines.map((line) => (line === '' ? '\n' : `${indent}${line}\n`)).join('')
    if (body === wanted) return quote
    if (!write) found.push(difference(`${file}: the quote of ${source}${region ? `#${region}` : ''}`, body, wanted))
    return quote.slice(0, quote.indexOf('\n') + 1) + wanted + indent + '```'
  })
  if (write && after !== before) writeFileSync(file, after)
  return found
}

function readProgram(source, region) {
  if (!source.startsWith('examples/') || !existsSync(source)) return { problem: `there is no ${source} to quote` }
  const lines = readFileSync(source, 'utf8').trimEnd().split('\n')
  const part = region === undefined ? lines : cutRegion(lines, region)
  if (part === undefined) return { problem: `${source} has no "// #region ${region}" … "// #endregion"` }
  return { lines: dedent(part.filter((line) => !/^\s*\/\/ #(end)?region\b/.test(line))) }
}

function cutRegion(lines, region) {
  const start = lines.findIndex((line) => line.trim() === `// #region ${region}`)
  if (start === -1) return undefined
  let depth = 0
  for (let at = start; at < lines.length; at++) {
    if (/^\s*\/\/ #region\b/.test(lines[at])) depth++
    if (/^\s*\/\/ #endregion\b/.test(lines[at]) && --depth === 0) return lines.slice(start + 1, at)
  }
  return undefined
}

function dedent(lines) {
  const indents = lines.filter((line) => line.trim() !== '').map((line) => line.search(/\S/))
  const common = Math.min(...indents)
  return lines.map((line) => line.slice(common))
}

function difference(what, body, wanted) {
  const [is, should] = [body.split('\n'), wanted.split('\n')]
  const at = should.findIndex((line, index) => line !== is[index])
  const index = at === -1 ? should.length : at
  return `${what} differs in its line ${index + 1}; npm run docs:write copies it anew\n  is:     ${is[index] ?? ''}\n  should: ${should[index] ?? ''}`
}

function checkLinks(file) {
  const prose = readFileSync(file, 'utf8')
    .replace(/^( *)(```+|~~~+)[\s\S]*?^\1\2/gm, '')
    .replace(/`[^`\n]*`/g, '')
  const targets = [...prose.matchAll(/\]\(<?([^)\s>]+)>?(?:\s+"[^"]*")?\)|^\[[^\]]+\]:\s*(\S+)/gm)]
  return targets
    .map(([, inline, reference]) => inline ?? reference)
    .filter((target) => !/^[a-z][a-z+.-]*:/i.test(target) && !resolves(file, target))
    .map((target) => `${file}: the link to ${target} leads nowhere`)
}

function resolves(file, target) {
  const [path, anchor] = target.split('#')
  const full = path === '' ? file : normalize(join(dirname(file), decodeURI(path)))
  if (full.startsWith('..') || !existsSync(full)) return false
  return !anchor || !full.endsWith('.md') || anchors(full).includes(anchor)
}

/** The ids that headings get, as GitHub makes them. */
function anchors(file) {
  const seen = new Map()
  const prose = readFileSync(file, 'utf8').replace(/^( *)(```+|~~~+)[\s\S]*?^\1\2/gm, '')
  return [...prose.matchAll(/^#{1,6} +(.+?) *#*$/gm)].map(([, heading]) => {
    const id = heading
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-')
    const times = seen.get(id) ?? 0
    seen.set(id, times + 1)
    return times === 0 ? id : `${id}-${times}`
  })
}

function checkPaths(file) {
  const paths = [...readFileSync(file, 'utf8').matchAll(MACHINE_PATH)].map(([, path]) => path)
  return paths.map((path) => `${file}: ${path} is a path of one machine`)
}
