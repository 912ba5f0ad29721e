/** `npm run mutation`: changes the code in small places, runs the tests against each change, and writes docs/mutation.md. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { parseArgs } from 'node:util'
import { Stryker } from '@stryker-mutator/core'
import { format, resolveConfig } from 'prettier'
import { sharedRedis } from '../support/servers/redis.js'
import { needless, pageOf } from './page.js'
import { reasons } from './reasons/index.js'
import type { Report } from './report.js'
import { type Suite, suites } from './suites.js'

const usage = `Usage: npm run mutation [-- options]
  --suite X       only one of core, memory, redis-parts, redis
  --mutate X      only these files of that suite, such as src/core/gate.ts,src/core/hold.ts; the others keep what is known of them
  --force         asks the tests again, also where neither code nor tests were changed
  --page          runs nothing: writes the page anew from the last report
80 minutes for all of it on two cores; what was found is kept in .cache/mutation, and the next run asks only what has changed.`

const { values } = parseArgs({
  options: {
    suite: { type: 'string' },
    mutate: { type: 'string' },
    force: { type: 'boolean', default: false },
    page: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
const pagePath = 'docs/mutation.md'
const require = createRequire(import.meta.url)

if (values.help) console.log(usage)
else {
  const chosen = suites.filter(({ name }) => values.suite === undefined || name === values.suite)
  if (chosen.length === 0 || (values.mutate !== undefined && chosen.length > 1)) throw new Error(usage)
  if (!values.page) await mutate(chosen)
  await writePage()
}

/** One Redis for all workers: one that is ended for a mutant's endless loop could not stop its own. */
async function mutate(chosen: readonly Suite[]): Promise<void> {
  const redis = await sharedRedis()
  process.env['HOLDFAST_TEST_REDIS_URL'] = redis.url
  try {
    for (const suite of chosen) {
      process.env['HOLDFAST_MUTATED'] = suite.name
      const files = values.mutate ?? suite.mutate
      const configFile = 'test/mutation/stryker.config.mjs'
      await new Stryker({ configFile, force: values.force, mutate: files.split(',') }).runMutationTest()
    }
  } finally {
    await redis.stop()
  }
}

async function writePage(): Promise<void> {
  const missing = suites.filter(({ name }) => !existsSync(fileOf(name))).map(({ name }) => `--suite ${name}`)
  if (missing.length > 0) {
    console.log(`${pagePath} is of all suites, and is written once they have run: ${missing.join(', ')}`)
    return
  }
  const report = { files: Object.assign({}, ...suites.map(mutatedBy)) as Report['files'] }
  const date = new Date().toISOString().slice(0, 10)
  const versions = `${date}, Node ${process.versions.node}, Stryker ${versionOf('@stryker-mutator/core')}, Vitest ${versionOf('vitest')}.`
  const page = pageOf(report, reasons, versions)
  writeFileSync(pagePath, await format(page, { ...(await resolveConfig(pagePath)), parser: 'markdown' }))
  console.log(`${pagePath} is written`)
  for (const { file, code } of needless(report, reasons))
    console.log(`No reason is needed any more for ${file}: ${code}`)
}

/** What is known of a suite's files. Its report keeps those that were of it once. */
function mutatedBy({ name, mutate }: Suite): Report['files'] {
  const { files } = JSON.parse(readFileSync(fileOf(name), 'utf8')) as Report
  const isOwn = (path: string): boolean =>
    mutate
      .split(',')
      .some((own) => (own.includes('*') ? path.startsWith(own.slice(0, own.indexOf('*'))) : path === own))
  return Object.fromEntries(Object.entries(files).filter(([path]) => isOwn(path)))
}

function fileOf(suite: string): string {
  return `.cache/mutation/${suite}.json`
}

function versionOf(name: string): string {
  return (require(`${name}/package.json`) as { version: string }).version
}
