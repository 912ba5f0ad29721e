// A server that is told to end: it takes no more requests, lets those that run finish, and frees what they held.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { close, configure, lock } from 'holdfast'
import { settings } from './support/settings.js'

configure({ ...settings, logger: console })

// #region program
const charge = lock('charge-{customer}', { wait: '5s' })(async (customer: string) => {
  await sleep(300) // what must not be done twice at a time, and not be cut off in the middle
  return `charged ${customer}`
})

const server = createServer((request, response) => {
  charge(request.url ?? '').then(
    (text) => response.end(text),
    () => response.writeHead(503).end(), // among others: this server ends, and takes no more
  )
})

const closed = once(process, 'SIGTERM').then(async () => {
  server.close() // no new requests
  await close({ drainMs: '10s' }) // no new holds; those there are may finish, within ten seconds
})
// #endregion

await once(server.listen(0, '127.0.0.1'), 'listening')
const { port } = server.address() as AddressInfo
const answer = fetch(`http://127.0.0.1:${port}/anna`, { headers: { connection: 'close' } })
while (!(await lock('charge-/anna').isLocked())) await sleep(10)
process.kill(process.pid, 'SIGTERM')
console.log(await (await answer).text())
await closed
console.log('all is released')
