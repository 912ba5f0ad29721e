// Looks into the package as npm would publish it: only what belongs there, and every entry loads by import and by require.
import { readFileSync } from 'node:fs'
import { capture, npm } from './run.mjs'

const BELONGS = [
  /^dist\/[a-z0-9/-]+\.js$/,
  /^dist\/[a-z0-9/-]+\.d\.ts$/,
  /^(package\.json|README\.md|CHANGELOG\.md|LICENSE)$/,
]
const { name, exports } = JSON.parse(readFileSync('package.json', 'utf8'))

const problems = [...checkFiles(await packedFiles()), ...(await checkEntries())]
for (const problem of problems) console.error(problem)
process.exitCode = problems.length === 0 ? 0 : 1

async function packedFiles() {
  const { code, output } = await capture(...npm('pack', '--dry-run', '--json', '--silent', '--ignore-scripts'))
  if (code !== 0) throw new Error(output)
  const [packed] = Object.values(JSON.parse(output.slice(output.search(/^[[{]/m))))
  return packed.files.map(({ path }) => path)
}

function checkFiles(files) {
  const targets = Object.values(exports).flatMap((entry) =>
    typeof entry === 'string' ? [entry] : Object.values(entry),
  )
  const needed = ['README.md', 'CHANGELOG.md', 'LICENSE', ...targets.map((path) => path.replace('./', ''))]
  return [
    ...files
      .filter((file) => !BELONGS.some((pattern) => pattern.test(file)))
      .map((file) => `${file} would be published`),
    ...needed.filter((file) => !files.includes(file)).map((file) => `${file} is missing from the package`),
  ]
}

/** Each in a Node.js of its own; `require` also shows that no module waits at its top level. */
async function checkEntries() {
  const problems = []
  for (const subpath of Object.keys(exports).filter((path) => !path.endsWith('.json'))) {
    const specifier = JSON.stringify(subpath.replace('.', name))
    for (const program of [`require(${specifier})`, `import(${specifier}).then(() => undefined)`]) {
      const { code, output } = await capture(process.execPath, ['--eval', program])
      if (code !== 0) problems.push(`${program} fails:\n${output}`)
    }
  }
  return problems
}
