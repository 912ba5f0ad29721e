import { type Duration, parseDuration, show } from '../../core/duration.js'
import { realEnv } from '../../core/env.js'
import { InvalidOptionError } from '../../core/errors.js'
import type { Capabilities, SyncStore } from '../../core/store.js'
import { openStore } from '../../features/open-store.js'
import { BlockingStore } from './store.js'

/** Options of {@link blocking}. */
export interface BlockingOptions {
  /** Time limit of each call: the thread is blocked no longer. Default: the smaller of a third of the ttl and 5 s. */
  readonly storeTimeout?: Duration
}

/**
 * A store across machines that answers at once, so that `acquireSync`, `runSync` and `using` work on it: the calls are made
 * by a worker thread with a connection of its own, while the calling thread sleeps.
 *
 * The worker starts at the first call (0.1 s with the driver), keeps no process alive, and renews what is held while the
 * calling thread is busy: a computation longer than `ttl` keeps its lock. It renews as long as the process lives, so set
 * `expire` where a computation might never end.
 *
 * The async calls (`acquire`, `run`) work too, but each call of the store blocks the thread, 0.1 ms when all is well and
 * `storeTimeout` when the store is silent: in a server, use the URL itself as the store for those.
 *
 * @param url Of a store that answers with promises: `redis://user:password@host:port/db`, `rediss://…`.
 * @throws InvalidOptionError when it is not the URL of such a store. Calls throw `StoreError` when the store failed, or gave
 * no answer within the time limit.
 *
 * @example
 * const { lock } = createHoldfast({ store: blocking('redis://localhost:6379') })
 * lock('invoice-42').runSync(() => renderInvoice(42))
 */
export function blocking(url: string, options: BlockingOptions = {}): SyncStore {
  if (typeof url !== 'string')
    throw new InvalidOptionError(`blocking() takes the URL of a store; this is ${show(url)}.`)
  for (const option of Object.keys(options)) {
    if (option !== 'storeTimeout') {
      throw new InvalidOptionError(`Unknown option '${option}' of blocking(): there is storeTimeout.`)
    }
  }
  const { storeTimeout } = options
  // Opens nothing: that comes with the first call, and here it never comes.
  const opened = openStore(url, realEnv, 'url')
  const { name, capabilities } = opened
  if (capabilities.sync) {
    throw new InvalidOptionError(
      `blocking() is for stores that answer with promises; '${name}' answers at once: use it as it is.`,
    )
  }
  return new BlockingStore({
    url,
    env: realEnv,
    name: `blocking(${name})`,
    capabilities: synchronous(capabilities),
    keepsValues: opened.values !== undefined,
    resizes: opened.resize !== undefined,
    storeTimeoutMs: storeTimeout === undefined ? undefined : parseDuration(storeTimeout, 'storeTimeout', 1),
  })
}

function synchronous(capabilities: Capabilities): SyncStore['capabilities'] {
  return { ...capabilities, sync: true }
}
