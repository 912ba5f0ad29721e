import type { Store } from '../../core/store.js'

/** What the store on Redis can do; here by itself, so that it is known before the store is loaded. */
export const redisCapabilities: Store['capabilities'] = {
  scope: 'network',
  crashRelease: 'lease',
  fair: true,
  wake: 'push',
  token: 'clock',
  consistency: 'single-node',
  sync: false,
  adopts: true,
}
