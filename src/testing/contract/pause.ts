import { realEnv } from '../../core/env.js'

/** At least `ms`. Only where a look at the store would spoil what is tested. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => void realEnv.setTimer(resolve, ms, true))
}
