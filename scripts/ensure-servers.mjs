// Sees to it that every server and tool the tests start is on the PATH; installs it as root on Debian or Ubuntu, else says how.
import { accessSync, constants, existsSync, readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { main, run } from './run.mjs'

/** One line each: its binary, its Debian packages and, for a server, the variable that names a running one to use instead. */
const NEEDED = [
  { binary: 'redis-server', debianPackages: ['redis-server'], urlVariable: 'HOLDFAST_TEST_REDIS_URL' },
  { binary: 'postgres', debianPackages: ['postgresql'], urlVariable: 'HOLDFAST_TEST_POSTGRES_URL' },
  { binary: 'mariadbd', debianPackages: ['mariadb-server'], urlVariable: 'HOLDFAST_TEST_MYSQL_URL' },
  { binary: 'openssl', debianPackages: ['openssl'] },
  { binary: 'spin', debianPackages: ['spin'] },
  { binary: 'gcc', debianPackages: ['gcc', 'libc6-dev'] },
]

export async function ensureServers() {
  const given = NEEDED.filter(({ urlVariable }) => urlVariable !== undefined && process.env[urlVariable])
  for (const { binary, urlVariable } of given) console.log(`${binary}: not looked for, ${urlVariable} is set`)
  const missing = NEEDED.filter((need) => !given.includes(need) && !onPath(need.binary))
  if (missing.length === 0) return
  const packages = missing.flatMap(({ debianPackages }) => debianPackages)
  if (!canInstall()) throw new Error(howTo(missing, packages))
  console.log(`Installing ${packages.join(', ')} …`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  await run('apt-get', ['update', '-q'], { env })
  await run('apt-get', ['install', '-y', '-q', '--no-install-recommends', ...packages], { env })
  const still = missing.filter(({ binary }) => !onPath(binary))
  if (still.length > 0) throw new Error(howTo(still, packages))
}

/** Debian keeps servers where users have no PATH to. */
function onPath(binary) {
  const postgres = '/usr/lib/postgresql'
  const versions = existsSync(postgres) ? readdirSync(postgres) : []
  const offPath = ['/usr/sbin', '/usr/local/sbin', ...versions.map((version) => join(postgres, version, 'bin'))]
  const folders = [...(process.env.PATH ?? '').split(delimiter), ...offPath]
  return folders.some((folder) => isExecutable(join(folder, binary)))
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
  const variables = missing.flatMap(({ urlVariable }) => urlVariable ?? [])
  return [
    `The tests need ${binaries} on the PATH. Install it, for example by`,
    `  sudo apt-get update && sudo apt-get install -y --no-install-recommends ${packages.join(' ')}`,
    ...variables.map((name) => `or set ${name} to the URL of a running server that the tests may fill and empty.`),
  ].join('\n')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(ensureServers)
