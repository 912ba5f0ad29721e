import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { it } from 'vitest'

const script = fileURLToPath(new URL('../../scripts/mutants.mjs', import.meta.url))

it('each planted bug stands where it is said to, and was found', () => {
  execFileSync(process.execPath, [script, '--check'], { stdio: ['ignore', 'ignore', 'inherit'] })
})
