// Sees to it that every server the tests start is on the PATH; installs it as root on Debian or Ubuntu, else says how.
import { accessSync, constants, existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { main, run } from './run.mjs'

/** One line a server: its binary, its Debian package, and the variable that names a running one to use instead. */
const SERVERS = [{ binary: 'redis-server', debianPackage: 'redis-server', urlVariable: 'HOLDFAST_TEST_REDIS_URL' }]

export async function ensureServers() {
  for (const { binary, urlVariable } of SERVERS) {
    if (process.env[urlVariable]) console.log(`${binary}: not looked for, ${urlVariable} is set`)
  }
  const missing = SERVERS.filter(({ binary, urlVariable }) => !process.env[urlVariable] && !onPath(binary))
  if (missing.length === 0) return
  const packages = missing.map(({ debianPackage }) => debianPackage)
  if (!canInstall()) throw new Error(howTo(missing, packages))
  console.log(`Installing ${packages.join(', ')} …`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  await run('apt-get', ['update', '-q'], { env })
  await run('apt-get', ['install', '-y', '-q', '--no-install-recommends', ...packages], { env })
  const still = missing.filter(({ binary }) => !onPath(binary))
  if (still.length > 0) throw new Error(howTo(still, packages))
}

function onPath(binary) {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => isExecutable(join(folder, binary)))
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

function canInstall() {
  return process.getuid?.() === 0 && existsSync('/etc/debian_version') && onPath('apt-get')
}

function howTo(missing, packages) {
  const binaries = missing.map(({ binary }) => binary).join(', ')
  const variables = missing.map(({ urlVariable }) => urlVariable).join(', ')
  return [
    `The tests need ${binaries} on the PATH. Install it, for example by`,
    `  sudo apt-get update && sudo apt-get install -y --no-install-recommends ${packages.join(' ')}`,
    `or set ${variables} to the URL of a running server that the tests may fill and empty.`,
  ].join('\n')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(ensureServers)
