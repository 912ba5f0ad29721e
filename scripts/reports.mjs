// Adds up the JSON reports that vitest left behind.
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'

const FOLDER = '.cache/reports'

export function forgetReports() {
  rmSync(FOLDER, { recursive: true, force: true })
}

/** { passed, failed, skipped } of all reports; a file that could not even be loaded counts as one failed test. */
export function sumReports() {
  const sum = { passed: 0, failed: 0, skipped: 0 }
  const names = existsSync(FOLDER) ? readdirSync(FOLDER).filter((name) => name.endsWith('.json')) : []
  for (const name of names) {
    for (const file of JSON.parse(readFileSync(join(FOLDER, name), 'utf8')).testResults) addFile(sum, file)
  }
  return sum
}

function addFile(sum, file) {
  const failedBefore = sum.failed
  for (const { status } of file.assertionResults) {
    if (status === 'passed') sum.passed++
    else if (status === 'failed') sum.failed++
    else sum.skipped++
  }
  if (file.status === 'failed' && sum.failed === failedBefore) sum.failed++
}
