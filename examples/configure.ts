// Where the records are kept. Nothing is opened here: a store connects at its first use.
import { configure, createHoldfast } from 'holdfast'

// #region all
configure({
  store: 'redis://localhost:6379', // where locks are kept
  stores: { local: 'memory:' }, // more of them by alias: lock('key', { store: 'local' })
  prefix: 'my-app:', // put before each key; default 'holdfast:'
  ttl: '1m', // default for all locks
  storeTimeout: '2s', // time limit of one call of the store
  maxWaiters: 1_000, // that wait for one key in this process; default 100,000
  releaseOnExit: true, // SIGTERM and SIGINT release what is held; default false
  logger: console, // contention and lost holds; default: nowhere
})
// #endregion

// #region instance
const { lock, close } = createHoldfast({ store: 'memory:' }) // the same functions, for an instance of its own
await lock('invoice-42').run(() => console.log('done'))
await close() // releases what is held, frees every connection and timer
// #endregion
