// Installs, without running any script of a package, the exact versions of package-lock.json, if that was not done since the file last changed.
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { npm, run } from './run.mjs'

const STAMP = 'node_modules/.holdfast-lock-hash'

export async function installIfNeeded() {
  requireNode()
  const wanted = createHash('sha256').update(readFileSync('package-lock.json')).digest('hex')
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === wanted) return
  console.log('Installing the packages of package-lock.json …')
  await run(...npm('ci', '--include=dev', '--ignore-scripts', '--no-audit', '--no-fund'))
  writeFileSync(STAMP, wanted)
}

function requireNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major < 20 || (major === 20 && minor < 19)) {
    throw new Error(`holdfast needs Node.js 20.19 or newer; this is ${process.versions.node}`)
  }
}
