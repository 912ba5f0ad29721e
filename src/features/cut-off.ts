import type { Hold } from '../core/hold.js'
import { failed, letGo, letGoSync } from '../core/release.js'

/** Ends holds before their bodies do, which are told by their signal. Never rejects: what cannot be released is logged. */
export async function cutOff(holds: readonly Hold[], detail: string, limitMs?: number): Promise<void> {
  const ended = holds.filter(({ space }) => space.syncStore === undefined).map((hold) => cutOne(hold, detail))
  cutOffSync(
    holds.filter(({ space }) => space.syncStore !== undefined),
    detail,
    limitMs,
  )
  await Promise.all(ended)
}

/** The same where stores answer at once. What they are not told within `limitMs` (default: any time) is left to its lease. */
export function cutOffSync(holds: readonly Hold[], detail: string, limitMs: number = Number.POSITIVE_INFINITY): void {
  const startMs = holds[0]?.space.env.nowMs() ?? 0
  for (const hold of holds) {
    const leftMs = revoke(hold, detail)
    if (leftMs === undefined || hold.space.env.nowMs() - startMs > limitMs) continue
    try {
      letGoSync(hold, leftMs, undefined)
    } catch (error) {
      hold.space.warn(failed(hold, leftMs, undefined, error).message)
    }
  }
}

async function cutOne(hold: Hold, detail: string): Promise<void> {
  const leftMs = revoke(hold, detail)
  if (leftMs === undefined) return
  hold.space.begin()
  try {
    await letGo(hold, leftMs, undefined)
  } catch (error) {
    hold.space.warn(failed(hold, leftMs, undefined, error).message)
  } finally {
    hold.space.done()
  }
}

/** How long the key has to stay held; undefined: it had ended. */
function revoke(hold: Hold, detail: string): number | undefined {
  if (!hold.isActive()) return undefined
  const leftMs = hold.minHoldLeftMs()
  hold.end('LOCK_REVOKED', detail)
  return leftMs
}
