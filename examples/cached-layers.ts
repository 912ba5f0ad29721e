// A cache in two layers: each process keeps a value for seconds, Redis keeps it for all of them.
import { createHoldfast } from 'holdfast'
import { settings } from './support/settings.js'

// #region program
const far = createHoldfast({ ...settings, cacheTtl: '10m' }) // store: 'redis://…'
const near = createHoldfast() // the memory of this process

let computed = 0
const reportOf = near.cached('report-{day}', { ttl: '5s' })(
  far.cached('report-{day}', { ttl: '1h', staleIfError: '24h' })(async (day: string) => {
    computed++
    return { day, total: 100 }
  }),
)

const reports = await Promise.all(Array.from({ length: 100 }, () => reportOf('monday')))
console.log(`${reports.length} reports, computed ${computed} time`)

await reportOf.reset('monday') // both layers, the far one first
await reportOf('monday')
console.log(`after a reset computed ${computed} times`)
// #endregion

await Promise.all([near.close(), far.close()])
