import { selfRenewing, type RenewalFlaw } from '../self-renewing.js'
import type { Bug } from './bug.js'

export const selfRenewalBugs: readonly Bug[] = [
  renewal('never renews', 'renews a hold by itself, and says when it last did'),
  renewal('ignores stop', 'renews a hold no more when it was told to stop, though the holder does once'),
  renewal('begins again', 'renews a hold no more when it was told to stop, though the holder does once'),
  renewal('ignores the limit', 'renews no hold beyond its expire limit'),
]

function renewal(flaw: RenewalFlaw, caughtBy: string): Bug {
  return {
    bug: `${flaw}, as it renews by itself`,
    caughtBy,
    renewsItself: true,
    wrap: (client) => selfRenewing(client, flaw),
  }
}
