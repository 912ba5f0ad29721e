// Packs the package as npm would publish it, twice, and installs it into an empty project without running any script: exactly the
// files that belong there, no path of this machine, no script at installation, nothing installed but what the bill of materials
// names, and every entry loads by import and by require.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { capture, main, npm } from './run.mjs'

const AT_THE_TOP = ['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json']
/** A script of these names would run at its users'. */
const AT_INSTALLATION = ['preinstall', 'install', 'postinstall', 'prepare', 'preprepare', 'postprepare']
const { name, exports, dependencies, scripts } = JSON.parse(readFileSync('package.json', 'utf8'))

const folder = mkdtempSync(join(tmpdir(), 'holdfast-pack-'))
await main(async () => {
  try {
    const packed = await pack()
    const problems = [
      ...checkFiles(packed.files.map(({ path }) => path)),
      ...checkTexts(packed.files.map(({ path }) => path)),
      ...AT_INSTALLATION.filter((script) => script in scripts).map(
        (script) => `The script ${script} runs at its users'.`,
      ),
      ...((await pack()).integrity === packed.integrity ? [] : ['Packed twice, the package differs.']),
      ...(await checkInstalled(packed.filename)),
    ]
    for (const problem of problems) console.error(problem)
    if (problems.length > 0) process.exitCode = 1
    else console.log(`${String(packed.files.length)} files, ${String(packed.unpackedSize)} bytes, ${packed.integrity}`)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

async function pack() {
  const output = await npmOutput(['pack', '--json', '--silent', '--ignore-scripts', '--pack-destination', folder])
  const [packed] = Object.values(JSON.parse(output.slice(output.search(/^[[{]/m))))
  return packed
}

function checkFiles(files) {
  const sources = readdirSync('src', { recursive: true }).filter((path) => path.endsWith('.ts'))
  const built = sources.flatMap((path) => ['.js', '.d.ts'].map((end) => join('dist', path.replace(/\.ts$/, end))))
  const expected = new Set([...AT_THE_TOP, ...built.map((path) => path.replaceAll('\\', '/'))])
  return [
    ...files.filter((file) => !expected.has(file)).map((file) => `${file} would be published`),
    ...[...expected].filter((file) => !files.includes(file)).map((file) => `${file} is missing from the package`),
  ]
}

function checkTexts(files) {
  const told = (file) => readFileSync(file, 'utf8').includes(process.cwd())
  return files.filter(told).map((file) => `${file} names the folder it was built in`)
}

async function checkInstalled(filename) {
  const project = join(folder, 'project')
  const modules = join(project, 'node_modules')
  const flags = ['--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', '--prefix', project]
  await npmOutput(['install', ...flags, join(folder, filename)])
  writeFileSync(join(project, 'package.json'), JSON.stringify({ private: true }))
  const installed = readdirSync(modules).filter((entry) => !entry.startsWith('.'))
  const strangers = installed.filter((entry) => entry !== name && !(entry in dependencies))
  return [
    ...strangers.map((entry) => `${entry} is installed beside it, and is not in the dependencies`),
    ...(await checkEntries(project)),
  ]
}

/** Each in a Node.js of its own; `require` also shows that no module waits at its top level. */
async function checkEntries(project) {
  const problems = []
  for (const subpath of Object.keys(exports).filter((path) => !path.endsWith('.json'))) {
    const specifier = JSON.stringify(subpath.replace('.', name))
    for (const program of [`require(${specifier})`, `import(${specifier}).then(() => undefined)`]) {
      const { code, output } = await capture(process.execPath, ['--eval', program], { cwd: project })
      if (code !== 0) problems.push(`${program} fails:\n${output}`)
    }
  }
  return problems
}

async function npmOutput(args) {
  const { code, output } = await capture(...npm(...args))
  if (code !== 0) throw new Error(output)
  return output
}
