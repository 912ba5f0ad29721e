/** CLOCK_MONOTONIC: comparable between the processes of one machine. */
import { setImmediate as immediate, setTimeout as sleep } from 'node:timers/promises'

const LAST_NS = 3e6
const MOST_STEPS = 1_000_000

export const nowNs = (): number => Number(process.hrtime.bigint())

/** Waits for a point in time: by a timer, the last 3 ms step by step, for timers are late. */
export async function sleepUntil(atNs: number): Promise<void> {
  for (let step = 0; step < MOST_STEPS; step++) {
    const leftNs = atNs - nowNs()
    if (leftNs <= 0) return
    if (leftNs > LAST_NS + 1e6) await sleep((leftNs - LAST_NS) / 1e6)
    else await immediate()
  }
}

export { sleep }
