import { expect, it, onTestFinished } from 'vitest'
import { realEnv } from '../../src/core/env.js'

it.each([2 ** 31, 2 ** 40, Number.MAX_SAFE_INTEGER])('a timer of %d ms does not fire at once', async (delayMs) => {
  const warnings: Error[] = []
  const onWarning = (warning: Error): number => warnings.push(warning)
  process.on('warning', onWarning)
  onTestFinished(() => void process.off('warning', onWarning))
  let fired = false
  const timer = realEnv.setTimer(() => (fired = true), delayMs, false)
  onTestFinished(() => timer.clear())
  // set later, with a delay that Node keeps: whatever Node cuts to 1 ms comes before it
  await new Promise<void>((resolve) => void realEnv.setTimer(resolve, 20, true))
  expect(fired).toBe(false)
  expect(warnings).toEqual([])
})
