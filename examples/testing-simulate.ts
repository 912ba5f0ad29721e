// A simulation finds stale writes in a critical section: three processes, a thousand seeds, and everything that can go wrong.
import { type SimulatedWorker, simulate, SimulationError } from 'holdfast/testing'

// #region naive
/** Takes one from the stock. It holds a lock; is that enough? */
async function naive({ lock, resource, sleep }: SimulatedWorker): Promise<void> {
  const stock = resource('stock', 10)
  await lock('stock', { wait: '1m' }).run(async () => {
    const left = await stock.read()
    await sleep('50ms') // asks somebody else
    await stock.write(left - 1)
  })
}
// #endregion

// #region checks
async function checksItsLease({ lock, resource, sleep }: SimulatedWorker): Promise<void> {
  const stock = resource('stock', 10)
  await lock('stock', { wait: '1m' }).run(async (lease) => {
    const left = await stock.read()
    await sleep('50ms')
    lease.assertActive()
    await stock.write(left - 1)
  })
}
// #endregion

// #region fenced
async function checksTokens({ lock, resource, sleep }: SimulatedWorker): Promise<void> {
  const stock = resource('stock', 10)
  await lock('stock', { wait: '1m' }).run(async (lease) => {
    const left = await stock.read(lease.token) // what was read decides what is written: it needs the token too
    await sleep('50ms')
    await stock.write(left - 1, lease.token)
  })
}
// #endregion

async function verdict(scenario: (worker: SimulatedWorker) => Promise<void>, faults?: ['pause']): Promise<string> {
  try {
    // #region simulate
    const report = await simulate(scenario, { seeds: 1000, ...(faults && { faults }) })
    return `no stale write in ${report.writes} writes, ${report.gaveUp > 0 ? 'some gave up' : 'none gave up'}`
    // #endregion
  } catch (error) {
    if (!(error instanceof SimulationError)) throw error
    return error.message
  }
}

console.log(`checks its lease, processes stop: ${await verdict(checksItsLease, ['pause'])}`)
console.log(`checks tokens, everything: ${await verdict(checksTokens)}`)
console.log(`checks its lease, everything: ${(await verdict(checksItsLease)).split('\n')[0] ?? ''}`)
console.log(`naive, processes stop: ${await verdict(naive, ['pause'])}`)
