// A payment guarded by token: a worker that was paused for longer than its lease pays nothing any more.
import { configure, lock } from 'holdfast'
import { fencedFetch, guardRequests, StaleTokenError } from 'holdfast/fence'
import { serve } from './support/serve.js'
import { settings } from './support/settings.js'

configure(settings)

// #region service
// The service that pays has no lock. It compares the token of each request with the largest it has seen of that invoice.
const payments: string[] = []

const handle = guardRequests(
  async (request) => {
    payments.push(await request.text())
    return new Response('paid')
  },
  { key: ({ url }) => `invoice-${new URL(url).pathname.slice(1)}` },
)
// #endregion
const service = await serve(handle)

// #region worker
async function pay(worker: string, pause: Promise<void>): Promise<void> {
  await lock('invoice-42', { wait: '10s', expire: '500ms' }).run(async (lease) => {
    await pause // a debugger, the garbage collector, a machine that was suspended
    await fencedFetch(lease)(`${service.url}42`, { method: 'POST', body: `120 EUR by ${worker}` })
  })
}
// #endregion

let wake = (): void => undefined
const paused = pay('a', new Promise<void>((resolve) => (wake = resolve)))
await pay('b', Promise.resolve()) // gets the lock when that of the first has ended
wake()

try {
  await paused
} catch (error) {
  if (!(error instanceof StaleTokenError)) throw error
  console.log(`a: ${error.message}`)
}
console.log(`payments: ${payments.join(', ')}`)
await service.close()
