// `npm test`: installs, sees to the servers, runs every check, and ends with "N passed, N failed". `--only STEP` runs one step.
import { ensureServers } from './ensure-servers.mjs'
import { installIfNeeded } from './install.mjs'
import { forgetReports, sumReports } from './reports.mjs'
import { capture, main, npm, run } from './run.mjs'

/** The npm scripts that make up the whole check, in order; a failed one does not keep the later ones from running. */
const STEPS = [
  'format',
  'lint',
  'types',
  'types:legacy',
  'build',
  'test:coverage',
  'test:chaos', // by itself: it loads the machine, and others would be late
  'test:simulation', // on all cores
  'test:node24',
  'docs',
  'publint',
  'attw',
  'size',
  'knip',
  'pack:check',
  'sbom',
]

/** Those that tell how far they are. */
const TELLING = ['test:simulation']

await main(async () => {
  process.exitCode = (await check()) ? 0 : 1
})

async function check() {
  const steps = chosenSteps(process.argv.slice(2))
  await installIfNeeded()
  await ensureServers()
  forgetReports()
  let good = true
  for (const step of steps) good = (await runStep(step)) && good
  const { passed, failed, skipped } = sumReports()
  if (skipped > 0) console.log(`✗ ${skipped} tests were skipped: a test runs or goes`)
  const testsRan = passed > 0 || !steps.includes('test:coverage')
  if (!testsRan) console.log('✗ no test ran')
  console.log(`${passed} passed, ${failed} failed`)
  return good && testsRan && failed === 0 && skipped === 0
}

async function runStep(step) {
  const start = performance.now()
  const { code, output } = await (TELLING.includes(step) ? show : capture)(...npm('run', '--silent', step))
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  console.log(`${code === 0 ? '✓' : '✗'} ${step} ${seconds} s`)
  if (code !== 0) console.log(output)
  return code === 0
}

async function show(command, args) {
  try {
    await run(command, args)
    return { code: 0, output: '' }
  } catch ({ exitCode, message }) {
    return { code: exitCode ?? 1, output: message }
  }
}

function chosenSteps(args) {
  if (args.length === 0) return STEPS
  const [option, step] = args
  if (args.length !== 2 || option !== '--only' || !STEPS.includes(step)) {
    throw new Error(`Usage: npm test -- [--only STEP], where STEP is one of ${STEPS.join(', ')}`)
  }
  return [step]
}
