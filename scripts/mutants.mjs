// Plants each bug of test/simulation/mutants and counts the seeds that it takes the simulator to find it, or lets the tests
// find it that are named with it. `--write`: keeps what came out and writes docs/track-record.md. `--name TEXT`: those only.
// `--missing`: those that were not found yet. `--sample N`: some that are found soon, others each day. `--check`: runs none; are their texts and the page up to date?
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { format, resolveConfig } from 'prettier'
import { mutants } from '../test/simulation/mutants/index.mjs'
import { capture, main, npm } from './run.mjs'
import { bundleSimulator, FEATURE_SEEDS, runSeeds } from './simulate.mjs'

const PAGE = 'docs/track-record.md'
const FOUND = 'test/simulation/mutants/found.json'
const DAY_MS = 86_400_000
/** A sample is of those that are found within so many seeds. */
const SOON = 1000
/** This often at least, lest the list is cut down to what is found with ease. */
const LEAST = { mutants: 60, after: 20, classic: 17 }

process.chdir(fileURLToPath(new URL('..', import.meta.url)))

await main(async () => {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '100000' },
      name: { type: 'string' },
      missing: { type: 'boolean', default: false },
      sample: { type: 'string' },
      check: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
    },
  })
  assertPlantable()
  if (values.check) return checkPage()
  const rows = []
  for (const mutant of choose(values)) {
    const row = { name: mutant.name, ...(await hunt(mutant, Number(values.seeds))) }
    rows.push(row)
    console.log(`${row.name}: ${row.by === undefined ? 'NOT FOUND' : `${row.seeds ?? '–'} seeds, ${row.by}`}`)
    if (values.write) save(row)
  }
  const missed = rows.filter(({ by }) => by === undefined)
  console.log(`${rows.length - missed.length} of ${rows.length} found`)
  if (values.write) writeFileSync(PAGE, await page())
  if (missed.length > 0) throw new Error(`Not found: ${missed.map(({ name }) => name).join(', ')}`)
})

/** Each text stands where it is said to, once, so that a changed line is noticed at once. */
function assertPlantable() {
  const problems = mutants.flatMap(({ name, file, from, to }) => {
    if (typeof to !== 'string' || to === from) return [`${name}: it says nothing to put in place`]
    const times = readFileSync(file, 'utf8').split(from).length - 1
    return times === 1 ? [] : [`${name}: its text stands ${times} times in ${file}, and has to stand there once`]
  })
  if (new Set(mutants.map(({ name }) => name)).size < mutants.length) problems.push('two have the same name')
  for (const [what, least] of Object.entries(LEAST)) {
    const count = what === 'mutants' ? mutants.length : mutants.filter((mutant) => mutant[what] !== undefined).length
    if (count < least) problems.push(`${what}: ${count}, and should be ${least}`)
  }
  if (problems.length > 0) throw new Error(`test/simulation/mutants: ${problems.join('\n')}`)
}

async function checkPage() {
  const found = readFound()
  const untried = mutants.filter(({ name }) => found[name]?.by === undefined).map(({ name }) => name)
  if (untried.length > 0) throw new Error(`Not found yet: ${untried.join(', ')}: npm run mutants -- --write`)
  if (readFileSync(PAGE, 'utf8') !== (await page())) throw new Error(`${PAGE}: npm run mutants -- --write`)
}

function choose({ sample, name, missing }) {
  const found = readFound()
  if (name !== undefined) return mutants.filter((mutant) => mutant.name.includes(name))
  if (missing) return mutants.filter((mutant) => found[mutant.name]?.by === undefined)
  if (sample === undefined) return mutants
  const soon = mutants.filter(({ name }) => (found[name]?.seeds ?? Infinity) <= SOON)
  const count = Math.min(Number(sample), soon.length)
  const first = Math.floor(Date.now() / DAY_MS) * count
  return Array.from({ length: count }, (_, index) => soon[(first + index) % soon.length])
}

/** { by, seeds } of the check that found it, or nothing. */
async function hunt(mutant, count) {
  if (mutant.tests !== undefined) return huntByTests(mutant)
  let planted = false
  const path = await bundleSimulator(`.cache/simulation/mutant-${process.pid}.mjs`, (file, text) => {
    if (file !== mutant.file) return text
    planted = true
    return text.replace(mutant.from, () => mutant.to)
  })
  if (!planted) throw new Error(`${mutant.name}: ${mutant.file} is no part of the simulator`)
  try {
    const before = mutant.features === true ? FEATURE_SEEDS : 0
    const { failures } = await runSeeds(path, { first: before + 1, count, stopAtFirst: true })
    const [first] = failures
    if (first === undefined) return {}
    await assertSound(first.seed)
    return { by: first.checker, seeds: first.seed - before }
  } finally {
    rmSync(path)
  }
}

/** Tests that fail without the bug as well have not found it. */
async function huntByTests({ name, tests }) {
  const failed = (mutant) => {
    process.env.HOLDFAST_MUTANT = mutant
    return capture(...npm('exec', '--', 'vitest', 'run', '--config', 'scripts/mutants.vitest.mjs', tests))
  }
  if ((await failed('')).code !== 0) throw new Error(`${tests} fails without any bug planted: see to that first`)
  return (await failed(name)).code === 0 ? {} : { by: tests }
}

/** What fails without the bug as well has not found it. */
async function assertSound(seed) {
  const path = await bundleSimulator('.cache/simulation/sound.mjs')
  const { failures } = await runSeeds(path, { first: seed, count: 1, processes: 1 })
  if (failures.length > 0) throw new Error(`Seed ${seed} fails without any bug planted: see to that first`)
}

function readFound() {
  return JSON.parse(readFileSync(FOUND, 'utf8'))
}

/** What came out is kept in the order of the list; what is not in the list any more is dropped. */
function save({ name: hunted, ...result }) {
  const before = readFound()
  const kept = mutants.map(({ name }) => [name, name === hunted ? result : (before[name] ?? {})])
  writeFileSync(FOUND, `${JSON.stringify(Object.fromEntries(kept), undefined, 2)}\n`)
}

async function page() {
  const found = readFound()
  const rows = mutants.map(({ name, file, after }) => {
    const { by = 'not found', seeds } = found[name] ?? {}
    const where = file.includes('/model/') ? 'modelled Redis' : file.replace('src/', '')
    return `| ${name} | ${where} | ${after ?? ''} | ${seeds ?? ''} | ${by.replace('test/', '')} |`
  })
  const seeds = mutants.flatMap(({ name }) => found[name]?.seeds ?? []).sort((a, b) => a - b)
  const caught = mutants.filter(({ name }) => found[name]?.by !== undefined).length
  const text = readFileSync(PAGE, 'utf8')
  const [before] = text.split('<!-- from here on')
  const table = `<!-- from here on written by npm run mutants -- --write -->

${caught} of ${rows.length} found; ${seeds.length} of them by the simulator, half of these within ${seeds[Math.floor(seeds.length / 2)] ?? 0} worlds and the last after ${seeds.at(-1) ?? 0}.
${mutants.filter(({ after }) => after !== undefined).length} are bugs that other libraries had, or have.

| the bug | in | seen in | worlds | found by |
| --- | --- | --- | --: | --- |
${rows.join('\n')}
`
  return format(before + table, { ...(await resolveConfig(PAGE)), parser: 'markdown' })
}
