// Plants each bug of test/simulation/mutants.mjs and counts the seeds that it takes the simulator to find it.
// `node scripts/mutants.mjs` writes docs/track-record.md; `--sample 8` takes some, `--name TEXT` one, and writes nothing.
import { rmSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { format, resolveConfig } from 'prettier'
import { mutants } from '../test/simulation/mutants.mjs'
import { main } from './run.mjs'
import { bundleSimulator, runSeeds } from './simulate.mjs'

const PAGE = 'docs/track-record.md'

await main(async () => {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '100000' },
      sample: { type: 'string' },
      name: { type: 'string' },
    },
  })
  const chosen = choose(values)
  const rows = []
  for (const mutant of chosen) {
    const row = { ...mutant, ...(await hunt(mutant, Number(values.seeds))) }
    rows.push(row)
    const end = row.checker === undefined ? 'NOT FOUND' : `${row.needed} seeds, ${row.checker}`
    console.log(`${mutant.name}: ${end} (${row.seconds.toFixed(1)} s)`)
  }
  const missed = rows.filter(({ checker }) => checker === undefined)
  console.log(`${rows.length - missed.length} of ${rows.length} found`)
  if (chosen.length === mutants.length) await writePage(rows)
  if (missed.length > 0) throw new Error(`Not found: ${missed.map(({ name }) => name).join(', ')}`)
})

function choose({ sample, name }) {
  if (name !== undefined) return mutants.filter((mutant) => mutant.name.includes(name))
  if (sample === undefined) return mutants
  const step = mutants.length / Number(sample)
  return Array.from({ length: Number(sample) }, (_, index) => mutants[Math.floor(index * step)])
}

/** Runs seeds with the bug planted until one fails. */
async function hunt({ name, file, from, to }, count) {
  let planted = false
  const bundle = `.cache/simulation/mutant-${process.pid}.mjs`
  const path = await bundleSimulator(bundle, (path, text) => {
    if (path !== file) return text
    const found = text.split(from).length - 1
    if (found !== 1) throw new Error(`${name}: its text stands ${found} times in ${file}, and has to stand there once`)
    planted = true
    return text.replace(from, () => to)
  })
  if (!planted) throw new Error(`${name}: ${file} is no part of the simulator`)
  try {
    const { failures, seconds } = await runSeeds(path, { first: 1, count, stopAtFirst: true })
    if (failures.length > 0) await assertSound(failures[0].seed)
    return { seconds, needed: failures[0]?.seed, checker: failures[0]?.checker }
  } finally {
    rmSync(path)
  }
}

/** What fails without the bug as well has not found it. */
async function assertSound(seed) {
  const path = await bundleSimulator('.cache/simulation/sound.mjs')
  const { failures } = await runSeeds(path, { first: seed, count: 1, processes: 1 })
  if (failures.length > 0) throw new Error(`Seed ${seed} fails without any bug planted: see to that first`)
}

async function writePage(rows) {
  const table = rows.map(
    ({ name, file, after, needed, checker }) =>
      `| ${name} | ${file.includes('/model/') ? 'model' : file.replace('src/', '')} | ${after ?? ''} | ${needed ?? '–'} | ${checker ?? 'not found'} |`,
  )
  const found = rows.filter(({ needed }) => needed !== undefined).map(({ needed }) => needed)
  const median = found.sort((a, b) => a - b)[Math.floor(found.length / 2)] ?? 0
  const page = `# Track record

Bugs planted on purpose, one line each, in the library or in the modelled stores, and the number of simulated worlds that it
took to find each ([how](simulation.md)). \`node scripts/mutants.mjs\` writes this page anew; \`npm test\` takes a sample. A
check that finds nothing when it is wrong is no check: a bug that no world finds is a promise nobody wrote down, or a line
nobody needs.

${found.length} of ${rows.length} found, the median after ${median} worlds, the last after ${found.at(-1) ?? 0}. "Seen in" names libraries that had the bug.

| the bug | in | seen in | worlds | found by |
| --- | --- | --- | --- | --- |
${table.join('\n')}
`
  writeFileSync(PAGE, await format(page, { ...(await resolveConfig(PAGE)), parser: 'markdown' }))
}
