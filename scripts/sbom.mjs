// Writes .cache/sbom.json (CycloneDX): what users get with the package, as package-lock.json has it, and nothing of the tools.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { capture, main, npm } from './run.mjs'

const TARGET = '.cache/sbom.json'

await main(async () => {
  const { name, dependencies } = readJson('package.json')
  const bill = await billOfAll()
  const given = closure(bill, Object.entries(dependencies))
  const components = bill.components.filter((component) => given.has(component['bom-ref']))
  const root = bill.metadata.component['bom-ref']
  const kept = bill.dependencies.filter(({ ref }) => given.has(ref))
  bill.metadata.component.name = name
  bill.components = components
  bill.dependencies = [{ ref: root, dependsOn: Object.entries(dependencies).map(refOf) }, ...kept]
  check(components)
  mkdirSync('.cache', { recursive: true })
  writeFileSync(TARGET, `${JSON.stringify(bill, undefined, 2)}\n`)
  console.log(`${TARGET}: ${[...given].join(', ')}`)
})

/** With the tools: `--omit=dev` leaves out what both need. */
async function billOfAll() {
  const { code, output } = await capture(
    ...npm('sbom', '--package-lock-only', '--sbom-format=cyclonedx', '--sbom-type=library', '--loglevel=silent'),
  )
  if (code !== 0) throw new Error(`npm sbom failed:\n${output}`)
  return JSON.parse(output.slice(output.indexOf('{')))
}

function closure({ dependencies }, first) {
  const found = new Set()
  const next = first.map(refOf)
  for (let ref = next.pop(); ref !== undefined; ref = next.pop()) {
    if (found.has(ref)) continue
    found.add(ref)
    next.push(...(dependencies.find((entry) => entry.ref === ref)?.dependsOn ?? []))
  }
  return found
}

/** The lock file knows by itself what is not for development only: both must agree. */
function check(components) {
  const listed = components.map(({ name }) => name).sort()
  const locked = Object.entries(readJson('package-lock.json').packages)
    .filter(([path, { dev, devOptional, optional }]) => path !== '' && !dev && !devOptional && !optional)
    .map(([path]) => path.replace(/^.*node_modules\//, ''))
    .sort()
  if (listed.join() === locked.join() && listed.length > 0) return
  throw new Error(`npm sbom lists ${listed.join(', ') || 'nothing'}; package-lock.json has ${locked.join(', ')}`)
}

function refOf([name, version]) {
  return `${name}@${version}`
}

function readJson(path) {
  return JSON.parse(readFileSync(path, 'utf8'))
}
