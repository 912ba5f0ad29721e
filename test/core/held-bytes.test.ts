import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { bundle } from '../fleet/bundle.js'

test('a held lease takes about 1 KB of memory', { timeout: 60_000 }, async () => {
  const programs = await bundle(['test/core/held-bytes-process.ts'])
  const program = programs.pathOf('held-bytes-process')
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', program])
  programs.remove()
  const [bytes, held] = stdout.split(' ').map(Number)
  expect(held).toBe(52_000)
  // the array of this test and the key are in it too; figures of a whole run: docs/scale.md
  expect(bytes).toBeGreaterThan(500)
  expect(bytes).toBeLessThan(1150)
})
