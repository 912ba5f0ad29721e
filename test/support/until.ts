import { setTimeout as sleep } from 'node:timers/promises'

/** Waits until something holds, looking every few milliseconds. */
export async function until(holds: () => boolean | Promise<boolean>, limitMs = 8000): Promise<void> {
  const end = performance.now() + limitMs
  while (!(await holds())) {
    if (performance.now() > end)
      throw new Error(`it did not come to hold within ${String(limitMs)} ms: ${holds.toString()}`)
    await sleep(5)
  }
}
